"""Pictures of what a network looks at."""

import os
from collections.abc import Sequence

import matplotlib
import matplotlib.figure
import numpy as np
from PIL import Image

from keras_seattn.errors import InputError
from keras_seattn.explain.attention import AttentionMap
from keras_seattn.explain.excitation import Excitations
from keras_seattn.files import replacing
from keras_seattn.prediction.annotation import escaped

_COLOURS = "turbo"


def overlay(frames: np.ndarray, heat: np.ndarray, *, strength: float = 0.5) -> np.ndarray:
    """Colours frames by a map: blue where it is 0, red where it is 1.

    Args:
        frames: uint8 array, `(frames, height, width, 3)`, RGB.
        heat: array, `(frames, rows, columns)`, from 0 to 1; stretched to the
            size of the frames.
        strength: float from 0 to 1, the share of the colour.

    Returns:
        uint8 array of the shape of `frames`.

    Raises:
        ValueError: `heat` has another number of frames.

    Example:

    >>> pictures = keras_seattn.explain.overlay(frames, heat)
    """
    if len(frames) != len(heat):
        raise InputError(
            f"`heat` must have as many frames as `frames`. Received: {len(heat)} and {len(frames)}"
        )
    height, width = frames.shape[1:3]
    colours = matplotlib.colormaps[_COLOURS]
    pictures = np.empty_like(frames)
    for picture, frame, values in zip(pictures, frames, heat, strict=True):
        values = Image.fromarray(np.asarray(values, "float32"))
        values = np.asarray(values.resize((width, height), Image.Resampling.BILINEAR))
        colour = 255 * colours(np.clip(values, 0, 1))[..., :3]
        picture[:] = np.rint((1 - strength) * frame + strength * colour)
    return pictures


def plot_contact_sheet(
    path: str | os.PathLike, frames: np.ndarray, heat: np.ndarray, *, title: str, most: int = 8
) -> None:
    """Draws frames of a clip above their maps, as the paper's Figures 9 and 10.

    Args:
        path: str, the PNG file to write.
        frames: uint8 array, `(frames, height, width, 3)`, RGB.
        heat: array, `(frames, rows, columns)`, from 0 to 1.
        title: str.
        most: int, how many frames to draw, evenly spread.
    """
    drawn = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)
    pictures = overlay(frames[drawn], np.asarray(heat)[drawn])
    figure = matplotlib.figure.Figure(figsize=(1.5 * len(drawn), 3.9), layout="constrained")
    grid = figure.subplots(2, len(drawn), squeeze=False)
    for column, number in enumerate(drawn):
        for axes, image in zip(grid[:, column], (frames[number], pictures[column]), strict=True):
            axes.imshow(image)
            axes.set_axis_off()
        grid[0, column].set_title(f"frame {number}", size=9)
    _title(figure, title)
    _colour_bar(figure, grid, "activation, scaled")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=100)


def plot_attention(
    path: str | os.PathLike, frames: np.ndarray, maps: dict[int, AttentionMap], *, title: str
) -> None:
    """Draws where one position takes its features from, stage by stage.

    Args:
        path: str, the PNG file to write.
        frames: uint8 array, `(frames, height, width, 3)`, RGB, of the clip.
        maps: dict of int to `AttentionMap`, by stage.
        title: str.
    """
    columns = 1 + len(maps)
    figure = matplotlib.figure.Figure(figsize=(2.3 * columns, 2.9), layout="constrained")
    grid = figure.subplots(1, columns, squeeze=False)
    first = next(iter(maps.values()))
    grid[0, 0].imshow(frames[first.frame])
    grid[0, 0].set_title(f"frame {first.frame}, position", size=9)
    for axes, (stage, attention) in zip(grid[0, 1:], maps.items(), strict=True):
        axes.imshow(overlay(frames[[attention.frame]], attention.heat[None])[0])
        rows, columns = attention.weights.shape
        axes.set_title(f"stage {stage}, {rows} x {columns} places", size=9)
    for axes in grid.flat:
        scale = frames.shape[1] / first.heat.shape[0], frames.shape[2] / first.heat.shape[1]
        y, x = (first.position[0] + 0.5) * scale[0], (first.position[1] + 0.5) * scale[1]
        axes.plot(x, y, marker="+", color="white", markersize=12, markeredgewidth=2)
        axes.set_axis_off()
    _title(figure, title)
    _colour_bar(figure, grid, "attention, scaled")
    with replacing(path) as partial:
        figure.savefig(partial, dpi=100)


def plot_sequence_gates(
    path: str | os.PathLike,
    clips: Sequence[tuple[float, float, dict[int, Excitations]]],
    *,
    title: str,
) -> None:
    """Draws the gates of frames over time: which frames the network listens to.

    Args:
        path: str, the PNG file to write.
        clips: list of `(start, end, gates)`: the times of a clip in seconds,
            and what `excitations` gives for it.
        title: str.
    """
    stages = list(clips[0][2])
    figure = matplotlib.figure.Figure(figsize=(9, 1.2 + 1.3 * len(stages)), layout="constrained")
    grid = figure.subplots(len(stages), 1, sharex=True, squeeze=False)[:, 0]
    for axes, stage in zip(grid, stages, strict=True):
        edges = [
            np.linspace(start, end, len(gates[stage].sequence) + 1) for start, end, gates in clips
        ]
        for clip_edges, (_, _, gates) in zip(edges, clips, strict=True):
            axes.stairs(gates[stage].sequence, clip_edges, fill=True, color="tab:blue", alpha=0.6)
        for start, _, _ in clips[1:]:
            axes.axvline(start, color="0.6", linewidth=0.5)
        axes.set(ylim=(0, 1), ylabel=f"stage {stage}", xlim=(edges[0][0], edges[-1][-1]))
    grid[-1].set_xlabel("time (s)")
    _title(figure, title)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=100)


def _title(figure, text):
    """Writes text above a figure as it is: in names of files, `$` begins no formula."""
    figure.suptitle(escaped(text), size=11, parse_math=False)


def _colour_bar(figure, grid, label):
    colours = matplotlib.cm.ScalarMappable(matplotlib.colors.Normalize(0, 1), _COLOURS)
    figure.colorbar(colours, ax=list(grid.flat), shrink=0.7, pad=0.01).set_label(label, size=8)
