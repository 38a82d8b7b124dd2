"""Pictures of a training run and of its result, as PNG files."""

import csv
import os
from collections.abc import Sequence

import matplotlib.colors
import matplotlib.figure
import matplotlib.layout_engine
import numpy as np
import sklearn.metrics

from keras_seattn.data.decoding import read_frames, scan_video
from keras_seattn.errors import InputError
from keras_seattn.evaluation.result import EvaluationResult
from keras_seattn.files import replacing


def plot_confusion_matrix(result: EvaluationResult, path: str | os.PathLike) -> None:
    """Draws the confusion matrix of videos, each row divided by its sum.

    Args:
        result: `EvaluationResult`.
        path: str, the PNG file to write.
    """
    classes = len(result.class_names)
    side = 3.5 + 0.45 * min(classes, 20) + 0.12 * max(0, classes - 20)
    figure = matplotlib.figure.Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    support = result.confusion_matrix.sum(axis=1, keepdims=True)
    display = sklearn.metrics.ConfusionMatrixDisplay(
        result.confusion_matrix / np.maximum(support, 1), display_labels=result.class_names
    )
    display.plot(
        ax=axes,
        cmap="Blues",
        xticks_rotation="vertical",
        include_values=classes <= 20,
        values_format=".2f",
        colorbar=False,
        # Among many classes the few confusions of each would be too faint to see.
        im_kw={"norm": matplotlib.colors.PowerNorm(1 if classes <= 20 else 0.5, 0, 1)},
    )
    axes.tick_params(labelsize=9 if classes <= 20 else 7)
    axes.set(xlabel="predicted class", ylabel="true class")
    # On the left, where it is seen when a page shows the left part of a large matrix.
    axes.set_title(
        f"Share of each class's videos\nvideo top-1 {result.headline}",
        loc="left",
        size=10,
    )
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)


def plot_history(history_csv: str | os.PathLike, path: str | os.PathLike) -> None:
    """Draws the loss and the accuracies over the epochs of a training run.

    Args:
        history_csv: str, the file that `training.train` wrote.
        path: str, the PNG file to write.
    """
    with open(history_csv, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) + 1 for row in rows]
    panels = (
        ("loss", {"loss": "training clips", "val_loss": "validation clips"}),
        (
            "top-1 accuracy",
            {
                "clip_top1": "training clips",
                "val_clip_top1": "validation clips",
                "val_top1": "validation videos",
            },
        ),
    )
    figure = matplotlib.figure.Figure(figsize=(9, 3.6), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(1, 2), panels, strict=True):
        for column, label in curves.items():
            axes.plot(epochs, [float(row[column]) for row in rows], marker=".", label=label)
        axes.set(xlabel="epoch", title=title)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)


def plot_clips(
    clips: np.ndarray, class_names: Sequence[str], path: str | os.PathLike, *, frames: int = 4
) -> None:
    """Draws clips, each as a row of some of its frames under the name of its class.

    Args:
        clips: uint8 array, `(clips, frames, height, width, 3)`, RGB.
        class_names: list of str, the class of each.
        path: str, the PNG file to write.
        frames: int, how many of each to draw, evenly spread from the first to
            the last.
    """
    numbers = np.linspace(0, clips.shape[1] - 1, frames).round().astype(int)
    rows = -(-len(clips) // 2)
    figure = matplotlib.figure.Figure(
        figsize=(2.2 * frames, 0.7 + 1.25 * rows), layout="constrained"
    )
    figure.suptitle(
        f"Training clips as the network gets them: frames {', '.join(map(str, numbers + 1))} "
        f"of {clips.shape[1]}",
        size=10,
    )
    grid = figure.subplots(rows, 2, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    gap = ((0, 0), (0, 2), (0, 0))  # in pixels, between frames
    for axes, clip, name in zip(grid.flat, clips, class_names, strict=False):
        axes.imshow(np.hstack([np.pad(frame, gap, constant_values=255) for frame in clip[numbers]]))
        axes.set_title(name, loc="left", size=9, parse_math=False)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)


def plot_precision_recall(
    result: EvaluationResult,
    path: str | os.PathLike,
    *,
    classes: int | Sequence[str] = 20,
    seed: int = 0,
) -> None:
    """Draws the confusion matrix of some classes with precision and recall at its margins.

    As the paper's Figures 5 and 6: the last column is the recall of each class
    and, in black, how many videos it has; the last row the precision and how
    many videos were taken for it. Both count all classes, drawn or not.

    Args:
        result: `EvaluationResult`.
        path: str, the PNG file to write.
        classes: int, how many classes to draw at random; or a list of names.
        seed: int, of the random choice.

    Raises:
        ValueError: `classes` names one that is not there.
    """
    chosen = choose_classes(result, classes, seed=seed)
    counts = result.confusion_matrix
    size = len(chosen)
    rows = [result.per_class[i] for i in chosen]
    shares = counts[np.ix_(chosen, chosen)] / np.maximum(counts[chosen].sum(axis=1), 1)[:, None]
    grid = np.full((size + 1, size + 1), np.nan)
    grid[:size, :size] = shares
    side = 3.5 + 0.55 * size
    figure = matplotlib.figure.Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(grid, cmap="Blues", vmin=0, vmax=1)
    for i in range(size):
        for j in range(size):
            if counts[chosen[i], chosen[j]]:
                dark = shares[i, j] > 0.6
                number = counts[chosen[i], chosen[j]]
                axes.text(j, i, number, ha="center", va="center", color="w" if dark else "k")
        _margin(axes, size, i, rows[i]["recall"], rows[i]["support"])
        _margin(axes, i, size, rows[i]["precision"], counts[:, chosen[i]].sum())
    axes.text(size, size, f"{result.top1:.1%}", ha="center", va="center", size=9, weight="bold")
    names = [row["class_name"] for row in rows]
    axes.set_xticks(range(size + 1), [*names, "recall"], rotation="vertical")
    axes.set_yticks(range(size + 1), [*names, "precision"])
    axes.set_xticks(np.arange(size + 2) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 2) - 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    title = f"{size} of {len(counts)} classes" if size < len(counts) else f"all {size} classes"
    axes.set(xlabel="predicted class", ylabel="true class", title=f"Videos, {title}")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=90)


def _margin(axes, x, y, share, count):
    good = share >= 0.5
    text = "n/a" if share != share else f"{share:.0%}"
    axes.text(
        x, y - 0.2, text, ha="center", va="center", size=8, color="g" if good else "firebrick"
    )
    axes.text(x, y + 0.25, count, ha="center", va="center", size=8)


def choose_classes(
    result: EvaluationResult, classes: int | Sequence[str] = 20, *, seed: int = 0
) -> list[int]:
    """Indices of classes: those named in a list, or a number of random ones, in their order."""
    names = result.class_names
    if isinstance(classes, int):
        chosen = np.random.default_rng(seed).permutation(len(names))[:classes]
        return sorted(int(i) for i in chosen)
    unknown = [name for name in classes if name not in names]
    if unknown or not len(classes):
        raise InputError(
            f"`classes` must hold names of `result.class_names`. Not among them: {unknown}"
        )
    return [names.index(name) for name in classes]


def plot_videos(result: EvaluationResult, path: str | os.PathLike, *, most: int = 8) -> None:
    """Draws frames of one random video of each class, with what it was taken for.

    Args:
        result: `EvaluationResult` with `paths`.
        path: str, the PNG file to write.
        most: int, the largest number of classes to draw.
    """
    generator = np.random.default_rng(0)
    plot_strips(
        result,
        [
            int(generator.choice(np.flatnonzero(result.labels == label)))
            for label in np.unique(result.labels)[:most]
        ],
        path,
    )


def plot_strips(
    result: EvaluationResult,
    videos: Sequence[int],
    path: str | os.PathLike,
    *,
    frames: int = 8,
    top: int = 1,
) -> None:
    """Draws frames of videos, a row each, with their classes and scores above.

    Args:
        result: `EvaluationResult` with `paths`.
        videos: list of int, the videos' indices.
        path: str, the PNG file to write.
        frames: int, the number of frames of each video, evenly spread over its
            first 16 frames.
        top: int, how many predicted classes to name.
    """
    figure = matplotlib.figure.Figure(
        figsize=(1.35 * frames, 1.35 * len(videos)),
        # In inches, for the texts above the rows.
        layout=matplotlib.layout_engine.ConstrainedLayoutEngine(h_pad=0.19),
    )
    grid = figure.subplots(len(videos), frames, squeeze=False)
    for row, index in zip(grid, videos, strict=True):
        video = scan_video(result.paths[index])
        span = result.spans and result.spans[index]
        video = video.part(*span) if span else video
        numbers = np.linspace(0, min(16, video.frames) - 1, frames).astype(int)
        images = read_frames(video, numbers, size=video.shape)
        for axes, number, image in zip(row, numbers, images, strict=True):
            axes.imshow(image)
            axes.set_axis_off()
            axes.text(3, 3, number, color="white", va="top", size=7)
        best = np.argsort(-result.scores[index], kind="stable")[:top]
        taken = ", ".join(f"{result.class_names[i]} ({result.scores[index, i]:.0%})" for i in best)
        # A text, not a title: it is wider than its frame, which must not be widened for it.
        row[0].text(
            0,
            1.03,
            f"{result.class_names[result.labels[index]]}: taken for {taken}",
            transform=row[0].transAxes,
            va="bottom",
            size=9,
            color="black" if best[0] == result.labels[index] else "red",
            in_layout=False,
        )
    with replacing(path) as partial:
        figure.savefig(partial, dpi=60)
