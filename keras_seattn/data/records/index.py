"""Where each frame lies in a shard: the index beside it, by which clips are read at random."""

import os
import struct
import zlib

import numpy as np
import tensorflow as tf

from keras_seattn.data import storage
from keras_seattn.data.opening import VideoError
from keras_seattn.files import cache_file, replacing

# One row for each frame, videos in the order of the shard.
ROW = np.dtype(
    [
        ("offset", "<u8"),  # of its JPEG image in the shard, in bytes
        ("length", "<u4"),  # of that, in bytes
        ("crc", "<u4"),  # CRC-32 of that
        ("height", "<u2"),  # in pixels
        ("width", "<u2"),
    ]
)
# A TFRecord is the length of its data with a checksum, the data, and a checksum of these.
_HEADER, _FOOTER = struct.Struct("<QI"), 4


def find(shard: str, frames: int, key: str) -> np.ndarray | None:
    """The index of a shard, from beside it or from the user's cache.

    Args:
        shard: str, the path or address.
        frames: int, how many it holds.
        key: str, what tells it from another shard that was there before.

    Returns:
        array of `ROW`, of which no more is read from the disk than is used;
        None if there is none.
    """
    for place in _places(shard, key):
        try:
            rows = np.load(place, mmap_mode="r")
        except (OSError, ValueError, EOFError):  # none, or half of one
            continue
        if _fits(shard, rows, frames):
            return rows
    return None


def make(shard: str, frames: int, key: str) -> np.ndarray:
    """As `find`, where it finds none: copies or makes the index, and keeps it.

    It is kept beside the shard; where that is elsewhere, or nothing can be
    written there, in the user's cache.

    Raises:
        VideoError: The shard does not hold what it should.
    """
    rows = _copy(shard) if storage.is_remote(shard) else None
    if rows is None or not _fits(shard, rows, frames):
        rows = _rows_of(shard)
    if len(rows) != frames:
        raise VideoError(
            f"{shard}: has {len(rows)} frames instead of {frames}. Remove it, and run the command "
            "that wrote it again."
        )
    for place in _places(shard, key):
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            save(place, rows)
            return np.load(place, mmap_mode="r")
        except OSError:
            continue
    return rows


def _fits(shard, rows, frames):
    """Whether an index is that of a shard: its last frame, which is where that of no other is."""
    if rows.dtype != ROW or len(rows) != frames:
        return False
    try:
        image = storage.read_range(shard, int(rows["offset"][-1]), int(rows["length"][-1]))
    except OSError:
        return False
    return zlib.crc32(image) == rows["crc"][-1]


def _places(shard, key):
    """Where the index of a shard may be, on this machine."""
    cached = cache_file(f"{storage.absolute(shard)} {key}", "npy")
    return [cached] if storage.is_remote(shard) else [path_of(shard), cached]


def path_of(shard: str) -> str:
    """The file of a shard's index."""
    return f"{shard}.index.npy"


def save(path: str, rows: np.ndarray) -> None:
    """Writes an index."""
    with replacing(path, rows.nbytes) as partial:
        np.save(partial, rows)


def rows_of_record(record: bytes, start: int) -> np.ndarray:
    """The rows of a record.

    Args:
        record: bytes, a serialized `tf.train.SequenceExample`.
        start: int, where it starts in its shard, its header included.
    """
    example = tf.train.SequenceExample.FromString(record)
    context = example.context.feature
    images = [
        feature.bytes_list.value[0]
        for feature in example.feature_lists.feature_list["image/encoded"].feature
    ]
    rows, place = np.empty(len(images), ROW), 0
    for row, image in zip(rows, images, strict=True):
        place = record.index(image, place)
        row["offset"], row["length"], row["crc"] = (
            start + _HEADER.size + place,
            len(image),
            zlib.crc32(image),
        )
        place += len(image)
    rows["height"] = context["image/height"].int64_list.value[0]
    rows["width"] = context["image/width"].int64_list.value[0]
    return rows


def record_size(length: int) -> int:
    """The bytes of a shard that a record of `length` bytes takes."""
    return _HEADER.size + length + _FOOTER


def _rows_of(shard):
    """The rows of all records of a shard."""
    found = [np.empty(0, ROW)]
    with storage.open_file(shard) as file:
        position = 0
        while header := file.read(_HEADER.size):
            length, _ = _HEADER.unpack(header)
            record = file.read(length + _FOOTER)[:length]
            found.append(rows_of_record(record, position))
            position += record_size(length)
    return np.concatenate(found)


def _copy(shard):
    """The index that lies beside a shard elsewhere; None if there is none."""
    try:
        with storage.open_file(path_of(shard)) as file:
            return np.load(file)
    except (OSError, ValueError, EOFError):
        return None
