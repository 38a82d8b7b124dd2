"""Decoded frames -> pixels as they are shown: turned, cropped and scaled by FFmpeg's filters."""

import fractions
import math
import typing

import av.filter
import numpy as np

# Of FFmpeg's AVColorSpace: unspecified, BT.470 BG and SMPTE 170M, which are those of BT.601; and of
# its AVColorRange: unspecified and MPEG, which is limited.
_USUAL_COLORS, _USUAL_RANGES = (2, 5, 6), (0, 1)


class Orientation(typing.NamedTuple):
    """How a stored frame is shown: first mirrored or not, then turned.

    Attributes:
        turns: int from 0 to 3, quarter turns to the left.
        mirrored: bool, whether left and right are exchanged before that.
    """

    turns: int = 0
    mirrored: bool = False

    def apply(self, pixels):
        """An array `(height, width, ...)` as it is shown."""
        return np.rot90(pixels[:, ::-1] if self.mirrored else pixels, self.turns)


def orientation(frame):
    """The `Orientation` of a decoded frame: the nearest to what its display matrix says.

    Pictures are turned by whole quarters only: a matrix of 3 degrees, as
    cameras with a level write it, turns nothing.
    """
    angle, mirrored = _angle(frame)
    return Orientation(round(angle / 90) % 4, mirrored)


def odd_angle(frame):
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


def shown_size(frame):
    """The height and width that a decoded frame is shown with, in pixels."""
    lying = orientation(frame).turns % 2
    return (frame.width, frame.height) if lying else (frame.height, frame.width)


def picture_shape(frame, pixel_aspect):
    """The height and width, in square pixels, of the picture that people see."""
    height, width = shown_size(frame)
    return height, max(1, round(width * pixel_aspect))


def is_plain(frame):
    """Whether a frame is shown as it is stored, in BT.601's colours of limited range."""
    usual = frame.colorspace in _USUAL_COLORS and frame.color_range in _USUAL_RANGES
    return usual and orientation(frame) == Orientation()


class Scaler:
    """Crops and scales decoded frames, by FFmpeg's filters, which it keeps from frame to frame.

    Cropping comes first: it costs nothing, and what is cut off need not be
    scaled. A frame that is not scaled comes out as `ffmpeg` writes it in RGB,
    whole or cropped.
    """

    def __init__(self):
        self._made_for, self._filters = None, None

    def __call__(self, frame, window=None, size=None, flip=False):
        """A decoded frame in RGB, upright, cropped and scaled.

        Args:
            frame: `av.VideoFrame`.
            window: `(top, left, height, width)` of the frame as it is shown,
                in pixels; None keeps all. It begins at even pixels: odd ones
                are rounded.
            size: `(height, width)` to scale that to, in pixels; None keeps it.
            flip: bool, whether to mirror left and right.

        Returns:
            uint8 array, `(height, width, 3)`.

        Raises:
            av.FFmpegError: FFmpeg's filters refuse the frame.
        """
        turns, mirrored = orientation(frame)
        wanted = (frame.height, frame.width, frame.format.name, turns, mirrored, window, size, flip)
        if wanted != self._made_for:
            self._filters = _crop_and_scale(frame, *wanted[3:])
            self._made_for = wanted
        self._filters.vpush(frame)
        return np.rot90(self._filters.vpull().to_ndarray(), turns)


def _crop_and_scale(frame, turns, mirrored, window, size, flip):
    """The filters for frames like this one; `window`, `size` and `flip` are of it as shown."""
    height, width = shown_size(frame)
    top, left, rows, columns = window or (0, 0, height, width)
    size = tuple(size or (rows, columns))
    for _ in range(turns):
        # Turned back clockwise by a quarter, to how the frame is stored.
        top, left, rows, columns = left, height - top - rows, columns, rows
        height, width, size = width, height, size[::-1]
    if mirrored:
        left = width - left - columns
    # Most formats store colours for every second pixel only, so a crop begins at such a one.
    top, left = top // 2 * 2, left // 2 * 2
    filters = av.filter.Graph()
    filters.threads = 1
    chain = [
        filters.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or fractions.Fraction(1, 25),
        ),
        filters.add("crop", f"{columns}:{rows}:{left}:{top}:exact=1"),
    ]
    if mirrored != (flip and turns % 2 == 0):
        chain.append(filters.add("hflip"))
    if flip and turns % 2 == 1:
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
