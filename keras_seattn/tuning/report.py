"""The report of a search: one HTML page, two pictures, and a CSV file of the trials."""

import html
import math
import os
import typing

import matplotlib.figure
import matplotlib.patches
import numpy as np

from keras_seattn.files import replacing
from keras_seattn.pages import how_it_was_made, picture, section, table, write_page
from keras_seattn.tuning.hypermodel import ReductionHyperModel
from keras_seattn.tuning.result import (
    SearchResult,
    added_parameters,
    other_settings,
    reductions,
)


def write_search_report(
    result: SearchResult,
    hypermodel: ReductionHyperModel,
    output_dir: str | os.PathLike,
    *,
    config: dict | None = None,
    command: str | None = None,
    full: str | None = None,
) -> str:
    """Writes what a search found.

    Writes to `output_dir`: `search.html`, `trials.csv`, `trade_off.png` and,
    where both r and d are searched, `heat_map.png`.

    Args:
        result: `SearchResult` with a completed trial.
        hypermodel: `ReductionHyperModel`.
        output_dir: str, a folder that exists.
        config: dict of what the search was made with, or None.
        command: str, the command that made it, or None.
        full: str, the command that trains the best configuration fully, or
            None.

    Returns:
        str, the path of `search.html`.
    """

    def file(name):
        return os.path.join(output_dir, name)

    result.save_csv(file("trials.csv"))
    plot_trade_off(result, file("trade_off.png"))
    sections = [
        section(
            "Accuracy against added cost",
            "<p class='faint'>Each point is a network; the line joins those that no other one "
            "beats with as little. Bars are standard errors: over the executions where there are "
            "several, else (thin) what the number of validation videos allows.</p>"
            + picture(file("trade_off.png"), "trade-off", shrink=0.5),
        )
    ]
    if {"channel_reduction", "sequence_reduction"} <= set(hypermodel.searched):
        plot_heat_map(result, hypermodel, file("heat_map.png"))
        sections.append(
            section(
                "r and d",
                "<p class='faint'>Reductions that build the same network share its result. "
                "Empty: not tried, or failed.</p>"
                + picture(file("heat_map.png"), "heat map of r and d", shrink=0.6),
            )
        )
    sections.append(section("Trials", _trials_table(result)))
    if full:
        sections.append(section("Train the best one fully", f"<pre>{html.escape(full)}</pre>"))
    sections.append(how_it_was_made(config, command))

    best = result.best
    failed = len(result.trials) - len(result.completed)
    cards = [
        ("best r", reductions(best)[0], "channel reduction"),
        ("best d", reductions(best)[1], "sequence reduction"),
        (f"its {result.objective}", _score(result, best), _error_text(result)),
    ]
    if result.test is not None:
        test = result.test
        cards.append(
            (
                "top-1 on the test videos",
                f"{test.top1:.1%}",
                f"{test.low:.1%} to {test.high:.1%} (95 %), {test.videos:,} videos",
            )
        )
    path = file("search.html")
    write_page(
        path,
        title=f"{_label(best)}: {result.objective} {_score(result, best)}",
        subtitle=f"{len(result.trials)} trials, {failed} failed; "
        f"{result.validation_videos:,} validation videos held out of the training list by group",
        cards=cards,
        note=_note(result),
        sections=sections,
    )
    return path


def plot_trade_off(result: SearchResult, path: str | os.PathLike) -> None:
    """Draws the objective against added parameters and against time, with the front.

    Args:
        result: `SearchResult` with a completed trial.
        path: str, the PNG file to write.
    """
    figure = matplotlib.figure.Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    front = result.pareto_front
    for axes, label, cost in (
        (panels[0], "parameters added by the modules", added_parameters),
        (panels[1], "measured inference, ms per clip", lambda t: t.cost.milliseconds),
    ):
        for trial in result.compared:
            on_front = trial in front
            chance = math.isnan(trial.standard_error)
            error = result.chance_error(trial) if chance else trial.standard_error
            axes.errorbar(
                cost(trial),
                trial.score,
                0 if math.isnan(error) else error,
                fmt="o",
                color="tab:red" if on_front else "0.55",
                elinewidth=0.6 if chance else 1.6,
                alpha=0.9,
            )
        for trial in front:
            axes.annotate(
                _label(trial),
                (cost(trial), trial.score),
                xytext=(5, 6),
                textcoords="offset points",
                fontsize=8,
                color="tab:red",
            )
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
        axes.margins(x=0.12)
    panels[0].set_ylabel(result.objective)
    added = [added_parameters(trial) for trial in result.compared]
    if min(added) > 0:
        panels[0].set_xscale("log")
    elif max(added) > 0:  # with a place for the network without modules
        panels[0].set_xscale("symlog", linthresh=min(filter(None, added)))
    panels[0].step(
        [added_parameters(trial) for trial in front],
        [trial.score for trial in front],
        where="post",
        color="tab:red",
        linewidth=1,
        label="front: no other has as few and does better",
    )
    panels[0].legend(fontsize=8)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)


def plot_heat_map(
    result: SearchResult, hypermodel: ReductionHyperModel, path: str | os.PathLike
) -> None:
    """Draws the objective over r and d; of several trials of a pair, the best.

    Args:
        result: `SearchResult`.
        hypermodel: `ReductionHyperModel`.
        path: str, the PNG file to write.
    """
    rows, columns = (hypermodel.choices[f"{axis}_reduction"] for axis in ("channel", "sequence"))
    grid, best = np.full((len(rows), len(columns)), np.nan), None
    texts = {}
    for trial in result.compared:
        if not trial.settings["se_stages"]:
            continue
        for i, r in enumerate(rows):
            for j, d in enumerate(columns):
                pair = {"channel_reduction": r, "sequence_reduction": d}
                if hypermodel.distinct({**trial.settings, **pair}) != trial.settings:
                    continue
                if not result.sign * grid[i, j] >= result.sign * trial.score:
                    grid[i, j] = trial.score
                    texts[i, j] = f"{trial.score:.3f}"
                    if not math.isnan(trial.standard_error):
                        texts[i, j] += f"\n± {trial.standard_error:.3f}"
                if trial is result.best and best is None:
                    best = (i, j)
    figure = matplotlib.figure.Figure(
        figsize=(2.6 + 0.95 * len(columns), 1.8 + 0.6 * len(rows)), layout="constrained"
    )
    axes = figure.subplots()
    axes.set_facecolor("0.93")
    image = axes.imshow(grid, cmap="viridis", aspect="auto")
    for (i, j), text in texts.items():
        shade: typing.Any = image.norm(grid[i, j])
        color = "black" if shade > 0.6 else "white"
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
    if best is not None:
        frame = matplotlib.patches.Rectangle(
            (best[1] - 0.48, best[0] - 0.46), 0.96, 0.92, fill=False, edgecolor="tab:red", lw=2.5
        )
        axes.add_patch(frame)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="sequence reduction d", ylabel="channel reduction r")
    axes.set_title(f"{result.objective}; framed: the best", fontsize=10)
    figure.colorbar(image, ax=axes)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)


def _trials_table(result):
    several = max(len(trial.scores) for trial in result.completed) > 1
    heads = ["trial", "r", "d", result.objective]
    heads += ["standard error"] if several else []
    heads += ["gates", "attention", "multiply-adds, M", "ms", "on the front", "remarks"]
    front, rows = result.pareto_front, []
    for trial in result.ranked:
        remarks = "; ".join(
            filter(None, (other_settings(trial, result.trials), trial.also, trial.message))
        )
        row = [
            (trial.number, trial.number),
            *((math.nan if text == "-" else int(text), text) for text in reductions(trial)),
            (trial.score, f"{trial.score:.3f}" if trial.scores else "failed"),
        ]
        if several:
            error = trial.standard_error
            row.append((error, "" if math.isnan(error) else f"{error:.3f}"))
        row += [
            _cost(trial, "gate_parameters", "{:,}"),
            _cost(trial, "attention_parameters", "{:,}"),
            _cost(trial, "multiply_adds", "{:,.2f}", unit=1e6),
            _cost(trial, "milliseconds", "{:.1f}"),
            (int(trial in front), "yes" if trial in front else ""),
            (remarks, remarks),
        ]
        rows.append([(value, str(text)) for value, text in row])
    return (
        "<p class='faint'>Click on a head to sort. Gates and attention: their parameters. "
        "Multiply-adds and milliseconds are of the whole network, for one clip, the "
        "latter measured on the machine that wrote this page.</p>" + table(heads, rows)
    )


def _cost(trial, name, text, unit=1):
    """The cell of the table for a cost: what to sort by, and what to show."""
    if trial.cost is None:
        return math.nan, ""
    value = getattr(trial.cost, name)
    return value, text.format(value if unit == 1 else value / unit)


def _label(trial):
    r, d = reductions(trial)
    return "no gates" if r == "-" else f"r {r}, d {d}"


def _score(result, trial):
    if result.objective.endswith("loss"):
        return f"{trial.score:.3f}"
    return f"{trial.score:.1%}"


def _error_text(result):
    trial = result.best
    if not math.isnan(trial.standard_error):
        loss = result.objective.endswith("loss")
        error = f"{trial.standard_error:.3f}" if loss else f"{trial.standard_error:.1%}"
        return f"± {error} over {len(trial.scores)} executions"
    return "one execution" if len(trial.scores) == 1 else ""


def _note(result):
    seen = result.test.seen if result.test else 0
    text = (
        "A trial's score is that of its last epoch. The test videos were seen "
        + ("once" if seen == 1 else f"{seen} times, because going on found better trials")
        + ", by the best trial's model."
    )
    chance = result.chance_error(result.best)
    if not math.isnan(chance):
        text += (
            f" With {result.validation_videos:,} validation videos, the best share has a standard "
            f"error of {chance:.1%} from the choice of videos alone: smaller differences between "
            "trials mean nothing."
        )
    if max(len(trial.scores) for trial in result.completed) == 1:
        text += (
            " Each network was trained once, so how much trainings differ is not known "
            "(--executions-per-trial)."
        )
    return text
