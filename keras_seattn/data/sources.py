"""What clips come from, video files or records: how many frames there are, and how to read some."""

import numpy as np

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.decoding import read_present
from keras_seattn.data.records import Records
from keras_seattn.data.records.reading import RecordSource
from keras_seattn.data.sampling import Crop
from keras_seattn.data.unreadable import scan_catalog


class FileSource:
    """The videos of a catalog. All are opened and checked at once.

    Args:
        catalog: `Catalog`.
        unreadable: `"stop"` or `"skip"`; see `unreadable.scan_catalog`.

    Attributes:
        videos: list of `Video`, None for one that cannot be read.
        frames: int array, the number of frames of each video, 0 for one that
            cannot be read.

    Raises:
        VideoError: Videos cannot be read; the message lists them.
    """

    def __init__(self, catalog: Catalog, unreadable: str = "stop"):
        self.videos = scan_catalog(catalog, unreadable)
        self.frames = np.array([0 if video is None else video.frames for video in self.videos])

    def read(
        self, video: int, numbers: np.ndarray, crop: Crop, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads frames, cropped and scaled.

        Args:
            video: int, the index into the catalog.
            numbers: int array of frame numbers from 0.
            crop: `Crop`.
            size: int, the side to scale to, in pixels.

        Returns:
            `(pixels, there)`: uint8 array, `(len(numbers), size, size, 3)`; and
            bool array, False for frames that cannot be decoded.

        Raises:
            VideoError: The video cannot be read any more. The message names it.
        """
        file = self.videos[video]
        assert file is not None, "Nobody asks for what cannot be read."
        window = crop.window(file.height, file.width, file.pixel_aspect)
        return read_present(file, numbers, window, (size, size), flip=crop.flip)


def source_of(catalog: Catalog | Records, unreadable: str) -> FileSource | RecordSource:
    """The source of a catalog's videos, or of those of records."""
    if isinstance(catalog, Records):
        return RecordSource(catalog)
    return FileSource(catalog, unreadable)
