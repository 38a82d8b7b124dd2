"""Pictures of a training run and of its result, as PNG files."""

import csv

import matplotlib.figure
import numpy as np
import sklearn.metrics

from keras_seattn.data.decoding import read_frames, scan_video


def plot_confusion_matrix(result, path):
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
        im_kw={"vmin": 0, "vmax": 1},
    )
    axes.tick_params(labelsize=9 if classes <= 20 else 5)
    axes.set(
        xlabel="predicted class",
        ylabel="true class",
        title=f"Share of each class's videos\nvideo top-1 {result.top1:.1%} "
        f"of {result.videos} videos",
    )
    figure.savefig(path, dpi=110)


def plot_history(history_csv, path):
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
    figure.savefig(path, dpi=110)


def plot_videos(result, catalog, path, most=8, frames=8):
    """Draws frames of one random video of each class, with what it was taken for.

    Args:
        result: `EvaluationResult` of the same catalog.
        catalog: `data.Catalog`.
        path: str, the PNG file to write.
        most: int, the largest number of classes to draw.
        frames: int, the number of frames of each video, evenly spread over its
            first 16 frames.
    """
    scored = [i for i, video in enumerate(catalog.paths) if video not in set(result.skipped)]
    generator = np.random.default_rng(0)
    drawn = [
        int(generator.choice(np.flatnonzero(result.labels == label)))
        for label in np.unique(result.labels)[:most]
    ]
    figure = matplotlib.figure.Figure(
        figsize=(1.35 * frames, 1.35 * len(drawn)), layout="constrained"
    )
    figure.get_layout_engine().set(h_pad=0.19)  # inches, for the texts above the rows
    grid = figure.subplots(len(drawn), frames, squeeze=False)
    for row, position in zip(grid, drawn, strict=True):
        video = scan_video(catalog.paths[scored[position]])
        numbers = np.linspace(0, min(16, video.frames) - 1, frames).astype(int)
        for axes, number, image in zip(row, numbers, read_frames(video, numbers), strict=True):
            axes.imshow(image)
            axes.set_axis_off()
            axes.text(3, 3, number, color="white", va="top", size=7)
        true = result.class_names[result.labels[position]]
        predicted = int(result.scores[position].argmax())
        # A text, not a title: it is wider than its frame, which must not be widened for it.
        row[0].text(
            0,
            1.03,
            f"{true}: taken for {result.class_names[predicted]} "
            f"({result.scores[position, predicted]:.0%})",
            transform=row[0].transAxes,
            va="bottom",
            size=9,
            color="black" if predicted == result.labels[position] else "red",
            in_layout=False,
        )
    figure.savefig(path, dpi=60)
