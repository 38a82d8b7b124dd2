"""The weights that others publish for these networks."""

from keras_seattn.checkpoints import WEIGHTS, Published

_COLUMNS = (
    "`weights=`", "network", "trained on", "classes", "frames", "top-1", "top-5", "measured",
    "parameters", "GMAC (frames x 112 x 112)", "licence", "page",
)  # fmt: skip


def published(network: str) -> dict[str, Published]:
    """What `weights=` of one builder knows by name.

    Args:
        network: str, the builder's name.

    Returns:
        dict of str to `Published`.

    Example:

    >>> list(published("SEAResNet18_3D"))
    ['kinetics400', 'kinetics700', 'kinetics700-moments']
    """
    return {known.name: known for known in WEIGHTS if known.network == network}


def weights_table() -> str:
    """All weights that builders know by name, as a table.

    Its accuracies are those that were published, in percent: what they are of,
    and who says so, stands beside them. Parameters and GMAC, 10^9 multiply-adds
    of one clip, are those of the network without modules.

    Returns:
        str, in Markdown. As data, the same is `keras_seattn.checkpoints.WEIGHTS`.

    Example:

    >>> print(weights_table().splitlines()[2].partition(" | video")[0])
    | kinetics400 | SEAResNet18_3D | Kinetics-400 | 400 | 16 | 54.2 | 78.1
    """
    rows = [_COLUMNS, ["---"] * len(_COLUMNS), *map(_row, WEIGHTS)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(known):
    top1, top5 = (f"{x:.1f}" if x else "" for x in (known.top1, known.top5))
    return (
        known.name,
        known.network,
        known.data,
        f"{known.classes}",
        f"{known.frames}",
        top1,
        top5,
        known.measured or "",
        f"{known.parameters:,}",
        f"{known.gmac:.2f}",
        known.licence,
        f"<{known.page}>",
    )
