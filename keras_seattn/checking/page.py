"""The page of a check, and its numbers beside it."""

import html
import itertools
import os

import numpy as np

from keras_seattn.checking.checks import DataCheck
from keras_seattn.checking.measuring import Subset
from keras_seattn.data.opening import VideoError
from keras_seattn.data.sampling import Crop, View
from keras_seattn.data.sources import source_of
from keras_seattn.files import replacing, write_json
from keras_seattn.pages import gallery, section, table, write_page

_SIDE = 128  # pixels of a picture
_NOTE = "The pictures are frames from the middle of a video of each class, cut as for testing."


def write_check(check: DataCheck, output_dir: str | os.PathLike) -> str:
    """Writes what a check found.

    Writes to `output_dir`:

    - `check.html`: all of it in one file, with a picture of each class;
    - `check.json`: the numbers, and every video that is named.

    Args:
        check: `DataCheck`.
        output_dir: str, a folder; made where missing.

    Returns:
        str, the path of `check.html`.

    Raises:
        OSError: `output_dir` cannot be written to.
    """
    os.makedirs(output_dir, exist_ok=True)
    path = os.path.join(output_dir, "check.html")
    subsets = {name: subset.as_json() for name, subset in check.subsets.items()}
    with replacing(path) as page:  # and the numbers
        write_json(os.path.join(os.path.dirname(page), "check.json"), check.as_json())
        write_page(
            page,
            title="What the data holds",
            subtitle="Nothing is wrong." if check.passed else "Something is wrong.",
            cards=[
                (f"{name} videos", f"{known['videos']:,}", f"{len(known['classes'])} classes")
                for name, known in subsets.items()
            ],
            note=_NOTE,
            sections=[
                _findings(check, "Wrong", True),
                _findings(check, "Worth knowing", False),
                section("Lengths", _lengths(subsets)),
                section("Frames a second", _counts(subsets, "frames a second")),
                section("Pixels", _counts(subsets, "pixels")),
                section("Classes", _counts(subsets, "classes")),
                section("A picture of each class", gallery(_pictures(check))),
            ],
        )
    return path


def _findings(check, title, wrong):
    chosen = [finding for finding in check.findings if finding.wrong == wrong]
    texts = (f"<pre>{html.escape(str(finding))}</pre>" for finding in chosen)
    return section(title, "".join(texts) or "<p>Nothing.</p>")


def _lengths(subsets):
    """A table of the lengths of videos, and which have the least and the most frames."""
    rows, named = [], []
    for name, known in subsets.items():
        for unit in ("frames", "seconds"):
            if known[unit]:
                *numbers, shortest, longest = known[unit].values()
                shown = ((number, f"{number:.6g}") for number in numbers)
                rows.append([(f"{name}: {unit}", f"{name}: {unit}"), *shown])
                named.append(f"{name}, {unit}: the shortest is {shortest}, the longest {longest}")
    shares = [f"{percent}\N{NO-BREAK SPACE}%" for percent in (5, 50, 95)]
    lines = "".join(f"<p class='faint'>{html.escape(line)}.</p>" for line in named)
    return table(["", "shortest", *shares, "longest"], rows) + lines


def _counts(subsets, name):
    """A table of how many videos of each subset have each value."""
    counts = [known[name] for known in subsets.values()]
    rows = [
        [(value, value), *((count.get(value, 0), f"{count.get(value, 0):,}") for count in counts)]
        for value in dict.fromkeys(itertools.chain(*counts))
    ]
    return table(["", *subsets], rows)


def _pictures(check):
    """A frame of each class that has a video that can be read, with its name."""
    shown = {}
    for subset in check.subsets.values():
        for label, name in enumerate(subset.catalog.class_names):
            videos = np.flatnonzero(subset.readable & (subset.catalog.labels == label))
            if len(videos) and name not in shown:
                picture = _middle_frame(subset, videos[len(videos) // 2])
                if picture is not None:
                    shown[name] = picture
    return [(picture, name) for name, picture in shown.items()]


def _middle_frame(subset: Subset, video: int) -> np.ndarray | None:
    """The middle frame of a video, uint8; None if it is damaged."""
    view = View(_SIDE)
    source = source_of(subset.catalog.part(np.arange(len(subset.catalog)) == video), "stop")
    try:
        numbers = np.array([subset.frames[video] // 2])
        content, there = source.fetch(0, [(numbers, Crop())], view)
    except VideoError:
        return None
    if not there.all():
        return None
    return source.decode(*(part[0] for part in content), frames=1, view=view)[0].numpy()
