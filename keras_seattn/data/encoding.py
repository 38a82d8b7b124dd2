"""Frames -> an MP4 file that browsers play."""

import contextlib
import fractions
import os

import av
import numpy as np

from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.files import replacing

# The unit of presentation times: 1/90000 s, as in broadcasting, divides all usual frame rates.
_TIME_BASE = fractions.Fraction(1, 90_000)


class VideoWriter:
    """Writes an MP4 file of H.264, as a context.

    The file appears when the context ends without an error.

    Args:
        path: str, ends in `.mp4`.

    Raises:
        ValueError: `path` has another ending.
        FileNotFoundError: Its folder does not exist.

    Example:

    >>> with VideoWriter("copy.mp4") as writer:
    ...     for number, image in enumerate(images):
    ...         writer.write(image, seconds=number / 25)
    """

    def __init__(self, path: str | os.PathLike):
        self.path = os.fspath(path)
        if not self.path.lower().endswith(".mp4"):
            raise InputError(f"A video is written as .mp4. Received: {self.path}")
        folder = os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise MissingFileError(f"The folder of {self.path} does not exist. Make it first.")
        self._stream: av.VideoStream | None = None
        self._last = -1

    def __enter__(self) -> "VideoWriter":
        with contextlib.ExitStack() as stack:
            # An absolute path: FFmpeg takes `12:30.mp4` for an address.
            partial = stack.enter_context(replacing(self.path))
            self._container = stack.enter_context(av.open(partial, "w", format="mp4"))
            stack.push(self._finish)
            self._end = stack.pop_all()
        return self

    def write(self, image: np.ndarray, seconds: float) -> None:
        """Adds a frame.

        Args:
            image: uint8 array, `(height, width, 3)`, RGB; an odd last row or
                column is left out, a single one doubled.
            seconds: float, when it is shown; after that of the frame before.
        """
        height, width = (max(1, side // 2 * 2) for side in image.shape[:2])
        image = image[:height, :width]
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        if self._stream is None:
            self._stream = self._container.add_stream("libx264", rate=25, options={"crf": "20"})
            self._stream.height, self._stream.width = image.shape[:2]
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = _TIME_BASE
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        # Some files have times that repeat or go back.
        self._last = max(self._last + 1, round(seconds / _TIME_BASE))
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def _finish(self, kind, *_):
        if kind is None and self._stream is not None:
            self._container.mux(self._stream.encode())

    def __exit__(self, *error):
        self._end.__exit__(*error)
