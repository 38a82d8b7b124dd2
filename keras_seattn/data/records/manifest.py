"""What a folder of shards holds, and whether its files are whole."""

import concurrent.futures
import dataclasses
import fnmatch
import hashlib
import json
import os
import warnings

import numpy as np
import tqdm

from keras_seattn import arguments, raised
from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.opening import VideoError
from keras_seattn.data.unreadable import MAXIMUM_SHARE, too_many
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.files import cache_file, write_json

MANIFEST = "manifest.json"
VERSION = 1
_CHUNK = 2**24
_REPAIR = "Remove them and run the command that wrote them again, which writes these only."


@dataclasses.dataclass(frozen=True, eq=False)
class Records:
    """The shards of a folder; it stands for a `Catalog` in `train_clips`, `test_clips`, `evaluate`.

    Attributes:
        files: list of str, the shards, in order.
        paths: list of str, the videos that were written, in order of the
            shards: `<class>/<file>`.
        labels: int array of the length of `paths`.
        class_names: list of str.
        frames: int array, the number of frames of each video.
    """

    files: list[str]
    paths: list[str]
    labels: np.ndarray
    class_names: list[str]
    frames: np.ndarray

    def __len__(self):
        return len(self.paths)


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
    # TensorFlow reads them without a word of Python, and names none when one is damaged later.
    raised.explain_with(path, lambda: _damage(folder, shards))
    videos = [video for shard in shards for video in shard["videos"]]
    names, labels, frames = zip(*videos, strict=True)
    return Records(
        [os.path.join(folder, shard["file"]) for shard in shards],
        list(names),
        np.array(labels, "int64"),
        manifest["class_names"],
        np.array(frames, "int64"),
    )


def _damage(folder, shards):
    """A VideoError that names the shards that are damaged now; None if none is."""
    try:
        damaged = check_shards(folder, shards)
    except OSError:
        return None
    return VideoError(f"{_listing(damaged, shards)}\n{_REPAIR}") if damaged else None


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
        known = manifest["version"] == VERSION
    except FileNotFoundError as error:
        raise MissingFileError(
            f"{folder} has no {MANIFEST}: it is not a folder of finished records. Check the path, "
            "or run `keras-seattn records` to its end."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error!r}. Write the records again.") from error
    if not known:
        raise InputError(
            f"{path} is of version {manifest['version']}; this package reads version {VERSION}."
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

    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = list(
            tqdm.tqdm(
                pool.map(check, shards),
                total=len(shards),
                desc="Checking shards",
                unit=" shards",
                delay=2,
            )
        )
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
