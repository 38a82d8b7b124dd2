"""What is known of video files, kept on disk, so that a second start need not open them again."""

import itertools
import os
import threading
import zipfile

import numpy as np

from keras_seattn.data import storage
from keras_seattn.data.opening import VideoError
from keras_seattn.data.scanning import READER
from keras_seattn.data.video import Keyframe, Video
from keras_seattn.files import replacing

# What is kept of a `Video` as a column of its own, in the order of its arguments.
_FIELDS = ("frames", "height", "width", "pixel_aspect", "rate", "plain", "timed")
_NUMBERS = ("size", "changed", *_FIELDS, "first_keyframe", "first_time")
_NO_TIME = -(2**63)


class Index:
    """What scanning said of the video files of a data set.

    An entry holds until the size of the file or the time of its last change
    differs. Damaged files have an entry too, with what is wrong with them. What
    an older reader of videos (`scanning.READER`) found counts for nothing.

    Args:
        path: str, the file of the index; it need not exist. One that cannot be
            read counts as empty.

    Example:

    >>> index = Index("index.npz")
    >>> video = keras_seattn.data.decoding.scan_video("a.mp4")
    >>> index.put("a.mp4", os.stat("a.mp4"), video)
    >>> index.save()
    >>> Index("index.npz").get("a.mp4", os.stat("a.mp4")).frames
    250
    """

    def __init__(self, path: str):
        self.path = path
        self._entries = {}
        self._lock = threading.Lock()
        try:
            with np.load(path, allow_pickle=False) as stored:
                if int(stored["reader"]) == READER:
                    self._entries = _entries({name: stored[name] for name in stored.files})
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile):
            pass  # No index, or one that was damaged: everything is looked at again.

    def __len__(self):
        return len(self._entries)

    def get(self, path: str, status: os.stat_result | storage.Status) -> Video | VideoError | None:
        """What is known of a file: a `Video`, the VideoError that it gave, or None.

        Args:
            path: str.
            status: what `os.stat` says of it now.
        """
        size, changed, found = self._entries.get(path, (None, None, None))
        return found if (size, changed) == (status.st_size, status.st_mtime_ns) else None

    def put(
        self, path: str, status: os.stat_result | storage.Status, found: Video | VideoError
    ) -> None:
        """Notes what a scan found: a `Video` or a VideoError."""
        with self._lock:
            self._entries[path] = (status.st_size, status.st_mtime_ns, found)

    def save(self) -> None:
        """Writes the file, whole or not at all."""
        with self._lock:
            arrays = _arrays(self._entries)
        os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
        with replacing(self.path) as partial:
            np.savez(partial, **arrays)


def _arrays(entries):
    """The entries as arrays, in which hundreds of thousands are read at once."""
    numbers, errors, keyframes, times = [], [], [], []
    for size, changed, found in entries.values():
        video = isinstance(found, Video)
        rest = [getattr(found, name, False) for name in _FIELDS]
        numbers.append((size, changed, *rest, len(keyframes), len(times)))
        errors.append("" if video else str(found))
        if video:
            keyframes += [[_NO_TIME if n is None else n for n in key] for key in found.keyframes]
            times += found.times or ()
    columns = zip(*numbers, strict=True) if numbers else [()] * len(_NUMBERS)
    return {
        **{name: np.array(column) for name, column in zip(_NUMBERS, columns, strict=True)},
        "reader": np.array(READER),
        "keyframes": np.array(keyframes, "int64").reshape(-1, 3),
        "times": np.array(times, "float64"),
        "paths": _joined(entries),
        "errors": _joined(errors),
    }


def _entries(arrays):
    paths, errors = _parted(arrays["paths"]), _parted(arrays["errors"])
    numbers = [arrays[name].tolist() for name in _NUMBERS]
    columns = (_with_none(column) for column in arrays["keyframes"].T)
    keyframes = list(map(Keyframe, *columns))
    times = arrays["times"].tolist()
    *numbers, first_keyframes, first_times = numbers
    entries = {}
    for path, error, key, time, size, changed, *rest in zip(
        paths,
        errors,
        itertools.pairwise([*first_keyframes, len(keyframes)]),
        itertools.pairwise([*first_times, len(times)]),
        *numbers,
        strict=True,
    ):
        if error:
            found = VideoError(error)
        else:
            keys = tuple(keyframes[slice(*key)])
            found = Video(path, *rest, keys, tuple(times[slice(*time)]) or None)
        entries[path] = (size, changed, found)
    return entries


def _with_none(column):
    return [None if number == _NO_TIME else number for number in column.tolist()]


def _joined(texts):
    """Texts as one array of bytes; no file name holds a zero byte."""
    joined = "".join(f"{text}\0" for text in texts).encode("utf-8", "surrogateescape")
    return np.frombuffer(joined, "uint8")


def _parted(array):
    return array.tobytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
