"""The report of an evaluation: one HTML file to look at, and its pictures and numbers beside it."""

import html
import os
from collections.abc import Sequence

import numpy as np

from keras_seattn.data.decoding import VideoError
from keras_seattn.evaluation.comparison import Comparison
from keras_seattn.evaluation.figures import (
    plot_confusion_matrix,
    plot_history,
    plot_precision_recall,
    plot_strips,
    plot_videos,
)
from keras_seattn.evaluation.intervals import as_text
from keras_seattn.evaluation.result import EvaluationResult
from keras_seattn.evaluation.saving import SCORES, save_scores, save_videos
from keras_seattn.files import replacing
from keras_seattn.pages import how_it_was_made, picture, section, table, write_page

_PAIRS = 5
_CARDS = {
    "top1": "video top-1",
    "top5": "video top-5",
    "clip_top1": "clip top-1",
    "balanced_accuracy": "balanced accuracy",
}
_COLUMNS = ("precision", "recall", "f1", "support")
_NOTE = (
    "A range is a 95\N{NO-BREAK SPACE}% interval{}. A video's scores are the mean over its clips; "
    "clip top-1 judges single clips and is usually lower."
)
_BY_GROUP = (
    ": cite that by group. Videos of a group show the same people and scene, or are cut from one "
    "film, and are right or wrong together; by video it is too narrow"
)


def write_report(
    result: EvaluationResult,
    output_dir: str | os.PathLike,
    *,
    title: str = "Action recognition",
    history_csv: str | os.PathLike | None = None,
    clips_png: str | os.PathLike | None = None,
    validation: str | None = None,
    config: dict | None = None,
    command: str | None = None,
    resumptions: Sequence[str] = (),
    classes: int | Sequence[str] = 20,
    seed: int = 0,
    comparison: Comparison | None = None,
) -> str:
    """Writes what there is to know of an evaluation.

    Writes to `output_dir`:

    - `report.html`: all of it in one file that needs no network;
    - `confusion_matrix.png`, `precision_recall.png` (the paper's Figures 5 and
      6), `videos.png`, `confused_1.png`, ..., `training_curves.png`;
    - `metrics.json` and `per_class.csv`: the numbers; `videos.csv`: what each
      video was taken for; `scores.npz`: all scores, for `load_result`;
    - `comparison.json`, where there is a comparison.

    Pictures of videos are left out where the videos are not at hand.

    Args:
        result: `EvaluationResult`.
        output_dir: str, a folder; made where missing.
        title: str.
        history_csv: str, the file that `training.train` wrote; None if there
            is none.
        clips_png: str, the picture of training clips that it wrote, likewise.
        validation: str, the videos that the epochs were validated on, or None.
        config: dict of what the model was made with, or None.
        command: str, the command that made it, or None.
        resumptions: sequence of str, when the training was gone on with after
            it had stopped.
        classes: int, how many classes to draw at random in
            `precision_recall.png`; or a list of names.
        seed: int, of the random choice.
        comparison: `Comparison` of the result with another one, or None.

    Returns:
        str, the path of `report.html`.

    Raises:
        OSError: `output_dir` cannot be written to.
        ValueError: `classes` names one that is not there.

    Source:
        Anvarov, Kim, Song 2020, Section 4.2, Figures 5 to 8.

    Example:

    >>> result = keras_seattn.evaluation.evaluate(model, test_catalog)
    >>> keras_seattn.evaluation.write_report(result, "runs/first")
    'runs/first/report.html'
    """
    os.makedirs(output_dir, exist_ok=True)
    path = os.path.join(output_dir, "report.html")
    with replacing(path) as page:  # and what goes with it, all at once
        made = how_it_was_made(config, command, _resumed(resumptions))
        training = _training(history_csv, clips_png, validation, page)
        _write_files(result, page, title, training, made, validation, classes, seed, comparison)
    return path


def _training(history_csv, clips_png, validation, page):
    """The sections about the training, as far as it is known; draws its curves."""
    sections = []
    if history_csv:
        path = os.path.join(os.path.dirname(page), "training_curves.png")
        plot_history(history_csv, path)
        told = f"<p class='faint'>Validated on {html.escape(validation)}.</p>" if validation else ""
        sections.append(section("Training", told + picture(path, "curves", shrink=0.35)))
    if clips_png:
        clips = picture(clips_png, "training clips", shrink=0.5)
        sections.append(section("What the network was fed", clips))
    return sections


def _write_files(result, page, title, training, made, validation, classes, seed, comparison):
    def file(name):
        return os.path.join(os.path.dirname(page), name)

    result.save(file("metrics.json"), validation)
    result.save_per_class(file("per_class.csv"))
    save_videos(result, file("videos.csv"))
    save_scores(result, file(SCORES))
    sections = []

    if comparison:
        comparison.save(file("comparison.json"))
        sections.append(section("Compared", _compared(comparison)))
    sections += training
    plot_precision_recall(result, file("precision_recall.png"), classes=classes, seed=seed)
    plot_confusion_matrix(result, file("confusion_matrix.png"))
    few = len(result.class_names) <= 20
    sections.append(
        section(
            "Precision and recall" if few else "Precision and recall of some classes",
            "<p class='faint'>Rows are true classes, columns predicted ones. At the margins, in "
            "black, how many videos a class has and how many were taken for it.</p>"
            + picture(file("precision_recall.png"), "confusion matrix with margins", shrink=0.6),
        )
    )
    sections.append(
        section(
            "Confusion matrix",
            "<p class='faint'>Each row is divided by its sum: the share of a class's videos. "
            "A picture wider than the page scrolls.</p>"
            + picture(file("confusion_matrix.png"), "confusion matrix"),
        )
    )
    sections.append(section("Classes", _class_table(result)))
    sections.append(section("Most confused", _confused(result, file)))
    if _drawn(plot_videos, result, file("videos.png")):
        frames = picture(file("videos.png"), "frames of videos", shrink=0.5)
        sections.append(section("Videos", frames))
    sections.append(made)

    write_page(
        page,
        title=title,
        subtitle=f"{result.videos:,} videos, {result.clips:,} clips, "
        f"{len(result.class_names)} classes{f'; {result.views}' if result.views else ''}"
        f"{result.left_out}",
        cards=[_card(result, name) for name in _CARDS],
        note=_NOTE.format("" if result.group_numbers is None else _BY_GROUP),
        sections=sections,
    )


def confused_pairs(result: EvaluationResult, *, most: int = _PAIRS) -> list[tuple[int, int, int]]:
    """The pairs of classes that are confused most.

    Args:
        result: `EvaluationResult`.
        most: int, the largest number of pairs.

    Returns:
        list of `(true class, predicted class, videos)`, most videos first.
    """
    counts = result.confusion_matrix * (1 - np.eye(len(result.class_names), dtype=int))
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    pairs = [np.unravel_index(place, counts.shape) for place in order]
    return [(int(a), int(b), int(counts[a, b])) for a, b in pairs if counts[a, b]]


def _resumed(resumptions):
    """When a training was gone on with, as text."""
    times = f"{len(resumptions)} times" if len(resumptions) > 1 else "once"
    return f"Resumed {times}:\n" + "\n".join(resumptions) if resumptions else None


def _confused(result, file):
    """For each pair: its numbers, and a video of each class with its scores."""
    parts = []
    for number, (true, taken, videos) in enumerate(confused_pairs(result), start=1):
        names = [html.escape(result.class_names[i]) for i in (true, taken)]
        support = result.per_class[true]["support"]
        parts.append(f"<h3>{names[0]} taken for {names[1]}: {videos} of {support} videos</h3>")
        wrong = np.flatnonzero((result.labels == true) & (result.predicted == taken))
        drawn = [int(wrong[np.argmax(result.scores[wrong, taken])])]
        others = np.flatnonzero(result.labels == taken)
        if len(others):
            drawn.append(int(others[np.argmax(result.scores[others, taken])]))
        path = file(f"confused_{number}.png")
        if _drawn(plot_strips, result, drawn, path, top=3):
            parts.append(picture(path, f"videos of {names[0]} and {names[1]}", shrink=0.5))
    return "".join(parts) or "<p>No video was taken for another class.</p>"


def _drawn(plot, result, *arguments, **options):
    """Whether a picture of videos could be drawn."""
    if not len(result.paths):
        return False
    try:
        plot(result, *arguments, **options)
    except VideoError:
        return False
    return True


def _compared(comparison):
    rows = [
        [
            (row["class_name"], row["class_name"]),
            *((row[name], f"{row[name]:.1%}") for name in ("first", "second")),
            (row["difference"], f"{100 * row['difference']:+.1f}"),
            (row["videos"], str(row["videos"])),
        ]
        for row in comparison.per_class
    ]
    heads = ["class", "this", "other", "difference, points", "videos"]
    return (
        f"<pre>{html.escape(str(comparison))}</pre>"
        "<p class='faint'>The first is this result, the second the other. Recall of each class, "
        "of the videos that both have.</p>" + table(heads, rows)
    )


def _class_table(result):
    rows = [
        [
            (row["class_name"], row["class_name"]),
            *((row[column], _cell(row, column)) for column in _COLUMNS),
        ]
        for row in result.per_class
    ]
    return (
        "<p class='faint'>Click on a head to sort. n/a: never predicted, or no videos.</p>"
        + table(["class", "precision", "recall", "F1", "videos"], rows)
    )


def _cell(row, column):
    value = row[column]
    if value != value:
        return "n/a"
    if column == "support":
        return str(value)
    interval = as_text((row["recall_low"], row["recall_high"]))
    return f"{value:.1%}" + (f" ({interval})" if column == "recall" else "")


def _card(result, name):
    interval = as_text(result.intervals[name])
    if result.group_numbers is not None:
        interval += f" by group; {as_text(result.video_intervals[name])} by video"
    return _CARDS[name], f"{getattr(result, name):.1%}", interval
