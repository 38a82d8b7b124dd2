"""What a folder of shards holds, and whether its files are whole."""

import concurrent.futures
import dataclasses
import fnmatch
import hashlib
import json
import os
import warnings
from collections.abc import Sequence

import numpy as np

from keras_seattn import arguments
from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.groups import video_group
from keras_seattn.data.opening import VideoError
from keras_seattn.data.records import index
from keras_seattn.data.sampling import Timeline
from keras_seattn.data.unreadable import MAXIMUM_SHARE, too_many
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.files import cache_file, write_json
from keras_seattn.progress import in_threads, progress_bar

MANIFEST = "manifest.json"
VERSION, OLDER = 2, 1  # those of version 1 do not tell when frames are shown
_CHUNK = 2**24
_REPAIR = "Remove them and run the command that wrote them again, which writes these only."


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """The shards of a folder; it stands for a `Catalog` in `train_clips`, `test_clips`, `evaluate`.

    Attributes:
        files: list of str, the shards, in order.
        paths: list of str, the videos that were written, in alphabetical
            order whatever shard holds one: `<class>/<file>`.
        labels: int array of the length of `paths`.
        class_names: list of str.
        groups: list of str, as those of a `Catalog`.
        frames: int array, the number of frames of each video.
        timelines: list of `Timeline`, of each video.
        places: int array, `(videos, 2)`: the number of the shard that holds
            each, and its first row in the index of that.
        indexes: list of arrays of `index.ROW`, one of each shard.
    """

    files: list[str]
    paths: list[str]
    labels: np.ndarray
    class_names: list[str]
    groups: list[str]
    frames: np.ndarray
    timelines: list[Timeline]
    places: np.ndarray
    indexes: list[np.ndarray]

    spans = None  # Each video is whole as it is.

    def __len__(self):
        return len(self.paths)

    @property
    def names(self) -> list[str]:
        """As those of a `Catalog`."""
        return self.paths

    titles = names

    def part(self, chosen: Sequence[bool] | np.ndarray) -> "Records":
        """Records of the videos where a mask is true, in their order; the shards are the same."""
        kept = np.flatnonzero(np.asarray(chosen, bool))
        return dataclasses.replace(
            self,
            paths=[self.paths[i] for i in kept],
            labels=self.labels[kept],
            groups=[self.groups[i] for i in kept],
            frames=self.frames[kept],
            timelines=[self.timelines[i] for i in kept],
            places=self.places[kept],
        )

    def rows(self, video: int) -> tuple[str, np.ndarray]:
        """The shard that holds a video, and where its frames lie in it, rows of `index.ROW`."""
        shard, first = self.places[video]
        return self.files[shard], self.indexes[shard][first : first + self.frames[video]]


def open_records(path: str | os.PathLike, unreadable: str = "stop") -> Records:
    """Opens a folder of shards that `write_records` wrote.

    The first time, every shard is compared with its checksum in the manifest;
    after that only its size and time, until these change.

    Args:
        path: str, the folder, or a pattern of its shards, such as
            `"records/train/shard-000[0-3]*.tfrecord"`; anything that
            `tf.io.gfile` reads, and with tensorflow-io `s3://`, `az://`,
            `hdfs://` and `http(s)://`, whose server must know byte ranges.
        unreadable: `"stop"` raises if a shard is damaged, `"skip"` warns and
            leaves it out, if it holds no more than 1 % of the videos.

    Returns:
        `Records`.

    Raises:
        FileNotFoundError: There is no such folder, or no manifest or shard.
        VideoError: Shards are damaged; the message names them.
        ValueError: `unreadable` is neither of the two, or the manifest cannot
            be read.
        ImportError: The path needs tensorflow-io, which cannot be used; says
            why.

    Example:

    >>> records = keras_seattn.data.records.open_records("records/train")
    >>> len(records), len(records.files)
    (9537, 96)
    """
    arguments.one_of(unreadable, ("stop", "skip"), "unreadable")
    path = storage.prepare(path)
    folder, pattern = path, "*"
    if any(mark in path for mark in "*?["):
        folder, pattern = os.path.split(path)
    manifest = read_manifest(folder)
    shards = [shard for shard in manifest["shards"] if fnmatch.fnmatch(shard["file"], pattern)]
    if not shards:
        raise MissingFileError(f"No shard of {folder} matches {pattern}. Check the pattern.")
    damaged = check_shards(folder, shards)
    if damaged:
        lost = sum(len(shard["videos"]) for shard in shards if shard["file"] in damaged)
        total = sum(len(shard["videos"]) for shard in shards)
        message = f"{_listing(damaged, shards)}\n{_REPAIR}"
        if unreadable == "stop" or too_many(lost, total):
            raise VideoError(
                f'{message} Or pass unreadable="skip" to leave out up to {MAXIMUM_SHARE:.0%}.'
            )
        warnings.warn(f"{message}\nThey are left out.", stacklevel=2)
        shards = [shard for shard in shards if shard["file"] not in damaged]
    files = [os.path.join(folder, shard["file"]) for shard in shards]
    videos = [
        (name, label, frames, number, first, *_times_and_group(name, frames, *told))
        for number, shard in enumerate(shards)
        for (name, label, frames, *told), first in zip(
            shard["videos"], _first_rows(shard), strict=True
        )
    ]
    videos.sort(key=lambda video: video[0])
    names, *numbers, timelines, groups = zip(*videos, strict=True)
    labels, frames, numbers, first_rows = (np.array(column, "int64") for column in numbers)
    return Records(
        files,
        list(names),
        labels,
        manifest["class_names"],
        list(groups),
        frames,
        list(timelines),
        np.stack([numbers, first_rows], axis=1),
        _open_indexes(files, shards),
    )


def _times_and_group(name, frames, rate=0.0, times=None, group=None):
    """The `Timeline` and the group of a video, of which older manifests say nothing."""
    times = None if times is None else np.array(times)
    return Timeline(frames, rate, times), group or video_group(name)


def _first_rows(shard):
    """Where the rows of each video of a shard begin in its index."""
    return np.cumsum([0] + [frames for _, _, frames, *_ in shard["videos"]])[:-1]


def _open_indexes(files, shards):
    """The indexes of shards; those that are missing are made, as earlier versions wrote none."""
    known = [
        (file, shard["frames"], shard["sha256"]) for file, shard in zip(files, shards, strict=True)
    ]
    indexes = [index.find(*shard) for shard in known]
    missing = [place for place, rows in enumerate(indexes) if rows is None]
    if missing:
        print(f"Indexing {len(missing)} shards, once: {os.path.dirname(files[0])}")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            made = pool.map(lambda place: index.make(*known[place]), missing)
            bar = progress_bar(made, total=len(missing), desc="Indexing", unit=" shards", delay=2)
            for place, rows in zip(missing, bar, strict=True):
                indexes[place] = rows
    return indexes


def _listing(damaged, shards):
    lost = sum(len(shard["videos"]) for shard in shards if shard["file"] in damaged)
    listed = "\n".join(damaged.values())
    return f"{len(damaged)} of {len(shards)} shards, with {lost} videos, are damaged:\n{listed}"


def opened(catalog: Catalog | Records | str | os.PathLike, unreadable: str) -> Catalog | Records:
    """`Records` for the path of some; a `Catalog` and `Records` as they are."""
    if isinstance(catalog, (str, os.PathLike)):
        return open_records(catalog, unreadable)
    return catalog


def read_manifest(folder: str | os.PathLike) -> dict:
    """The content of a folder's manifest, a dict."""
    path = os.path.join(folder, MANIFEST)
    try:
        manifest = json.loads(storage.read_text(path))
        known = manifest["version"] in (VERSION, OLDER)
    except FileNotFoundError as error:
        raise MissingFileError(
            f"{folder} has no {MANIFEST}: it is not a folder of finished records. Check the path, "
            "or run `keras-seattn records` to its end."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error!r}. Write the records again.") from error
    if not known:
        raise InputError(
            f"{path} is of version {manifest['version']}; this package reads versions "
            f"{OLDER} and {VERSION}."
        )
    return manifest


def checksum(path: str | os.PathLike) -> str:
    """The SHA-256 of a file, as hexadecimal text."""
    digest = hashlib.sha256()
    with storage.open_file(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def check_shards(folder: str, shards: list[dict]) -> dict[str, str]:
    """Compares shards with what the manifest says of them.

    Args:
        folder: str.
        shards: list of dict, from the manifest.

    Returns:
        dict of the file of each damaged shard to what is wrong with it.
    """
    remembered = _Checked(folder)

    def check(shard):
        path = os.path.join(folder, shard["file"])
        try:
            status = storage.status(path)
        except FileNotFoundError:
            return f"{path}: is not there"
        if status.st_size != shard["bytes"]:
            return f"{path}: has {status.st_size:,} bytes instead of {shard['bytes']:,}"
        state = [shard["sha256"], status.st_size, status.st_mtime_ns]
        if remembered.states.get(shard["file"]) != state:
            if checksum(path) != shard["sha256"]:
                return f"{path}: differs from its checksum"
            remembered.states[shard["file"]] = state
            remembered.changed = True
        return None

    found = list(in_threads(check, shards, "Checking shards", "shards"))
    remembered.save()
    return {shard["file"]: text for shard, text in zip(shards, found, strict=True) if text}


class _Checked:
    """The shards of a folder whose checksums were compared, in the user's cache."""

    def __init__(self, folder):
        self.path = cache_file(f"{storage.absolute(folder)} records", "json")
        self.changed = False
        self.states = {}
        try:
            with open(self.path, encoding="utf-8") as file:
                self.states = dict(json.load(file))
        except (OSError, ValueError, TypeError):
            pass

    def save(self):
        if not self.changed:
            return
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            write_json(self.path, self.states)
        except OSError:
            pass  # They are compared again next time.
