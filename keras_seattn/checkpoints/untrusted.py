"""Files of models may come from anywhere: what they ask for and point to is looked at first."""

import concurrent.futures
import contextlib
import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator

import h5py
import keras

from keras_seattn.errors import InputError

# What is saved is hardly compressed, if at all.
_MOST_TIMES_ITS_SIZE = 10
_ALLOWANCE = 2**21


class FileError(InputError):
    """A file that cannot be used; the message begins with its path."""


@contextlib.contextmanager
def reading(
    path: str, problem: str = "is not a file of weights, or it is damaged"
) -> Iterator[None]:
    """A context in which whatever a damaged file raises becomes a `FileError`.

    Args:
        path: str, the file.
        problem: str, what the message says of it before the reason.
    """
    try:
        yield
    except (FileError, ImportError):
        raise
    except Exception as error:  # What libraries raise for a damaged file depends on the damage.
        # Keras' messages may hold the whole configuration of a network.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise FileError(f"{path} {problem}: {reason}") from error


def check_memory(path: str, size: int) -> None:
    """Refuses a file that asks for much more memory than it is large.

    Args:
        path: str, the file.
        size: int, the bytes that it asks for.

    Raises:
        FileError: It asks for more than ten times its size.
    """
    if size > _MOST_TIMES_ITS_SIZE * os.path.getsize(path) + _ALLOWANCE:
        raise FileError(
            f"{path} is refused: a file of {os.path.getsize(path):,} bytes asks for {size:,} bytes "
            "of memory. It is damaged, or made to exhaust the memory."
        )


def check_beginning(path: str) -> None:
    """Refuses a web page, which a browser saves instead of a file that it could not get."""
    with open(path, "rb") as file:
        beginning = file.read(512).lower()
    if b"<html" in beginning or b"<!doctype html" in beginning:
        raise FileError(
            f"{path} is a web page, not a file of weights. Open it in a browser: it may hold the "
            "link to the file, or say why there is none."
        )


def check_archive(path: str) -> None:
    """Refuses a zip archive whose content is far larger than it is."""
    with zipfile.ZipFile(path) as archive:
        check_memory(path, sum(entry.file_size for entry in archive.infolist()))


@contextlib.contextmanager
def open_keras(path: str) -> Iterator[tuple[h5py.File, dict]]:
    """Opens a `.keras` or `.weights.h5` file whose memory and links are all right.

    Args:
        path: str. Nothing in the file is run.

    Yields:
        `(h5py.File of the weights, the model's configuration)`; the
        configuration is `{}` for `.weights.h5`.

    Raises:
        FileError: The file is refused, with the reason; besides, whatever a
            damaged file raises: see `reading`.
    """
    check_beginning(path)
    source, config = path, {}
    if path.endswith(".keras"):
        if not zipfile.is_zipfile(path):
            raise FileError(
                f"{path} is no .keras file, or it is damaged: its end is missing. Copy or "
                "download it again."
            )
        check_archive(path)
        with zipfile.ZipFile(path) as archive:
            source = io.BytesIO(archive.read("model.weights.h5"))
            config = json.loads(archive.read("config.json"))
    with h5py.File(source, "r") as file:
        _check_hdf5(file, path)
        yield file, config


def check_model(path: str) -> None:
    """Refuses a `.keras` file that is damaged, or whose network is too large for its weights.

    Args:
        path: str.

    Raises:
        As `open_keras`.
    """
    with open_keras(path) as (_, config):
        check_network(path, lambda: keras.saving.deserialize_keras_object(_uncompiled(config)))


def check_network(path: str, build: Callable[[], keras.Model]) -> None:
    """Refuses a file whose network is far larger than it.

    Args:
        path: str, the file.
        build: function that returns the network; nothing in it takes memory
            for weights.

    Raises:
        FileError: As `check_memory`.
    """

    def count():
        with keras.StatelessScope(initialize_variables=False):
            return sum(math.prod(variable.shape) for variable in build().variables)

    # Keras would come back to such variables later; its list of them goes away with the thread.
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        check_memory(path, 4 * executor.submit(count).result())


def _uncompiled(config):
    """A model's configuration without optimizers, at any depth: they would take memory."""
    if isinstance(config, dict):
        kept = {key: _uncompiled(value) for key, value in config.items()}
        return {**kept, "compile_config": None} if "compile_config" in kept else kept
    return [_uncompiled(x) for x in config] if isinstance(config, list) else config


def _check_hdf5(file, path):
    total = 0

    def check(name, item):
        nonlocal total
        if isinstance(item, h5py.Dataset):
            total += item.nbytes
            outside = item.external or item.is_virtual
        else:
            links = (item.get(key, getlink=True) for key in item)
            outside = any(not isinstance(link, h5py.HardLink) for link in links)
        if outside:
            raise FileError(f"{path} is refused: {name} in it is a link to somewhere else.")

    check("/", file)
    file.visititems(check)
    check_memory(path, total)
