"""Data sets on disk -> catalogs; a new one is a file here, and a row of `_KINDS` below."""

import os
from collections.abc import Sequence

from keras_seattn.data import motions, parts, storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.datasets.folders import find_videos, load_directory
from keras_seattn.data.datasets.hmdb51 import load_hmdb51
from keras_seattn.data.datasets.kinetics import load_kinetics
from keras_seattn.data.datasets.list_file import has_numbers, has_splits, load_list
from keras_seattn.data.datasets.ucf101 import load_ucf101
from keras_seattn.data.records import Records, open_records
from keras_seattn.settings import DataSettings

__all__ = [
    "find_videos",
    "load",
    "load_directory",
    "load_hmdb51",
    "load_kinetics",
    "load_list",
    "load_test",
    "load_ucf101",
]


def load(
    data: DataSettings, output_dir: str, seed: int = 0
) -> tuple[Catalog | Records, Catalog | Records]:
    """The catalogs to train and to test on.

    Args:
        data: `settings.DataSettings`.
        output_dir: str, the folder that the demo's videos are made in.
        seed: int, of the demo's videos.

    Returns:
        `(training catalog, test catalog)`.

    Raises:
        FileNotFoundError, ValueError: See the functions that load catalogs.
    """
    return _KINDS[data.dataset](data, output_dir, seed)


def load_test(
    data: DataSettings, output_dir: str, class_names: Sequence[str] | None = None
) -> Catalog | Records:
    """The catalog to test on alone, as `load`; of a list, all of it unless it has splits.

    The numbers of a list that does not name its classes are those of `class_names`, a model's.
    """
    if data.dataset == "list":
        numbers = has_numbers(str(data.test_list or data.list))
        return _test_list(data, class_names if numbers else None)
    return load(data, output_dir)[1]


def _lists(load):
    def both(data, *_):
        return tuple(
            load(data.data_dir, data.splits_dir, data.split, subset) for subset in ("train", "test")
        )

    return both


def _made(made):
    def both(data, output_dir, seed):
        folder = os.path.join(output_dir, data.dataset)
        print(f"Making the {data.dataset} data set in {folder}")
        video_dir, splits_dir = made.make(folder, seed=seed)
        return tuple(
            load_ucf101(video_dir, splits_dir, data.split, subset) for subset in ("train", "test")
        )

    return both


def _kinetics(data, *_):
    catalogs = []
    lists = storage.list_folder(data.splits_dir)
    for names in (("train",), ("validate", "val")):
        name = next((name for name in names if f"{name}.csv" in lists), names[0])
        # A folder for each list, or one for both.
        folders = [os.path.join(data.data_dir, name) for name in names]
        folder = next(filter(storage.is_folder, folders), data.data_dir)
        catalogs.append(load_kinetics(folder, os.path.join(data.splits_dir, f"{name}.csv")))
    return tuple(catalogs)


def _folder(data, *_):
    return load_directory(data.data_dir), load_directory(data.test_dir)


def _list(data, *_):
    if not data.test_list:  # One list says what its videos are for.
        train = _listed(data, data.list, "train")
        return train, _listed(data, data.list, "test", train.class_names)
    train = _listed(data, data.list, has_splits(data.list) and "train")
    # The test list may lack classes.
    return train, _test_list(data, train.class_names)


def _test_list(data, class_names=None):
    path = data.test_list or data.list
    return _listed(data, path, has_splits(path) and "test", class_names)


def _listed(data, path, subset, class_names=None):
    names = data.class_list or class_names
    return load_list(path, root=data.data_dir, class_names=names, subset=subset or None)


def _records(data, *_):
    return tuple(
        open_records(os.path.join(data.data_dir, subset), data.unreadable)
        for subset in ("train", "test")
    )


_KINDS = {
    "motions": _made(motions),
    "parts": _made(parts),
    "ucf101": _lists(load_ucf101),
    "hmdb51": _lists(load_hmdb51),
    "kinetics": _kinetics,
    "folder": _folder,
    "list": _list,
    "records": _records,
}
