"""Kinetics, whose list is a table, and whose videos are never all there."""

import functools
import math
import os

from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog, with_blanks
from keras_seattn.data.datasets.lists import by_stem, check_folder, read_table, warn_of_absent
from keras_seattn.errors import InputError, MissingFileError


def load_kinetics(
    video_dir: str | os.PathLike, csv: str | os.PathLike, subset: str | None = None
) -> Catalog:
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
    check_folder(video_dir, "video_dir", "a folder of videos per class")
    names, rows = read_table(csv)
    columns = ["label", "youtube_id", "time_start", "time_end", *(["split"] if subset else [])]
    missing = [name for name in columns if name not in names]
    if missing:
        raise InputError(f"{csv} lacks the columns {', '.join(missing)}. Check the file.")
    if not rows:
        raise InputError(f"{csv} lists no videos: it has only a line of columns. Check the file.")
    class_names = sorted({row["label"] for _, row in rows})
    labels_of = {name: label for label, name in enumerate(class_names)}
    chosen = []
    for number, row in rows:
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
        known = ", ".join(sorted({row["split"] for _, row in rows}))
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
    empty = {name for name, *_ in chosen}.difference(class_names[i] for i in labels)
    warn_of_absent(absent, len(chosen), csv, video_dir, empty)
    return Catalog(paths, labels, class_names)


def _kinetics_finder(video_dir):
    """A function of a label and a file's name without its suffix; the path, or None."""
    folders = {}
    for name in storage.list_folder(video_dir):
        folders.setdefault(_kinetics_folder(name), []).append(os.path.join(video_dir, name))

    def videos(folder):
        names = by_stem(storage.list_folder(folder))
        return {stem: os.path.join(folder, name) for stem, name in names.items()}

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
    return with_blanks(name).translate(str.maketrans("", "", "'()"))


def _is_number(text):
    try:
        return math.isfinite(float(text))
    except (TypeError, ValueError):
        return False
