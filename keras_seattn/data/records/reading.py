"""Records -> frames: one read of the bytes that hold them, and FFmpeg's JPEG decoder."""

import threading
import zlib

import av
import numpy as np

from keras_seattn.data import storage
from keras_seattn.data.opening import VideoError
from keras_seattn.data.pixels import Scaler
from keras_seattn.data.records.manifest import Records
from keras_seattn.data.sampling import Crop


class RecordSource:
    """The videos of records, as `sources.FileSource` has those of files.

    Args:
        records: `Records`.

    Attributes:
        frames: int array, the number of frames of each video.
    """

    def __init__(self, records: Records):
        self._records = records
        self.frames = records.frames

    def read(
        self, video: int, numbers: np.ndarray, crop: Crop, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads frames; see `sources.FileSource.read`."""
        wanted, places = np.unique(numbers, return_inverse=True)
        shard, rows = self._records.rows(video)
        rows = rows[wanted].tolist()  # as Python's numbers, which are quicker one by one
        first, (last, length, *_) = rows[0][0], rows[-1]
        try:
            content = storage.read_range(shard, first, last + length - first)
        except OSError as error:
            raise self._error(video, shard, error) from error
        height, width = rows[0][3:]
        window, scale = crop.window(height, width), Scaler(colours_last=True)
        pixels = np.empty((len(wanted), size, size, 3), "uint8")
        for place, (offset, length, crc, *_) in enumerate(rows):
            image = content[offset - first : offset - first + length]
            if zlib.crc32(image) != crc:
                raise self._error(video, shard, f"frame {wanted[place]} is not what was written")
            (frame,) = _decoders.jpeg.decode(av.Packet(image))
            pixels[place] = scale(frame, window, (size, size), flip=crop.flip)
        there = np.ones(len(numbers), bool)
        return (pixels if len(wanted) == len(numbers) else pixels[places]), there

    def _error(self, video, shard, reason):
        return VideoError(
            f"{self._records.paths[video]} in {shard}: {reason}. Remove the shard, and run the "
            "command that wrote it again, which writes that one only."
        )


class _Decoders(threading.local):
    """Decoders, of each thread for itself."""

    def __init__(self):
        self.jpeg = av.CodecContext.create("mjpeg", "r")
        self.jpeg.thread_type = "NONE"


_decoders = _Decoders()
