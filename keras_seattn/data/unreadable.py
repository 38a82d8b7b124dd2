"""Videos that cannot be read: found before training, survived during it, always named."""

import collections
import functools
import math
import os
import threading
import typing
import warnings

import tensorflow as tf

from keras_seattn import arguments, stopping
from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.index import Index
from keras_seattn.data.opening import TooLargeError, VideoError
from keras_seattn.data.scanning import scan_video, video_status
from keras_seattn.data.video import Video
from keras_seattn.errors import InputError
from keras_seattn.files import cache_file
from keras_seattn.progress import in_threads

if typing.TYPE_CHECKING:
    from keras_seattn.data.records.manifest import Records

# More than this share of a catalog unreadable means that something is wrong with the data set.
MAXIMUM_SHARE = 0.01
_MOST_NAMED = 100
# Lists in whole seconds name ends that are up to this behind those of files.
_SECONDS_LATE = 1
# Videos looked at between two writings of the index: minutes of work, at most, are done again.
_SAVED_AFTER = 20_000


def scan_catalog(catalog: Catalog, unreadable: str = "stop") -> list[Video | None]:
    """Opens every video of a catalog, before anything depends on it.

    What is found is kept in an index, one for the folder that holds them all,
    in `$KERAS_SEATTN_CACHE/index` or `~/.cache/keras_seattn/index`. Files that
    have not changed are not opened again.

    Args:
        catalog: `Catalog`.
        unreadable: `"stop"` raises if any video cannot be read; `"skip"` warns
            and leaves them out, unless they are more than 1 % (one may always be).

    Returns:
        list of `Video`, one per video of the catalog, for a span the part of
        its file; None in place of those that cannot be read.

    Raises:
        VideoError: Videos cannot be read; the message counts and lists them.
        ValueError: The catalog is empty, or `unreadable` is neither of the two.
    """
    arguments.one_of(unreadable, ("stop", "skip"), "unreadable")
    found = look_at_all(catalog)
    errors = [str(video) for video in found if isinstance(video, VideoError)]
    if errors:
        messages, lost, total = list(dict.fromkeys(errors)), len(errors), len(catalog)
        if unreadable == "stop":
            raise VideoError(
                _listing(messages, lost, total)
                + '\nRepair or remove them, or pass unreadable="skip" to leave out one, or up to '
                f"{MAXIMUM_SHARE:.0%}."
            )
        _stop_if_too_many(messages, lost, total)
        warnings.warn(_listing(messages, lost, total) + "\nThey are left out.", stacklevel=2)
    return [None if isinstance(video, VideoError) else video for video in found]


def look_at_all(catalog: Catalog) -> list[Video | VideoError]:
    """Opens every video of a catalog, as `scan_catalog` does, however many cannot be read.

    Returns:
        list of a `Video`, or the VideoError that it gave, per video.

    Raises:
        ValueError: The catalog is empty.
    """
    if not len(catalog):
        raise InputError("`catalog` holds no videos.")
    index, unsaved = _open_index(_index_path(catalog.paths)), []

    def scan(path):
        try:
            status = video_status(path)
        except (OSError, VideoError):
            status = None
        found = status and index.get(path, status)
        if found is not None:
            return found
        try:
            found = scan_video(path)
        except VideoError as error:
            found = error
        # A file that may not be opened, a server that does not answer, or what is above a limit can
        # be fine next time as it is.
        passing = isinstance(found, TooLargeError) or isinstance(
            getattr(found, "__cause__", None), (OSError, tf.errors.OpError)
        )
        if status is not None and not passing:
            index.put(path, status, found)
            unsaved.append(path)
        return found

    paths = list(dict.fromkeys(catalog.paths))  # Of spans several are of one file.
    found = {}
    for path, video in zip(
        paths, in_threads(scan, paths, "Checking videos", "videos"), strict=True
    ):
        found[path] = video
        stopping.check()
        if len(unsaved) >= _SAVED_AFTER:
            unsaved.clear()
            _save(index)
    if unsaved:
        _save(index)
    videos: list[Video | VideoError] = []
    late = []
    spans = catalog.spans or [None] * len(catalog)
    for path, span, title in zip(catalog.paths, spans, catalog.titles, strict=True):
        try:
            videos.append(_part(found[path], span))
            if span and _SECONDS_LATE < span[1] - found[path].frames / found[path].rate < math.inf:
                late.append(title)
        except VideoError as error:
            videos.append(error)
    if late:
        warnings.warn(
            f"{len(late)} of {len(catalog)} spans end more than {_SECONDS_LATE} second behind the "
            f"end of their file, such as {', '.join(late[:3])}. What is there of them is taken: "
            "check their times, and whether the files are whole.",
            stacklevel=3,
        )
    return videos


def _part(video, span):
    """What a span leaves of a video, if that could be read."""
    if isinstance(video, VideoError):
        raise video
    return video.part(*span) if span else video


_open_index = functools.lru_cache(maxsize=8)(Index)


def _index_path(paths):
    """The file of the index for the folder that holds all of some paths."""
    folders = {os.path.dirname(f"/{storage.absolute(path)}") for path in paths}
    return cache_file(os.path.commonpath(folders), "npz")


def _save(index):
    try:
        index.save()
    except OSError as error:
        warnings.warn(
            f"What was found of the videos cannot be kept for the next start: {error}. Set "
            "KERAS_SEATTN_CACHE to a folder that can be written to.",
            stacklevel=3,
        )


class DamageLog:
    """Notes what opened well but fails later, and stops when too many videos do.

    Args:
        catalog: `Catalog`, or `records.Records`.

    Attributes:
        clips: int, how many clips were left out of videos that can be read.
    """

    def __init__(self, catalog: "Catalog | Records"):
        self.clips = 0
        # A catalog may name a video several times.
        self._entries = collections.Counter(catalog.titles)
        self._messages = {}
        self._damaged = set()
        self._lock = threading.Lock()

    @property
    def titles(self) -> set[str]:
        """The videos that cannot be read any more, a set of str as `Catalog.titles` has them."""
        return set(self._messages)

    def note_video(self, title: str, error: Exception) -> None:
        """Notes that reading a video failed with `error`: a warning the first time.

        Raises:
            VideoError: Too many videos have failed; it lists them.
        """
        with self._lock:
            is_new = title not in self._messages
            self._messages.setdefault(title, str(error))
            messages = dict(self._messages)
        lost, total = sum(self._entries[title] for title in messages), self._entries.total()
        _stop_if_too_many(list(messages.values()), lost, total)
        if is_new:
            warnings.warn(f"{error} ({lost} of {total} videos so far.)", stacklevel=2)

    def note_clips(self, title: str, clips: int) -> None:
        """Notes that clips of a video touch damaged frames: a warning the first time."""
        with self._lock:
            self.clips += clips
            if title in self._damaged:
                return
            self._damaged.add(title)
        warnings.warn(
            f"{title}: some of its frames are damaged. They and clips that touch them are left "
            "out. Copy or download it again.",
            stacklevel=2,
        )


def too_many(lost: int, total: int) -> bool:
    """Whether more videos are lost than may be left out: 1 %, but one at least and never all."""
    return lost > max(1, MAXIMUM_SHARE * total) or lost == total


def _listing(messages, lost, total):
    named = "\n".join(messages[:_MOST_NAMED])
    if len(messages) > _MOST_NAMED:
        named += f"\n... and {len(messages) - _MOST_NAMED} more"
    return f"{lost} of {total} videos cannot be read:\n{named}"


def _stop_if_too_many(messages, lost, total):
    if too_many(lost, total):
        raise VideoError(
            _listing(messages, lost, total)
            + f"\nThat is more than {MAXIMUM_SHARE:.0%}. Check the data set, then start again."
        )
