"""Decoded frames -> pixels as they are shown: turned, cropped and scaled."""

import collections
import fractions
import math
import threading
import typing

import av
import av.filter
import numpy as np

# Of FFmpeg's AVColorSpace: unspecified, BT.470 BG and SMPTE 170M, which are those of BT.601; and of
# its AVColorRange: unspecified and MPEG, which is limited.
_USUAL_COLORS, _USUAL_RANGES = (2, 5, 6), (0, 1)
_ANY_TIME = fractions.Fraction(1, 25)  # The filters look at single frames.
_MOST_KEPT = 64  # All crops of training are 50.

# (top, left, height, width) of a part of a picture, in pixels.
Window = tuple[float, float, float, float]


class Orientation(typing.NamedTuple):
    """How a stored frame is shown: first mirrored or not, then turned.

    Attributes:
        turns: int from 0 to 3, quarter turns to the left.
        mirrored: bool, whether left and right are exchanged before that.
    """

    turns: int = 0
    mirrored: bool = False

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """An array `(height, width, ...)` as it is shown."""
        return np.rot90(pixels[:, ::-1] if self.mirrored else pixels, self.turns)


def orientation(frame: av.VideoFrame) -> Orientation:
    """The `Orientation` of a decoded frame: the nearest to what its display matrix says.

    Pictures are turned by whole quarters only: a matrix of 3 degrees, as
    cameras with a level write it, turns nothing.
    """
    angle, mirrored = _angle(frame)
    return Orientation(round(angle / 90) % 4, mirrored)


def odd_angle(frame: av.VideoFrame) -> float:
    """By how many degrees to the left a frame would have to be turned beyond its `Orientation`."""
    angle, _ = _angle(frame)
    return angle - 90 * round(angle / 90)


def _angle(frame):
    """By how many degrees to the left a frame is turned, and whether it is mirrored before."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    # A point (x, y) is shown at (a x + c y, b x + d y), y downwards.
    a, b, _, c, d = map(float, np.frombuffer(matrix, "int32", 5))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return math.degrees(math.atan2(-b, a)), mirrored


def shown_size(frame: av.VideoFrame) -> tuple[int, int]:
    """The height and width that a decoded frame is shown with, in pixels."""
    lying = orientation(frame).turns % 2
    return (frame.width, frame.height) if lying else (frame.height, frame.width)


def picture_shape(frame: av.VideoFrame, pixel_aspect: float) -> tuple[int, int]:
    """The height and width, in square pixels, of the picture that people see."""
    height, width = shown_size(frame)
    return height, max(1, round(width * pixel_aspect))


def is_shown_as_stored(frame: av.VideoFrame) -> bool:
    """Whether a frame is shown as it is stored, in BT.601's colours of limited range."""
    usual = frame.colorspace in _USUAL_COLORS and frame.color_range in _USUAL_RANGES
    return usual and orientation(frame) == Orientation()


def interpolated(
    pixels: np.ndarray, window: Window, size: tuple[int, int], *, flip: bool = False
) -> np.ndarray:
    """Scales a part of a picture, each pixel from the four around its centre alone.

    However far these are from the next: as `torch.nn.functional.interpolate`
    with `mode="bilinear"`, which filters only where `antialias=True`.

    Args:
        pixels: uint8 array, `(height, width, 3)`.
        window: `(top, left, height, width)`, in pixels, not only whole ones.
        size: `(height, width)` to scale that to, in pixels.
        flip: bool, whether to mirror left and right.

    Returns:
        uint8 array, `(*size, 3)`.
    """
    top, left, height, width = window
    above, below, down = _neighbours(top, height, size[0], pixels.shape[0])
    before, behind, across = _neighbours(left, width, size[1], pixels.shape[1])
    if flip:
        before, behind, across = before[::-1], behind[::-1], across[::-1]

    def row(numbers):
        rows = pixels.take(numbers, axis=0)
        values = rows.take(before, axis=1).astype("float32")
        values += (rows.take(behind, axis=1) - values) * across[:, None]
        return values

    values = row(above)
    values += (row(below) - values) * down[:, None, None]
    return (values + 0.5).astype("uint8")


def _neighbours(start, length, count, total):
    """Between which of `total` pixels the centres of `count` lie that fill a part of them.

    Returns:
        `(first, second, share)`: int arrays, and the share of the second as float32.
    """
    places = start + (np.arange(count) + 0.5) * length / count - 0.5
    places = np.clip(places, 0, total - 1)
    first = places.astype(int)
    return first, np.minimum(first + 1, total - 1), (places - first).astype("float32")


class Scaler:
    """Crops and scales decoded frames of a video, by FFmpeg's filters.

    Cropping comes first: it costs nothing, and what is cut off need not be
    scaled. A frame that is not scaled comes out as `ffmpeg` writes it in RGB,
    whole or cropped. Without a filter a whole frame in RGB is `interpolated`.
    """

    def __init__(self):
        self._orientations, self._wanted = {}, None

    def shown_size(self, frame: av.VideoFrame) -> tuple[int, int]:
        """As the function `shown_size`."""
        lying = self._orientation(frame).turns % 2
        return (frame.width, frame.height) if lying else (frame.height, frame.width)

    def __call__(
        self,
        frame: av.VideoFrame,
        window: Window | None = None,
        size: tuple[int, int] | None = None,
        *,
        flip: bool = False,
        filtered: bool = True,
    ) -> np.ndarray:
        """A decoded frame in RGB, upright, cropped and scaled.

        Args:
            frame: `av.VideoFrame`.
            window: `(top, left, height, width)` of the frame as it is shown,
                in pixels; None keeps all. It begins at even pixels: odd ones
                are rounded.
            size: `(height, width)` to scale that to, in pixels; None keeps it.
            flip: bool, whether to mirror left and right.
            filtered: bool, whether pixels are filtered before some are passed
                over. If not, `window` and `size` are given, and a window may
                begin and end anywhere.

        Returns:
            uint8 array, `(height, width, 3)`.

        Raises:
            av.FFmpegError: FFmpeg's filters refuse the frame.
        """
        if not filtered:
            assert window and size, "Of a part that is to be scaled."
            return interpolated(self(frame), window, size, flip=flip)
        shown = self._orientation(frame)
        stored = (frame.height, frame.width, frame.format.name)
        colours = (frame.colorspace, frame.color_range)
        wanted = (stored, colours, shown, window, size, flip)
        if wanted != self._wanted:
            self._wanted, self._filters = wanted, _kept.filters(wanted)
        try:
            self._filters.vpush(frame)
            pixels = self._filters.vpull().to_ndarray()
        except av.FFmpegError:
            self._wanted = None
            _kept.forget(wanted)
            raise
        return np.rot90(pixels, shown.turns) if shown.turns else pixels

    def _orientation(self, frame):
        """That of the video's first frame of this size."""
        key = (frame.height, frame.width)
        if key not in self._orientations:
            self._orientations[key] = orientation(frame)
        return self._orientations[key]


class _Kept(threading.local):
    """Filters that are kept for the next video, by each thread for itself.

    To make them takes as long as to scale two frames.
    """

    def __init__(self):
        self._made = collections.OrderedDict()

    def filters(self, wanted):
        """Filters for what is wanted, the arguments of `_crop_and_scale`."""
        filters = self._made.pop(wanted, None) or _crop_and_scale(*wanted)
        self._made[wanted] = filters
        if len(self._made) > _MOST_KEPT:
            self._made.popitem(last=False)
        return filters

    def forget(self, wanted):
        """Drops filters that have failed."""
        self._made.pop(wanted, None)


_kept = _Kept()


def _crop_and_scale(stored, _, shown, window, size, flip):
    """Filters for frames that are stored so and shown so.

    Args:
        stored: `(height, width, name of the pixel format)`.
        shown: `Orientation`.
        window, size, flip: of frames as they are shown; see `Scaler`.
    """
    height, width, pixel_format = stored
    if shown.turns % 2:
        height, width = width, height
    top, left, rows, columns = window or (0, 0, height, width)
    size = tuple(size or (rows, columns))
    for _ in range(shown.turns):
        # Turned back clockwise by a quarter, to how the frame is stored.
        top, left, rows, columns = left, height - top - rows, columns, rows
        height, width, size = width, height, size[::-1]
    if shown.mirrored:
        left = width - left - columns
    # Most formats store colours for every second pixel only, so a crop begins at such a one.
    top, left = top // 2 * 2, left // 2 * 2
    filters = av.filter.Graph()
    filters.threads = 1
    chain = [
        filters.add_buffer(width=width, height=height, format=pixel_format, time_base=_ANY_TIME),
        filters.add("crop", f"{columns}:{rows}:{left}:{top}:exact=1"),
    ]
    turned = shown.turns % 2 == 1
    if shown.mirrored != (flip and not turned):
        chain.append(filters.add("hflip"))
    if flip and turned:
        chain.append(filters.add("vflip"))
    # Where nothing is scaled this is how colours are brought to every pixel: as `ffmpeg` does it.
    method = "bicubic" if size == (rows, columns) else "bilinear"
    chain += [
        filters.add("scale", f"{size[1]}:{size[0]}:flags={method}"),
        filters.add("format", "rgb24"),
        filters.add("buffersink"),
    ]
    filters.link_nodes(*chain).configure()
    return filters
