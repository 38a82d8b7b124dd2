"""What clips come from, video files or records: how many frames there are, and how to read some."""

import itertools

import numpy as np
import tensorflow as tf

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.decoding import read_present
from keras_seattn.data.records import Records
from keras_seattn.data.records.reading import RecordSource
from keras_seattn.data.sampling import Crop, View
from keras_seattn.data.unreadable import scan_catalog
from keras_seattn.processes import release_memory

_READS = 1000  # after which memory is given back


class FileSource:
    """The videos of a catalog. All are opened and checked at once.

    Args:
        catalog: `Catalog`.
        unreadable: `"stop"` or `"skip"`; see `unreadable.scan_catalog`.

    Attributes:
        videos: list of `Video`, None for one that cannot be read.
        frames: int array, the number of frames of each video, 0 for one that
            cannot be read.
        types: tuple of `tf.DType`, of what `fetch` reads.
        clips_at_once: int, how many consecutive clips are best read at once.

    Raises:
        VideoError: Videos cannot be read; the message lists them.
    """

    types = (tf.uint8,)
    # So few frames are decoded twice, and a long video never lies in memory whole.
    clips_at_once = 16

    def __init__(self, catalog: Catalog, unreadable: str = "stop"):
        self.videos = scan_catalog(catalog, unreadable)
        self.frames = np.array([0 if video is None else video.frames for video in self.videos])
        self._reads = itertools.count(1)

    def fetch(
        self, video: int, numbers: np.ndarray, crop: Crop, view: View
    ) -> tuple[tuple[np.ndarray], np.ndarray]:
        """Reads frames, in Python.

        Args:
            video: int, the index into the catalog.
            numbers: int array of frame numbers from 0.
            crop: `Crop`.
            view: `View`.

        Returns:
            `(content, there)`: tuple of arrays for `decode`; and bool array,
            False for frames that cannot be decoded.

        Raises:
            VideoError: The video cannot be read any more. The message names it.
        """
        file = self.videos[video]
        assert file is not None, "Nobody asks for what cannot be read."
        if next(self._reads) % _READS == 0:
            release_memory()
        window = view.window(crop, file.height, file.width, file.pixel_aspect)
        pixels, there = read_present(
            file,
            numbers,
            window,
            (view.size, view.size),
            flip=crop.flip,
            filtered=view.filtered,
        )
        return (pixels,), there

    def decode(self, pixels: tf.Tensor, *, frames: int, view: View) -> tf.Tensor:
        """Makes frames of what `fetch` read, in TensorFlow's graph.

        Args:
            pixels: tensor of each array of its content.
            frames: int, how many a clip has.
            view: `View`, as it was given to `fetch`.

        Returns:
            uint8 tensor, `(n, view.size, view.size, 3)`.
        """
        return tf.ensure_shape(pixels, (None, view.size, view.size, 3))


def source_of(catalog: Catalog | Records, unreadable: str) -> FileSource | RecordSource:
    """The source of a catalog's videos, or of those of records."""
    if isinstance(catalog, Records):
        return RecordSource(catalog)
    return FileSource(catalog, unreadable)
