"""Files that are there whole or not at all, and the place for what may be lost."""

import concurrent.futures
import contextlib
import csv
import errno
import hashlib
import io
import itertools
import json
import os
import shutil
import tempfile
import time
import typing
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from keras_seattn.errors import InputError, MissingFileError, StorageError, UserError
from keras_seattn.processes import Process, this_process

# What is raised where a file of arrays (`.npz`) is not what it should be.
DAMAGED = (OSError, EOFError, LookupError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
# What a disk says that takes no more.
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_PARTIAL, _REPLACED = ".partial", ".replaced"
_DAY = 86_400  # seconds
_LONGEST_LINE = 2**20  # bytes
_numbers = itertools.count()


@contextlib.contextmanager
def replacing(path: str | os.PathLike, size: int | None = None) -> Iterator[str]:
    """A path to write a file or a folder to, which then takes the place of `path`, whole.

    It has the name of `path`, in a hidden folder beside it; what else is written
    into that folder goes along. If the writing fails, or the process is killed,
    what was at `path` stays as it was. What killed processes left is removed by
    the next one that writes into the folder.

    Args:
        path: str, a file or a folder; it need not exist.
        size: int, how many bytes are going to be written, at least, where that
            is known.

    Raises:
        FileNotFoundError: The folder of `path` does not exist.
        OSError: The disk is full, or the folder cannot be written to. It is
            raised in place of what a library made of that.

    Example:

    >>> with replacing("model.keras") as partial:
    ...     model.save(partial)
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise StorageError(f"{path} is no file and no folder: it cannot be replaced.")
    host, number, started = this_process()
    work = os.path.join(folder, f".{started}-{number}-{next(_numbers)}-{host}{_PARTIAL}")
    try:
        _remove_leftovers(folder)
        os.mkdir(work)
    except FileNotFoundError as error:
        raise MissingFileError(f"The folder of {path} does not exist. Make it first.") from error
    except OSError as error:
        raise StorageError(
            f"{_final(path)} cannot be written: {error.strerror}. What was there before is whole. "
            "Make room on the disk, check the folder, or name another one."
        ) from error
    try:
        yield os.path.join(work, name)
        _move_all(work, folder, name)
    except (UserError, concurrent.futures.CancelledError):
        raise
    except Exception as error:
        written = sum(map(os.path.getsize, filter(os.path.isfile, _files(work))))
        full = _full(error, work, max(size or 0, written + 2**20))
        if full is None:
            raise
        reason = os.strerror(full.errno or errno.EIO)
        needed = f" of {size:,}" if size else ""
        raise StorageError(
            f"{_final(path)} could not be written: {reason}, after {written:,}{needed} "
            f"bytes; {shutil.disk_usage(folder).free:,} bytes are free on its disk. What was there "
            "before is whole. Make room on the disk, or name another folder."
        ) from error
    finally:
        _put_back(work, folder)
        shutil.rmtree(work, ignore_errors=True)


def _final(path):
    """Where a file will be in the end that is part of something larger."""
    return os.sep.join(part for part in path.split(os.sep) if not part.endswith(_PARTIAL))


def _move_all(work, folder, name):
    """Moves what was written to its place, `name` last, safe from a loss of power."""
    for entry in sorted(os.listdir(work), key=name.__eq__):
        new, old = os.path.join(work, entry), os.path.join(folder, entry)
        for file in _files(new):
            _sync(file)
        if os.path.isdir(new) and os.path.isdir(old):
            # No system call replaces a folder. `_put_back` does if this ends here.
            os.mkdir(os.path.join(work, _REPLACED))
            os.rename(old, os.path.join(work, _REPLACED, entry))
        os.replace(new, old)
    _sync(folder)


def _put_back(work, folder):
    """Moves back what was set aside for something that did not come to its place."""
    replaced = os.path.join(work, _REPLACED)
    for name in os.listdir(replaced) if os.path.isdir(replaced) else ():
        if not os.path.exists(os.path.join(folder, name)):
            os.rename(os.path.join(replaced, name), os.path.join(folder, name))


def _files(path):
    """The file, or the files and folders in a folder, this one last."""
    if not os.path.isdir(path):
        return [path]
    return [
        os.path.join(folder, name)
        for folder, _, names in os.walk(path, topdown=False)
        for name in [*names, ""]
    ]


def _sync(path):
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write_all(file, content):
    """Writes bytes to an unbuffered file."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _full(error, work, size):
    """The OSError of a disk that takes no more, or None if something else went wrong.

    Libraries report it in ways of their own, and some remove what they wrote, so that the disk
    itself is asked: whether it takes `size` bytes.
    """
    if isinstance(error, OSError):
        if error.errno in _FULL or str(error.filename).startswith(work):
            return error
    try:
        with open(os.path.join(work, "asked"), "wb", buffering=0) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                _write_all(file, bytes(size))
                os.fsync(file)
    except OSError as asked:
        return asked
    return None


def _remove_leftovers(folder):
    """Removes what processes that were killed while they wrote into a folder left there."""
    with os.scandir(folder) as entries:
        leftovers = [entry for entry in entries if entry.name.endswith(_PARTIAL)]
    for leftover in leftovers:
        parts = leftover.name[1 : -len(_PARTIAL)].split("-", 3)
        if len(parts) < 4 or not parts[1].isdigit():
            continue
        with contextlib.suppress(FileNotFoundError):  # Its own process has just removed it.
            running = Process(parts[3], int(parts[1]), parts[0]).is_running()
            if running is None:  # of another machine
                running = time.time() - leftover.stat().st_mtime < _DAY
            if not running and leftover.is_dir():
                _put_back(leftover.path, folder)
                shutil.rmtree(leftover.path, ignore_errors=True)


def write_bytes(path: str | os.PathLike, content: bytes | memoryview) -> None:
    """Writes a file, whole or not at all."""
    with replacing(path, len(content)) as partial, open(partial, "wb") as file:
        file.write(content)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a file in UTF-8, whole or not at all; half of a surrogate pair is escaped."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike, content: typing.Any) -> None:
    """Writes a JSON file, whole or not at all."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False))


def write_csv(
    path: str | os.PathLike, columns: Sequence[str], rows: Iterable[Mapping[str, typing.Any]]
) -> None:
    """Writes a CSV file, whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def append_lines(path: str | os.PathLike, lines: Iterable[str]) -> None:
    """Adds whole lines to a file, which is made where missing; a torn last one is dropped.

    Raises:
        OSError: The disk is full, or the file cannot be written to. The lines
            before are whole.
    """
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
    try:
        with open(path, "a+b", buffering=0) as file:
            tail = max(0, file.tell() - _LONGEST_LINE)
            file.seek(tail)
            whole = tail + file.read().rfind(b"\n") + 1
            file.truncate(whole)
            try:
                _write_all(file, text)
                os.fsync(file)
            except OSError:
                file.truncate(whole)
                raise
    except OSError as error:
        raise StorageError(
            f"{path} could not be written: {error.strerror}; {len(text):,} bytes were to be added. "
            "What was there before is whole. Make room on the disk, or check the folder."
        ) from error


def append_blocks(path: str | os.PathLike, blocks: Iterable[bytes]) -> None:
    """Adds blocks of bytes to a file, which is made where missing, and keeps those that came.

    Raises:
        OSError: The disk is full, or the file cannot be written to.
        Besides, what `blocks` raises.
    """
    with open(path, "ab", buffering=0) as file:
        for block in blocks:
            try:
                _write_all(file, block)
            except OSError as error:
                raise StorageError(
                    f"{path} could not be written: {error.strerror}, after {file.tell():,} bytes. "
                    "Make room on the disk, or name another folder."
                ) from error


def read_lines(path: str | os.PathLike) -> list[str]:
    """The lines of a file of `append_lines`, without a torn last one; none where it is missing."""
    try:
        with open(path, "rb") as file:
            whole, *_ = file.read().rpartition(b"\n")
    except FileNotFoundError:
        return []
    return whole.decode("utf-8", "backslashreplace").split("\n") if whole else []


def read_json(path: str | os.PathLike) -> typing.Any:
    """The content of a JSON file, or a ValueError that names it."""
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise InputError(
                f"{path} is damaged: {error}. Remove it, and what it says is made anew."
            ) from error


def expand_user(path: str) -> str:
    """`os.path.expanduser`; a user without a folder has the one for temporary files."""
    path = os.path.expanduser(path)
    return tempfile.gettempdir() + path[1:] if path.split(os.sep)[0] == "~" else path


def cache_folder() -> str:
    """The user's folder for what may be lost: `$KERAS_SEATTN_CACHE`, or `~/.cache/keras_seattn`."""
    folder = os.environ.get("KERAS_SEATTN_CACHE") or os.path.join("~", ".cache", "keras_seattn")
    return expand_user(folder)


def cache_file(key: str, suffix: str) -> str:
    """The file in the user's cache for what is known of `key`, such as a folder's path."""
    name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(cache_folder(), "index", f"{name}.{suffix}")
