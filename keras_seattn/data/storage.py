"""Files and folders on this machine or elsewhere (`s3://...`): one way to ask for either."""

import codecs
import contextlib
import errno
import os
import stat
import typing
from collections.abc import Iterator

import tensorflow as tf

from keras_seattn.data.tfio import loading
from keras_seattn.errors import MissingFileError, StorageError

# What tensorflow-io adds to the paths that TensorFlow reads.
_SCHEMES = ("az", "hdfs", "http", "https", "s3")
_WITHOUT_FOLDERS = ("http", "https")
# Of the addresses, those of files, which can be read twice; FFmpeg streams from others.
FILE_SYSTEMS = ("az", "gs", "hdfs", "s3")


class Status(typing.NamedTuple):
    """What is known of a file, named as `os.stat` does.

    Attributes:
        st_size: int, in bytes.
        st_mtime_ns: int, the time of its last change in nanoseconds; 0 where
            the server does not tell.
        st_mode: int, whether it is a file or a folder.
    """

    st_size: int
    st_mtime_ns: int
    st_mode: int


def is_remote(path: str | os.PathLike) -> bool:
    """Whether a path is an address, `<scheme>://...`, rather than a local file."""
    return "://" in os.fspath(path)


def prepare(path: str | os.PathLike) -> str:
    """Makes a path one that `tf.io` can read: imports tensorflow-io if it is of its schemes.

    Returns:
        str, the path.

    Raises:
        ImportError: tensorflow-io is needed and cannot be used; says why.
    """
    path = os.fspath(path)
    if scheme(path) in _SCHEMES:
        loading.load(f"Reading {path}")
    return path


def absolute(path: str | os.PathLike) -> str:
    """The absolute path; an address is one already."""
    return os.fspath(path) if is_remote(path) else os.path.abspath(path)


def status(path: str | os.PathLike) -> os.stat_result | Status:
    """The size of a file and when it changed: has `st_size`, `st_mtime_ns` and `st_mode`.

    Raises:
        OSError: It does not exist, or cannot be reached.
    """
    if not is_remote(path):
        return os.stat(path)
    with _errors_named(path):
        found = tf.io.gfile.stat(prepare(path))
        mode = stat.S_IFDIR if found.is_directory else stat.S_IFREG
        return Status(found.length, found.mtime_nsec, mode)


def is_folder(path: str | os.PathLike) -> bool:
    """Whether there is such a folder. Of `http://` nobody can tell: True."""
    if not is_remote(path):
        return os.path.isdir(path)
    prepare(path)
    if scheme(path) in _WITHOUT_FOLDERS:
        return True
    try:
        with _errors_named(path):
            return tf.io.gfile.stat(path).is_directory
    except FileNotFoundError:
        return False


def list_folder(path: str | os.PathLike) -> list[str]:
    """The names in a folder, in alphabetical order.

    Raises:
        OSError: It cannot be listed; `http://` has no listings.
    """
    if not is_remote(path):
        return sorted(os.listdir(path))
    if scheme(path) in _WITHOUT_FOLDERS:
        raise StorageError(
            f"{path}: folders cannot be listed over {scheme(path)}. Use a data set whose lists "
            "name the files, as UCF-101's do, or records (TFRecord shards)."
        )
    with _errors_named(path):
        names = (name.rstrip("/") for name in tf.io.gfile.listdir(prepare(path)))
        return sorted(name for name in names if name)


def walk(path: str | os.PathLike) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk`: the folder, and all in it: `(folder, names of folders, names of files)`."""
    return tf.io.gfile.walk(prepare(path)) if is_remote(path) else os.walk(path)


def read_text(path: str | os.PathLike) -> str:
    """The content of a text file in UTF-8, or in UTF-16 with a byte order mark, as Excel writes it.

    Raises:
        FileNotFoundError: It does not exist.
        UnicodeDecodeError: It is no such text.
    """
    with open_file(path) as file, _errors_named(path):
        content = file.read()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf16 else "utf-8-sig")


def open_file(path: str | os.PathLike) -> typing.IO[bytes]:
    """Opens a file for reading bytes.

    Raises:
        OSError: It does not exist, or cannot be reached.
    """
    if not is_remote(path):
        return open(path, "rb")
    with _errors_named(path):
        file = tf.io.gfile.GFile(prepare(path), "rb")
        file.size()  # Opening alone would not tell that it does not exist.
        return file


def read_range(path: str | os.PathLike, start: int, length: int) -> bytes:
    """Reads `length` bytes of a file from byte `start` on, and no others.

    Raises:
        OSError: It does not exist, cannot be reached, or ends before that.
    """
    with _errors_named(path):
        file = tf.io.gfile.GFile(prepare(path), "rb") if is_remote(path) else open(path, "rb", 0)
        with file:
            file.seek(start)
            content = file.read(length)
    if len(content) < length:
        raise StorageError(errno.EIO, f"Ends before byte {start + length:,}", path)
    return content


@contextlib.contextmanager
def _errors_named(path):
    """Turns TensorFlow's errors into Python's, which name the path."""
    try:
        yield
    except tf.errors.NotFoundError as error:
        raise MissingFileError(errno.ENOENT, "No such file or directory", path) from error
    except tf.errors.OpError as error:
        raise StorageError(errno.EIO, f"Cannot be read: {error.message}", path) from error


def scheme(path: str | os.PathLike) -> str:
    """What an address has before `://`; "" for local files."""
    return os.fspath(path).partition("://")[0] if is_remote(path) else ""
