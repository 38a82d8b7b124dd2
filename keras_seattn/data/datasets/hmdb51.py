"""HMDB51, and data sets that are laid out like it."""

import os

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.datasets.folders import shown
from keras_seattn.data.datasets.lists import (
    catalog_of,
    check_class_folders,
    check_folder,
    check_split,
    file_and_number,
    numbered_lines,
    video_finder,
)
from keras_seattn.errors import InputError, MissingFileError


def load_hmdb51(
    video_dir: str | os.PathLike,
    splits_dir: str | os.PathLike,
    split: int = 1,
    subset: str = "train",
) -> Catalog:
    """Lists the videos of HMDB51, or of any data set laid out like it.

    Args:
        video_dir: str, the folder that holds a folder of videos per class:
            `<class>/<file>.avi`.
        splits_dir: str, the folder with `<class>_test_split1.txt` and so on,
            whose lines are `<file> 0|1|2`: 1 train, 2 test, 0 unused.
        split: int, 1, 2 or 3.
        subset: `"train"` or `"test"`.

    Returns:
        A `Catalog`, by class and then in the order of the lists; classes in
        alphabetical order.

    Raises:
        FileNotFoundError: A folder or list is missing; the message names it.
        ValueError: A wrong `split` or `subset`, or a malformed line; the
            message names file and line.

    Example:

    >>> test = load_hmdb51("hmdb51", "testTrainMulti_7030_splits", subset="test")
    >>> len(test), len(test.class_names)
    (1530, 51)
    """
    check_split(split, subset)
    check_folder(video_dir, "video_dir", "hmdb51")
    check_folder(splits_dir, "splits_dir", "testTrainMulti_7030_splits")
    suffix = f"_test_split{split}.txt"
    names = shown(splits_dir)  # macOS puts a hidden file beside each.
    class_names = [name[: -len(suffix)] for name in names if name.endswith(suffix)]
    if not class_names:
        raise MissingFileError(
            f"`splits_dir` holds no list named <class>{suffix}: {splits_dir}. Unpack "
            "test_train_splits.rar of HMDB51 there."
        )
    wanted = {"train": 1, "test": 2}[subset]
    paths, labels, find = [], [], video_finder()
    for label, name in enumerate(class_names):
        list_path = os.path.join(splits_dir, name + suffix)
        for number, line in numbered_lines(list_path):
            file, use = file_and_number(line)
            if use not in (0, 1, 2):
                raise InputError(
                    f"{list_path}, line {number}: expected '<file> 0|1|2'. Found: {line!r}"
                )
            if use == wanted:
                path = os.path.join(video_dir, name, file)
                paths.append(find(path) or path)
                labels.append(label)
    check_class_folders(video_dir, set(class_names), splits_dir)
    return catalog_of(paths, labels, class_names, splits_dir)
