"""Frames -> an MP4 file that browsers play."""

import contextlib
import fractions
import os

import av
import numpy as np

# The unit of presentation times: 1/90000 s, as in broadcasting, divides all usual frame rates.
_TIME_BASE = fractions.Fraction(1, 90_000)


class VideoWriter:
    """Writes an MP4 file of H.264, as a context.

    The file appears when the context ends without an error; until then it is
    beside its place as `.part`.

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

    def __init__(self, path):
        self.path = os.fspath(path)
        if not self.path.lower().endswith(".mp4"):
            raise ValueError(f"A video is written as .mp4. Received: {self.path}")
        folder = os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"The folder of {self.path} does not exist. Make it first.")
        self._stream, self._last = None, -1

    def __enter__(self):
        self._container = av.open(f"{self.path}.part", "w", format="mp4")
        return self

    def write(self, image, seconds):
        """Adds a frame.

        Args:
            image: uint8 array, `(height, width, 3)`, RGB; an odd last row or
                column is left out.
            seconds: float, when it is shown; after that of the frame before.
        """
        image = np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])
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

    def __exit__(self, kind, error, traceback):
        if error is None and self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()
        if error is None and self._stream is not None:
            os.replace(f"{self.path}.part", self.path)
        else:
            with contextlib.suppress(FileNotFoundError):  # FFmpeg makes it with the first data.
                os.remove(f"{self.path}.part")
