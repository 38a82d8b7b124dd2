"""Files that are there whole or not at all, and the place for what may be lost."""

import hashlib
import json
import os
import tempfile
import typing

from keras_seattn.errors import InputError


def write_json(path: str | os.PathLike, content: typing.Any) -> None:
    """Writes a JSON file, whole or not at all."""
    partial = f"{path}.{os.getpid()}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
    os.replace(partial, path)


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
