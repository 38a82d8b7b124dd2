"""UCF-101, and data sets that are laid out like it."""

import os
import re

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.datasets.lists import (
    catalog_of,
    check_class_folders,
    check_folder,
    check_split,
    file_and_number,
    numbered_lines,
    video_finder,
)
from keras_seattn.data.suffixes import is_video
from keras_seattn.errors import InputError


def load_ucf101(
    video_dir: str | os.PathLike,
    splits_dir: str | os.PathLike,
    split: int = 1,
    subset: str = "train",
) -> Catalog:
    """Lists the videos of UCF-101, or of any data set laid out like it.

    Args:
        video_dir: str, the folder that holds a folder of videos per class:
            `UCF-101/<Class>/v_<Class>_gXX_cYY.avi`.
        splits_dir: str, the folder with `classInd.txt`, `trainlist01.txt`,
            `testlist01.txt` and so on (`ucfTrainTestlist`).
        split: int, 1, 2 or 3.
        subset: `"train"` or `"test"`.

    Returns:
        A `Catalog`, in the order of the list; classes as in `classInd.txt`.

    Raises:
        FileNotFoundError: A folder or list is missing; the message names it.
        ValueError: A wrong `split` or `subset`, or a line of a list that is
            malformed or names an unknown class; the message names file, line
            and class.

    Example:

    >>> train = load_ucf101("UCF-101", "ucfTrainTestlist", split=1, subset="train")
    >>> len(train), len(train.class_names)
    (9537, 101)
    """
    check_split(split, subset)
    check_folder(video_dir, "video_dir", "UCF-101")
    check_folder(splits_dir, "splits_dir", "ucfTrainTestlist")
    index_path = os.path.join(splits_dir, "classInd.txt")
    class_names = []
    for number, line in numbered_lines(index_path):
        words = re.split(r"[\s,;]+", line, maxsplit=1)
        if len(words) != 2 or words[0] != str(len(class_names) + 1) or words[1] in class_names:
            raise InputError(
                f"{index_path}, line {number}: expected '{len(class_names) + 1} <Class>', "
                f"the classes numbered from 1, each once. Found: {line!r}"
            )
        class_names.append(words[1])
    indices = {name: i for i, name in enumerate(class_names)}

    list_path = os.path.join(splits_dir, f"{subset}list{split:02d}.txt")
    paths, labels, find = [], [], video_finder()
    for number, line in numbered_lines(list_path):
        # Training lists give the label, test lists do not, and a file's name may hold spaces.
        file, last = file_and_number(line)
        if last is not None and subset == "test" and not is_video(file):
            file, last = line, None
        file = file.replace("\\", "/")
        folder = file.rpartition("/")[0]
        label = indices.get(folder)
        if label is None:
            raise InputError(
                f"{list_path}, line {number}: unknown class {folder!r}; {index_path} does not "
                f"list it. The line must be '<Class>/<file>', a known class. Found: {line!r}"
            )
        if last not in (None, label + 1):
            raise InputError(
                f"{list_path}, line {number}: label {last} is not that of class {folder!r}, "
                f"which is {label + 1} in {index_path}. Correct one of the two."
            )
        path = os.path.join(video_dir, *file.split("/"))
        paths.append(find(path) or path)
        labels.append(label)
    check_class_folders(video_dir, {class_names[label] for label in labels}, list_path)
    return catalog_of(paths, labels, class_names, list_path)
