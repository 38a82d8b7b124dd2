"""Which videos are the same: by content whatever they are called, and by name."""

import collections
import concurrent.futures
import hashlib
import itertools
import math
import os
import typing
from collections.abc import Iterator, Mapping

from keras_seattn import stopping
from keras_seattn.checking.measuring import Subset
from keras_seattn.data import storage
from keras_seattn.data.frame_folders import frame_names
from keras_seattn.data.opening import VideoError
from keras_seattn.data.records.manifest import Records, checksum
from keras_seattn.data.suffixes import stem
from keras_seattn.progress import in_threads


class Entry(typing.NamedTuple):
    """A video in a subset.

    Attributes:
        subset, name, title, path, class_name, group: str.
        span: `(start, end)` in seconds, what counts of its file; None for all.
    """

    subset: str
    name: str
    title: str
    path: str
    class_name: str
    group: str
    span: tuple[float, float] | None

    def __str__(self):
        return f"{self.title} ({self.subset}, {self.class_name})"

    @property
    def has_group(self) -> bool:
        """Whether its group is more than the video itself: parts of a file share that."""
        return self.span is not None or self.group != stem(self.path).replace(os.sep, "/")


def entries(subsets: Mapping[str, Subset]) -> list[Entry]:
    """All videos of all subsets."""
    return [
        Entry(name, *values)
        for name, subset in subsets.items()
        for values in zip(
            subset.catalog.names,
            subset.catalog.titles,
            subset.catalog.paths,
            subset.class_names,
            subset.catalog.groups or (),
            getattr(subset.catalog, "spans", None) or [None] * len(subset.catalog),
            strict=True,
        )
    ]


def same_contents(subsets: Mapping[str, Subset]) -> Iterator[list[Entry]]:
    """The videos with the same content, two or more at a time.

    Files are compared by size, and where that is the same by a hash of all
    their bytes; videos of records by the checksums of their frames. Parts of
    one file are the same where their spans meet.
    """
    prints = _prints_of_files(subsets) | _prints_of_records(subsets)
    alike = collections.defaultdict(list)
    for entry in entries(subsets):
        alike[prints.get((entry.subset, entry.path), entry.path)].append(entry)
    for same in alike.values():
        if len(same) > 1:
            yield from _meeting(same)


def _meeting(same):
    """Those of the entries of one content whose spans have something in common."""

    def span(entry):
        return entry.span or (-math.inf, math.inf)

    met, end = [], -math.inf
    for entry in sorted(same, key=span):
        if met and span(entry)[0] >= end:
            if len(met) > 1:
                yield met
            met = []
        end = max(end, span(entry)[1]) if met else span(entry)[1]
        met.append(entry)
    if len(met) > 1:
        yield met


def _prints_of_files(subsets):
    """Of each file that has the size of another one, what stands for its content."""
    files = {
        (name, path): None
        for name, subset in subsets.items()
        if not isinstance(subset.catalog, Records)
        for path in subset.catalog.paths
    }
    paths = list(dict.fromkeys(path for _, path in files))
    by_size = collections.defaultdict(list)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for path, size in zip(paths, pool.map(_size, paths), strict=True):
            by_size[size].append(path)
    equal = [same for size, same in by_size.items() if size is not None and len(same) > 1]
    chosen, found = list(itertools.chain(*equal)), {}
    for path, digest in zip(
        chosen, in_threads(_digest, chosen, "Comparing files", "files"), strict=True
    ):
        stopping.check()
        found[path] = digest
    return {key: found[key[1]] for key in files if found.get(key[1])}


def _prints_of_records(subsets):
    """Of each video of records, what stands for its content."""
    return {
        (name, path): hashlib.sha256(subset.catalog.rows(video)[1]["crc"].tobytes()).hexdigest()
        for name, subset in subsets.items()
        if isinstance(subset.catalog, Records)
        for video, path in enumerate(subset.catalog.paths)
    }


def _files(path):
    """The file, or those of the frames if it is a folder of frames."""
    if not storage.is_folder(path):
        return [path]
    return [os.path.join(path, name) for name in frame_names(path)]


def _size(path):
    """How many files a video is, and the bytes of the first and the last.

    None where it cannot be reached, which is told elsewhere.
    """
    try:
        files = _files(path)
        return len(files), *(storage.status(file).st_size for file in files[:1] + files[-1:])
    except (OSError, VideoError):
        return None


def _digest(path):
    """A hash of the content of a video; None where it cannot be read."""
    try:
        return hashlib.sha256("".join(map(checksum, _files(path))).encode()).hexdigest()
    except (OSError, VideoError):
        return None
