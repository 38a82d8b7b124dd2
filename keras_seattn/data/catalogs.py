"""Data sets -> lists of videos with their labels. A new data set is one function here."""

import csv as csv_module
import dataclasses
import functools
import io
import math
import os
import re
import warnings

import numpy as np

from keras_seattn import arguments
from keras_seattn.data import storage
from keras_seattn.errors import InputError, MissingFileError

VIDEO_SUFFIXES = (
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".gif", ".m2ts", ".m2v", ".m4v",
    ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm",
    ".wmv", ".y4m",
)  # fmt: skip
_NAMED = 3  # examples of what is left out


@dataclasses.dataclass(frozen=True)
class Catalog:
    """A list of videos with their labels.

    Attributes:
        paths: list of str, the video files.
        labels: int array of the length of `paths`: indices into `class_names`.
        class_names: list of str.
    """

    paths: list
    labels: np.ndarray
    class_names: list

    def __post_init__(self):
        object.__setattr__(self, "labels", np.asarray(self.labels, "int64"))
        if len(self.paths) != len(self.labels):
            raise InputError(
                "`labels` must have one entry per path. Received: "
                f"{len(self.labels)} labels for {len(self.paths)} paths"
            )
        classes = len(self.class_names)
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < classes:
            raise InputError(
                f"`labels` must be from 0 to {classes - 1}, for there are {classes} class names. "
                f"Received: labels from {self.labels.min()} to {self.labels.max()}"
            )
        for name in self.class_names:
            if (shown := str(name).encode(errors="backslashreplace").decode()) != name:
                raise InputError(
                    f"The name of a class is not text in UTF-8: {shown}. Files of models and "
                    "records could not hold it. Rename its folder."
                )

    def __len__(self):
        return len(self.paths)


def match_classes(catalog, class_names, whose):
    """Finds the classes of a catalog among those of a model or of another catalog, by name.

    Blanks and underscores in names are alike.

    Args:
        catalog: `Catalog`, or `data.records.Records`.
        class_names: sequence of str.
        whose: str, what has them, for the message.

    Returns:
        int array, the place among `class_names` of each class of `catalog`.

    Raises:
        ValueError: Some are not there; the message lists them.
    """
    alike = {_with_blanks(name): place for place, name in enumerate(class_names)}
    exact = {name: place for place, name in enumerate(class_names)}
    places = [exact.get(name, alike.get(_with_blanks(name))) for name in catalog.class_names]
    if None in places:
        unknown = [
            name for name, place in zip(catalog.class_names, places, strict=True) if place is None
        ]
        unused = [name for place, name in enumerate(class_names) if place not in places]
        raise InputError(
            f"These classes of the data are none of {whose}: {', '.join(unknown)}. These classes "
            f"of {whose} have no data: {', '.join(unused) or 'none'}. They are matched by name: "
            "correct those that differ, or leave the others out."
        )
    return np.array(places, "int64")


def load_ucf101(video_dir, splits_dir, split=1, subset="train"):
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
    _check_split(split, subset)
    _check_folder(video_dir, "video_dir", "UCF-101")
    _check_folder(splits_dir, "splits_dir", "ucfTrainTestlist")
    index_path = os.path.join(splits_dir, "classInd.txt")
    class_names = []
    for number, line in _lines(index_path):
        words = re.split(r"[\s,;]+", line, maxsplit=1)
        if len(words) != 2 or words[0] != str(len(class_names) + 1) or words[1] in class_names:
            raise InputError(
                f"{index_path}, line {number}: expected '{len(class_names) + 1} <Class>', "
                f"the classes numbered from 1, each once. Found: {line!r}"
            )
        class_names.append(words[1])
    indices = {name: i for i, name in enumerate(class_names)}

    list_path = os.path.join(splits_dir, f"{subset}list{split:02d}.txt")
    paths, labels = [], []
    for number, line in _lines(list_path):
        # Training lists give the label, test lists do not, and a file's name may hold spaces.
        file, last = _file_and_number(line)
        if last is not None and subset == "test" and not _is_video(file):
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
        paths.append(os.path.join(video_dir, *file.split("/")))
        labels.append(label)
    _check_class_folders(video_dir, {class_names[label] for label in labels}, list_path)
    return _catalog(paths, labels, class_names, list_path)


def load_hmdb51(video_dir, splits_dir, split=1, subset="train"):
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
    _check_split(split, subset)
    _check_folder(video_dir, "video_dir", "hmdb51")
    _check_folder(splits_dir, "splits_dir", "testTrainMulti_7030_splits")
    suffix = f"_test_split{split}.txt"
    names = _shown(splits_dir)  # macOS puts a hidden file beside each.
    class_names = [name[: -len(suffix)] for name in names if name.endswith(suffix)]
    if not class_names:
        raise MissingFileError(
            f"`splits_dir` holds no list named <class>{suffix}: {splits_dir}. Unpack "
            "test_train_splits.rar of HMDB51 there."
        )
    wanted = {"train": 1, "test": 2}[subset]
    paths, labels = [], []
    for label, name in enumerate(class_names):
        list_path = os.path.join(splits_dir, name + suffix)
        for number, line in _lines(list_path):
            file, use = _file_and_number(line)
            if use not in (0, 1, 2):
                raise InputError(
                    f"{list_path}, line {number}: expected '<file> 0|1|2'. Found: {line!r}"
                )
            if use == wanted:
                paths.append(os.path.join(video_dir, name, file))
                labels.append(label)
    _check_class_folders(video_dir, set(class_names), splits_dir)
    return _catalog(paths, labels, class_names, splits_dir)


def load_kinetics(video_dir, csv, subset=None):
    """Lists the videos of Kinetics-400, -600 or -700 that are on disk.

    Of every copy of Kinetics some videos are missing: a warning counts them.

    Args:
        video_dir: str, the folder that holds a folder of videos per class:
            `<label>/<youtube_id>_<start>_<end>.mp4` (or .mkv, .webm and so on),
            the times as six digits; or `<youtube_id>.mp4`. Folders may be
            called with underscores for blanks, and without apostrophes and
            parentheses. Or all videos are in one folder, this one.
        csv: str, the list: a CSV file with the columns `label`, `youtube_id`,
            `time_start`, `time_end` and, for `subset`, `split`, with commas,
            semicolons or tabs between them.
        subset: str, the value of `split` of the lines to take, such as
            `"train"` or `"validate"`; None takes all lines.

    Returns:
        A `Catalog`, in the order of the list; classes are all labels in the
        file, in alphabetical order, as in the published class lists.

    Raises:
        FileNotFoundError: The folder or the list is missing, or none of its
            videos is in the folder.
        ValueError: The list lacks a column, a line is malformed, or none has
            that `subset`; the message names file and line.

    Example:

    >>> train = load_kinetics("kinetics400/train", "kinetics400/train.csv", "train")
    >>> len(train.class_names)
    400
    """
    _check_folder(video_dir, "video_dir", "a folder of videos per class")
    names, rows = _table(csv)
    columns = ["label", "youtube_id", "time_start", "time_end", *(["split"] if subset else [])]
    missing = [name for name in columns if name not in names]
    if missing:
        raise InputError(f"{csv} lacks the columns {', '.join(missing)}. Check the file.")
    if not rows:
        raise InputError(f"{csv} lists no videos: it has only a line of columns. Check the file.")
    class_names = sorted({row["label"] for row in rows})
    labels_of = {name: label for label, name in enumerate(class_names)}
    chosen = []
    for number, row in enumerate(rows, start=2):
        if subset and row["split"] != subset:
            continue
        times = row["time_start"], row["time_end"]
        if not row["label"] or not row["youtube_id"] or not all(map(_is_number, times)):
            raise InputError(
                f"{csv}, line {number}: expected a label, a youtube_id and two times in seconds. "
                f"Found: {dict(row)}"
            )
        start, end = (int(float(time)) for time in times)
        chosen.append((row["label"], row["youtube_id"], f"{start:06d}_{end:06d}"))
    if not chosen:
        known = ", ".join(sorted({str(row["split"]) for row in rows}))
        raise InputError(f"{csv} has no lines of `subset` {subset!r}. It has: {known}")

    find = _kinetics_finder(video_dir)
    paths, labels, absent = [], [], []
    for name, video, times in chosen:
        path = find(name, f"{video}_{times}") or find(name, video)
        if path:
            paths.append(path)
            labels.append(labels_of[name])
        else:
            absent.append(os.path.join(video_dir, name, f"{video}_{times}.mp4"))
    if not paths:
        raise MissingFileError(
            f"None of the {len(chosen)} videos that {csv} lists is in {video_dir}. The first "
            f"should be {absent[0]}. Check `video_dir`."
        )
    if absent:
        empty = sorted({name for name, *_ in chosen}.difference(class_names[i] for i in labels))
        warnings.warn(
            f"{len(absent)} of the {len(chosen)} videos that {csv} lists are not in {video_dir} "
            f"and are left out, such as {', '.join(absent[:3])}."
            + (f" No video is there of these classes: {', '.join(empty)}." if empty else ""),
            stacklevel=2,
        )
    return Catalog(paths, labels, class_names)


def load_directory(root):
    """Lists the videos of a folder that holds one folder per class.

    Args:
        root: str. Each folder in it is a class, by its name; the video files
            in it (.mp4, .avi, .mkv, .mov, .webm and so on) are its videos.
            Hidden files and folders are left out. One warning counts what else
            is left out: files of other kinds, and folders in a class's folder.

    Returns:
        A `Catalog`; classes and files in alphabetical order.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It holds no folders, or one of them no videos; the message
            names it.

    Example:

    >>> catalog = load_directory("my_videos")
    >>> catalog.class_names
    ['falling', 'running', 'sitting']
    """
    _check_folder(root, "root", "a folder per class")
    shown = _shown(root)
    class_names = [name for name in shown if storage.is_folder(os.path.join(root, name))]
    if not class_names:
        raise InputError(f"`root` holds no folders: {root}. Put the videos of each class in one.")
    left_out = [os.path.join(root, name) for name in shown if name not in set(class_names)]
    paths, labels = [], []
    for label, name in enumerate(class_names):
        folder = os.path.join(root, name)
        entries = _shown(folder)
        files = [os.path.join(folder, file) for file in entries if _is_video(file)]
        left_out += [os.path.join(folder, file) for file in entries if not _is_video(file)]
        if not files:
            raise InputError(
                f"{folder} holds no video files ({', '.join(VIDEO_SUFFIXES)}). "
                "Put the videos of that class there, or remove the folder."
            )
        paths += files
        labels += [label] * len(files)
    _warn_of_left_out(root, left_out)
    return Catalog(paths, labels, class_names)


def find_videos(root):
    """Lists the video files in a folder and in the folders in it.

    Args:
        root: str.

    Returns:
        list of str, in alphabetical order; hidden files and folders are left
        out. One warning counts the files of other kinds.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: It holds no videos.

    Example:

    >>> find_videos("my_videos")
    ['my_videos/falling/1.mp4', 'my_videos/running/1.mp4', 'my_videos/sitting/1.mp4']
    """
    _check_folder(root, "root", "video files")
    paths, left_out = [], []
    for folder, _, files in storage.walk(root):
        below = folder[len(root) :].replace(os.sep, "/").split("/")
        if not any(part.startswith(".") for part in below):
            for name in sorted(name for name in files if name[0] != "."):
                (paths if _is_video(name) else left_out).append(os.path.join(folder, name))
    if not paths:
        raise InputError(f"`root` holds no video files ({', '.join(VIDEO_SUFFIXES)}): {root}")
    _warn_of_left_out(root, left_out)
    return sorted(paths)


def _kinetics_finder(video_dir):
    """A function of a label and a file's name without its suffix; the path, or None."""
    folders = {}
    for name in storage.list_folder(video_dir):
        folders.setdefault(_kinetics_folder(name), []).append(os.path.join(video_dir, name))

    def videos(folder):
        files = filter(_is_video, storage.list_folder(folder))
        return {os.path.splitext(file)[0]: os.path.join(folder, file) for file in files}

    @functools.cache
    def videos_of(label):
        found = {}
        for folder in filter(storage.is_folder, folders.get(_kinetics_folder(label), ())):
            found = videos(folder) | found
        return found

    flat = videos(video_dir)
    return lambda label, stem: videos_of(label).get(stem) or flat.get(stem)


def _kinetics_folder(name):
    """What is alike in a label and in what tools call its folder."""
    return _with_blanks(name).translate(str.maketrans("", "", "'()"))


def _with_blanks(name):
    return name.replace("_", " ")


def _warn_of_left_out(root, left_out):
    """Warns of files and folders that are no videos, or not where videos are looked for."""
    if left_out:
        warnings.warn(
            f"{len(left_out)} files and folders in {root} are left out, such as "
            f"{', '.join(left_out[:_NAMED])}. Videos are files that end in "
            f"{', '.join(VIDEO_SUFFIXES)}, where this data set has its videos.",
            stacklevel=3,
        )


def _shown(folder):
    """The names in a folder that are not hidden, in alphabetical order."""
    return [name for name in storage.list_folder(folder) if name[0] != "."]


def _is_video(name):
    return name.lower().endswith(VIDEO_SUFFIXES)


def _file_and_number(line):
    """`(file, number)` of a line of a list; None for a number that is not there."""
    match = re.fullmatch(r"(.+?)[\s,;]+(\d+)", line)
    return (match[1], int(match[2])) if match else (line, None)


def _table(path):
    """The names of the columns of a CSV file, and its rows, dicts."""
    try:
        text = storage.read_text(path)
    except FileNotFoundError as error:
        raise MissingFileError(f"`csv` does not exist: {path}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8 or UTF-16: {error}") from error
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv_module.DictReader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True
    )
    names = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    return names, [{key: _stripped(value) for key, value in row.items()} for row in reader]


def _stripped(value):
    return value.strip() if isinstance(value, str) else value


def _is_number(text):
    try:
        return math.isfinite(float(text))
    except (TypeError, ValueError):
        return False


def _lines(path):
    """The numbered lines of a text file, without blank ones and outer white space."""
    try:
        lines = list(io.StringIO(storage.read_text(path), newline=None))
    except FileNotFoundError as error:
        raise MissingFileError(
            f"{path} does not exist. Check `splits_dir`, `split` and `subset`."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8 or UTF-16: {error}") from error
    return [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


def _catalog(paths, labels, class_names, source):
    if not paths:
        raise InputError(f"{source} lists no videos for this subset. Check the file.")
    return Catalog(paths, labels, class_names)


def _check_split(split, subset):
    arguments.one_of(split, (1, 2, 3), "split")
    arguments.one_of(subset, ("train", "test"), "subset")


def _check_folder(path, name, example):
    if not storage.is_folder(path):
        raise MissingFileError(f"`{name}` is not a folder: {path}. It should hold {example}.")


def _check_class_folders(video_dir, class_names, source):
    missing = sorted(
        name for name in class_names if not storage.is_folder(os.path.join(video_dir, name))
    )
    if missing:
        raise MissingFileError(
            f"{video_dir} has no folder for {len(missing)} of the classes in {source}: "
            f"{', '.join(missing)}. Check `video_dir`, or unpack the videos again."
        )
