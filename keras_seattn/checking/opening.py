"""Finds the catalogs to check, by path or by settings, and what their loaders leave out."""

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence

from keras_seattn.checking.checks import DataCheck, Finding, check_data
from keras_seattn.data import datasets, storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.datasets.folders import list_classes
from keras_seattn.data.datasets.list_file import has_numbers, has_splits
from keras_seattn.data.records.manifest import MANIFEST, Records, open_records
from keras_seattn.errors import InputError
from keras_seattn.settings import DataSettings

_SUBSETS = ("train", "test")


def check_paths(training: str | os.PathLike, test: str | os.PathLike | None = None) -> DataCheck:
    """Checks the data at a path, whatever it is; see `check_data`.

    Args:
        training: str: a folder with a folder of videos per class, or of
            records, or a list as `data.load_list` reads it; or, without `test`,
            a folder that holds such folders called `train` and `test`, or a
            list that says what its videos are for.
        test: str, likewise, or None.

    Returns:
        A `DataCheck`. Folders without videos are classes without; what is left
        out is told.

    Raises:
        FileNotFoundError: There is no such folder or list.
        ValueError: A folder holds no folders, a list is malformed, or the
            shards of records are damaged.

    Example:

    >>> check = keras_seattn.checking.check_paths("videos/train", "videos/test")
    >>> keras_seattn.checking.write_check(check, "checked")
    'checked/check.html'
    """
    found: list[Finding] = []
    with _warnings_in(found):
        if test is None:
            catalogs = _catalogs(os.fspath(training), found)
        else:
            first = _catalog(os.fspath(training), found)
            catalogs = [first, _catalog(os.fspath(test), found, first.class_names)]
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


def _catalogs(path: str, found: list[Finding]) -> list[Catalog | Records]:
    """All that a path holds: one catalog, or two."""
    below = [os.path.join(path, subset) for subset in _SUBSETS]
    if all(map(storage.is_folder, below)):
        return [_catalog(folder, found) for folder in below]
    if not storage.is_folder(path) and has_splits(path):
        return [datasets.load_list(path, subset=subset) for subset in _SUBSETS]
    return [_catalog(path, found)]


def _catalog(
    path: str, found: list[Finding], class_names: Sequence[str] | None = None
) -> Catalog | Records:
    """What a path holds; numbers of a list that does not name its classes are those given."""
    if not storage.is_folder(path):
        names = class_names if has_numbers(path) else None
        return datasets.load_list(path, class_names=names)
    if MANIFEST in storage.list_folder(path):
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
