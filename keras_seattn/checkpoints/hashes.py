"""The hashes of published files: what they begin with, or what they were when first seen."""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable

from keras_seattn import files
from keras_seattn.checkpoints.published import Published
from keras_seattn.errors import InputError

_BLOCK = 2**20  # bytes


def verify(path: str, known: Published, folder: str, check: Callable[[str], None]) -> None:
    """Refuses a published file that is not what was published, or what it was when first seen.

    Args:
        path: str, the file.
        known: `Published`.
        folder: str, where its hash is noted, in a file as `sha256sum` writes it.
        check: as for `fetch`; it is asked before the hash is noted.

    Raises:
        ValueError: It has another hash, or is another file.
    """
    final = os.path.join(folder, known.file)
    try:
        digest = checked_digest(path, known, final)
    except InputError as error:
        raise InputError(f"{error} Remove {path} to have it fetched again.") from error
    if noted(final) is None:
        check(path)
        with contextlib.suppress(OSError):  # A cache that cannot be written to takes no note.
            os.makedirs(folder, exist_ok=True)
            files.write_text(f"{final}.sha256", note(digest, final))


def checked_digest(path: str, known: Published, final: str) -> str:
    """The SHA-256 of a file, if it is as was published and as is noted beside `final`.

    Raises:
        ValueError: It is another one.
    """
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    digest, first = hasher.hexdigest(), noted(final)
    if not digest.startswith(known.sha256):
        raise InputError(f"{path} has the SHA-256 {digest}, not {known.sha256}..., as published.")
    if first not in (None, digest):
        raise InputError(
            f"{path} has the SHA-256 {digest}, not {first}, as {final}.sha256 says since it was "
            "seen first. It is damaged, or was changed where it comes from: if you trust it as it "
            "is now, remove that note."
        )
    return digest


def noted(path: str) -> str | None:
    """The SHA-256 that is noted beside a file, or None."""
    try:
        with open(f"{path}.sha256", encoding="utf-8", errors="replace") as file:
            digest = file.read(64)
    except FileNotFoundError:
        return None
    return digest if re.fullmatch("[0-9a-f]{64}", digest) else None


def note(digest: str, path: str) -> str:
    """What is noted beside a file, as `sha256sum` writes it."""
    return f"{digest}  {os.path.basename(path)}\n"
