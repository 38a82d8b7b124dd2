"""Finds the catalogs to check, by path or by settings, and what their loaders leave out."""

import contextlib
import os
import warnings
from collections.abc import Iterator

from keras_seattn.checking.checks import DataCheck, Finding, check_data
from keras_seattn.data import datasets, storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.datasets.folders import list_classes
from keras_seattn.data.records.manifest import MANIFEST, Records, open_records
from keras_seattn.errors import InputError
from keras_seattn.settings import DataSettings

_SUBSETS = ("train", "test")


def check_paths(training: str | os.PathLike, test: str | os.PathLike | None = None) -> DataCheck:
    """Checks the data at a path, whatever it is; see `check_data`.

    Args:
        training: str: a folder with a folder of videos per class, or of
            records; or, without `test`, one that holds such folders called
            `train` and `test`.
        test: str, likewise, or None.

    Returns:
        A `DataCheck`. Folders without videos are classes without; what is left
        out is told.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It holds no folders; or the shards of records are damaged.

    Example:

    >>> check = keras_seattn.checking.check_paths("videos/train", "videos/test")
    >>> keras_seattn.checking.write_check(check, "checked")
    'checked/check.html'
    """
    paths = [os.fspath(path) for path in (training, test) if path is not None]
    below = [os.path.join(paths[0], name) for name in _SUBSETS]
    if len(paths) == 1 and all(map(storage.is_folder, below)):
        paths = below
    found: list[Finding] = []
    with _warnings_in(found):
        catalogs = [_catalog(path, found) for path in paths]
        checked = check_data(*catalogs)
    return _with(checked, found)


def check_settings(data: DataSettings, output_dir: str) -> DataCheck:
    """Checks the data set of a run; see `check_data`.

    Args:
        data: `settings.DataSettings`.
        output_dir: str, the folder that the demo's videos are made in.

    Returns:
        A `DataCheck`.

    Raises:
        FileNotFoundError, ValueError: See `data.load_ucf101` and the like.
    """
    if data.dataset == "folder":
        return check_paths(str(data.data_dir), data.test_dir)
    found: list[Finding] = []
    with _warnings_in(found):
        checked = check_data(*datasets.load(data, output_dir))
    return _with(checked, found)


def _catalog(path: str, found: list[Finding]) -> Catalog | Records:
    if MANIFEST in (storage.list_folder(path) if storage.is_folder(path) else ()):
        return open_records(path)
    catalog, left_out = list_classes(path)
    if not len(catalog):
        raise InputError(f"{path} holds folders, and no videos in them. Put the videos there.")
    if left_out:
        text = f"Files and folders in {path} that are no videos, left out: {len(left_out)}"
        found.append(Finding("left out", text, named=left_out))
    return catalog


@contextlib.contextmanager
def _warnings_in(found: list[Finding]) -> Iterator[None]:
    """A context in which what users are warned of is added to findings."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    for warning in told:
        if issubclass(warning.category, UserWarning):
            found.append(Finding("warning", str(warning.message)))


def _with(checked, found):
    return DataCheck(checked.subsets, checked.findings + found)
