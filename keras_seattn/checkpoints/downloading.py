"""Published files of weights: fetched once, by one process, looked at, and kept with their hash.

They come over HTTP, or from a folder of Google Drive by gdown. What has come of one is kept until
it is whole, in `fetching/` of the folder that it goes to.
"""

import contextlib
import functools
import glob
import http.client
import os
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

from keras_seattn import files, stopping
from keras_seattn.checkpoints import hashes, untrusted
from keras_seattn.checkpoints.published import Published
from keras_seattn.errors import (
    InputError,
    MissingFileError,
    MissingPackageError,
    StorageError,
    UserError,
)
from keras_seattn.folder_lock import FolderInUseError, FolderLock
from keras_seattn.progress import progress_bar

MIRROR = "KERAS_SEATTN_WEIGHTS"
SILENCE = 60.0  # seconds without a byte, after which a connection counts as broken
TRIES = 5
PAUSE = 1.0  # seconds before the second try; twice as many before each further one
WAIT = 1.0  # seconds between two looks at what another process fetches
_BLOCK = 2**20  # bytes
_LATER = (408, 425, 429, 500, 502, 503, 504)  # answers that another time may be others


class _FetchError(Exception):
    """What was wanted did not come; the message says why."""


class _BrokenError(_FetchError):
    """It may come when it is asked for again."""


def fetch(known: Published, folder: str, check: Callable[[str], None]) -> str:
    """Fetches a published file, or goes on with that where it broke off.

    Where another process is fetching it into the same folder, this one waits.

    Args:
        known: `Published`.
        folder: str, where it is kept; made where missing.
        check: function of a path, which raises a ValueError unless the file is
            the one that was wanted.

    Returns:
        str, the path of the file.

    Raises:
        FileNotFoundError: It cannot be had; the message says how to get it by
            hand.
        ValueError: Something else came in its place. It is removed.
        ImportError: It lies on Google Drive, and gdown is not installed.
        OSError: The disk is full, or the folder cannot be written to.
    """
    path, work = os.path.join(folder, known.file), os.path.join(folder, "fetching", known.file)
    received, at = os.path.join(work, known.file), mirror()
    address = f"{at.rstrip('/')}/{urllib.parse.quote(known.file)}" if at else known.address
    receive = functools.partial(_receive, address)
    if known.is_on_drive and not at:
        receive = functools.partial(_receive_from_drive, _gdown(known, folder), known)
    with _claimed(work):
        if os.path.isfile(path):  # This process has waited for the one that fetched it.
            return path
        print(f"Fetching {known.file} from {address} into {folder}", file=sys.stderr, flush=True)
        try:
            _in_several_tries(receive, received)
        except _FetchError as error:
            kept = "What has come is kept, and the same call goes on with it. "
            raise MissingFileError(
                f"weights={known.name!r} needs {known.file}, which could not be fetched from "
                f"{address}: {str(error).rstrip('.')}. "
                f"{kept if _parts(received) else ''}{by_hand(known, folder)}"
            ) from error
        try:
            untrusted.check_beginning(received)
            digest = hashes.checked_digest(received, known, path)
            check(received)
        except InputError as error:
            _remove_parts(received)
            said = str(error).replace(received, "it")
            raise InputError(
                f"What came from {address} for {known.file} is refused: {said} It was removed. "
                f"{by_hand(known, folder)}"
            ) from error
        with files.replacing(path) as partial:
            os.replace(received, partial)
            with open(f"{partial}.sha256", "w", encoding="utf-8") as file:
                file.write(hashes.note(digest, path))
        _remove_parts(received)
    return path


def mirror() -> str | None:
    """The folder or the http address that the user has in place of where files are published."""
    named = os.environ.get(MIRROR)
    kind, apart, rest = (named or "").partition("://")
    if named and apart:
        if kind.lower() in ("http", "https") and rest.isascii():
            return f"{kind.lower()}://{rest}"
        raise InputError(
            f"{MIRROR} must be a folder or an http address in ASCII. Received: {named}"
        )
    return files.expand_user(named) if named else None


def by_hand(known: Published, folder: str) -> str:
    """What to do, a str, where a published file does not come by itself."""
    return (
        f"By hand: take {known.file} from {known.address} (see {known.page}) and put it into "
        f"{folder}. Or set {MIRROR} to a folder or an http address that has it."
    )


def _parts(path):
    """What there is of a file that is fetched to a path."""
    return glob.glob(f"{glob.escape(path)}*")


def _remove_parts(path):
    for part in _parts(path):
        os.remove(part)


@contextlib.contextmanager
def _claimed(work):
    """Holds a folder, once those that fetch into it are done."""
    told = False
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(FolderLock(work, "fetching"))
                break
            except StorageError as error:
                raise StorageError(
                    f"Weights cannot be kept: {error} Name another folder by KERAS_SEATTN_CACHE, "
                    "or cache_dir= in Python."
                ) from error
            except FolderInUseError as error:
                if not told:
                    print(f"Waiting: {error}", file=sys.stderr, flush=True)
                told = True
                _wait(WAIT)
        yield


def _wait(seconds):
    stopping.check()
    time.sleep(seconds)


def _in_several_tries(receive, path):
    for number in range(1, TRIES):
        with contextlib.suppress(_BrokenError):
            return receive(path)
        _wait(PAUSE * 2 ** (number - 1))
    return receive(path)


def _receive(address, path):
    """Fetches over HTTP what is not there yet of a file, or all where that may be of another."""
    note, headers, begun = f"{path}.origin", {"User-Agent": "keras_seattn"}, 0
    origin = _origin(note) if os.path.isfile(path) else {}
    size = origin.get("size") or 0
    if origin.get("address") == address and origin.get("validator"):
        begun = os.path.getsize(path) if os.path.getsize(path) <= size else 0
        if begun == size > 0:
            return
    if begun:
        headers |= {"Range": f"bytes={begun}-", "If-Range": origin["validator"]}
    with _network(), _open(address, headers) as answer:
        if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
            if answer.headers.get("Content-Range") != f"bytes {begun}-{size - 1}/{size}":
                _remove_parts(path)
                raise _BrokenError("the server sent another part than it was asked for")
        else:
            begun, size = 0, answer.length
            _remove_parts(path)
            validator = answer.headers.get("ETag", "W/")
            if validator.startswith("W/"):  # It stands for files that are only alike.
                validator = answer.headers.get("Last-Modified")
            files.write_json(note, {"address": address, "validator": validator, "size": size})
        with _bar(path, size) as bar:
            bar.update(begun)
            files.append_blocks(path, _blocks(answer, bar))
    if size is not None and os.path.getsize(path) != size:
        raise _BrokenError(
            f"the connection ended after {os.path.getsize(path):,} of {size:,} bytes"
        )


def _origin(note):
    """What was noted of a part: address, validator and size; nothing where that is damaged."""
    try:
        origin = files.read_json(note)
    except (OSError, ValueError):
        return {}
    return origin if isinstance(origin, dict) and isinstance(origin.get("size"), int) else {}


def _open(address, headers):
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=SILENCE)


def _blocks(answer, bar):
    while block := answer.read1(_BLOCK):
        stopping.check()
        bar.update(len(block))
        yield block


def _bar(path, size=None):
    title = f"{os.path.basename(path)}, bytes"
    return progress_bar(desc=title, total=size, unit="B", unit_scale=True)


@contextlib.contextmanager
def _network() -> Iterator[None]:
    """A context in which what goes wrong on the way is a `_FetchError`."""
    try:
        yield
    except urllib.error.HTTPError as error:
        kind = _BrokenError if error.code in _LATER else _FetchError
        raise kind(f"the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _FetchError(f"there is no connection ({error.reason})") from error
    except TimeoutError as error:
        raise _BrokenError(f"nothing came for {SILENCE:g} seconds") from error
    except (ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        raise _BrokenError(f"the connection broke ({reason})") from error


def _origin_of(error):
    """The error that another one comes from, in the end."""
    while error.__context__:
        error = error.__context__
    return error


def _gdown(known, folder):
    try:
        import gdown
    except ImportError as error:
        raise MissingPackageError(
            f"weights={known.name!r} needs {known.file}, which lies on Google Drive. To have it "
            f'fetched: pip install "keras_seattn[download]". {by_hand(known, folder)}'
        ) from error
    return gdown


def _receive_from_drive(gdown, known, path):
    """Fetches a file of a folder of Google Drive, or what is not there yet of it."""
    import requests  # by which gdown is made

    options = {"quiet": True, "use_cookies": False, "timeout": SILENCE}
    with _bar(path) as bar:

        def tell(received, size):
            stopping.check()
            bar.total = size
            bar.update(received - bar.n)

        try:
            found = gdown.download_folder(id=known.source, skip_download=True, **options)
            ids = {os.path.basename(file.path): file.id for file in found}
            if known.file not in ids:
                raise _FetchError(f"the folder holds no {known.file}")
            gdown.download(
                id=ids[known.file],
                output=path,
                resume=True,
                retries=TRIES - 1,
                progress=tell,
                **options,
            )
        except (UserError, _FetchError):
            raise
        except requests.ConnectionError as error:
            raise _FetchError(f"there is no connection ({_origin_of(error)})") from error
        except Exception as error:  # What gdown raises depends on what Google answers.
            said = f"gdown says: {' '.join(str(error).split()) or type(error).__name__}"
            if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
                raise StorageError(f"{path} could not be written: {error.strerror}.") from error
            if "byte range" in str(error):  # The file is another one than that which was begun.
                _remove_parts(path)
                raise _BrokenError(said) from error
            raise _FetchError(said) from error
