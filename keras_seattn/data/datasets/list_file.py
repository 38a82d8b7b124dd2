"""A list of your own: lines of paths and labels, a table, or annotations in JSON."""

import os
import warnings
from collections.abc import Sequence

from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog, with_blanks
from keras_seattn.data.datasets.annotations import read_annotations
from keras_seattn.data.datasets.list_rows import read_rows
from keras_seattn.data.datasets.lists import numbered_lines, video_finder, warn_of_absent
from keras_seattn.data.groups import video_group
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.labels import CLASS_LISTS, class_list

# What lists call the videos to train on, and those to test on, the best first.
_SUBSETS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "validation", "validate", "val"),
}
_NAMED = 5  # examples of what is missing
# A larger number is no label but something else, such as an identifier.
_MOST_CLASSES = 100_000


def load_list(
    path: str | os.PathLike,
    *,
    root: str | os.PathLike | None = None,
    class_names: Sequence[str] | str | os.PathLike | None = None,
    subset: str | None = None,
) -> Catalog:
    """Lists the videos that a file names, with their labels.

    The file is one of these, in UTF-8 or UTF-16:

    - Lines `path label`, or `path frames label` as mmaction2 writes them, with
      blanks, commas, semicolons or tabs in between. Labels are numbers from 0.
    - A table (CSV) with a line of columns, and commas, semicolons or tabs in
      between: `path`, `label` (names, or numbers from 0), and if you like
      `split`, `start` and `end` in seconds, for videos that are parts of longer
      files, `group` (see `Catalog`) and `class_name`, where labels are numbers.
    - JSON: the annotations that the scripts of 3D-ResNets-PyTorch make of
      UCF-101, HMDB51 and Kinetics; or ActivityNet's, whose segments are spans.
      Videos are `<label>/<name>` or `<name>`; a warning counts those that are
      not there.

    A path may also be of a folder of frames. Where neither is there, a video
    file or folder of the same name with another suffix, or none, is taken.

    Args:
        path: str, the list.
        root: str, the folder that paths start from; None for the list's.
        class_names: list of str, or a file with a name a line, or one of
            `"kinetics400"`, `"ucf101"`, `"hmdb51"`. None takes those of the
            list: in alphabetical order, or by number; numbers without names are
            names themselves.
        subset: str, the `split` of the videos to take; `"train"` and `"test"`
            are found under their other names too, `"training"` and
            `"validation"` and the like. None takes all.

    Returns:
        A `Catalog`, in the order of the list.

    Raises:
        FileNotFoundError: The list is missing, or videos are; the message
            counts them, and names lines.
        ValueError: A line is malformed, or labels do not go with each other or
            with `class_names`; the message names file and line.

    Source:
        Lines: mmaction2's `RawframeDataset` and `VideoDataset`; JSON: Hara et
        al. 2018 and ActivityNet 1.3.

    Example:

    >>> catalog = keras_seattn.data.load_list("train.csv")
    >>> len(catalog), catalog.class_names
    (6, ['Archery', 'Diving'])
    """
    root = os.path.dirname(path) if root is None else root
    listed, rows = _read(path)
    names, labels = _classes(rows, _names(class_names) or listed, path)
    chosen = _of_subset(rows, subset, path)
    present, absent, paths = [], [], []
    find = video_finder()
    for row in chosen:
        found = next(filter(None, (find(_under(root, name)) for name in row.paths)), None)
        (present if found else absent).append(row)
        paths += [found] if found else []
    if absent and not (_is_json(path) and present):
        named = ", ".join(f"{row.place} ({_under(root, row.paths[0])})" for row in absent[:_NAMED])
        raise MissingFileError(
            f"{len(absent)} of the {len(chosen)} videos that {path} lists are not there: {named}"
            f"{', ...' if len(absent) > _NAMED else ''}. Check `root` (--data-dir), the folder "
            "that its paths start from, or correct the list."
        )
    empty = {names[labels[row.label]] for row in absent} - {names[labels[r.label]] for r in present}
    warn_of_absent([row.paths[0] for row in absent], len(chosen), path, root, empty)
    _check_twice(present, paths, path)
    spans = [row.span for row in present]
    return Catalog(
        paths,
        [labels[row.label] for row in present],
        names,
        spans=spans if any(spans) else None,
        groups=[row.group or video_group(found) for row, found in zip(present, paths, strict=True)],
    )


def has_splits(path: str | os.PathLike) -> bool:
    """Whether a list says what its videos are for, as `load_list` needs it for `subset`."""
    return any(row.split for row in _read(path)[1])


def has_numbers(path: str | os.PathLike) -> bool:
    """Whether the labels of a list are numbers, whose names it does not tell."""
    listed, rows = _read(path)
    return listed is None and all(row.label.isdecimal() and not row.class_name for row in rows)


def _read(path):
    """The names of the classes, or None, and the rows of a list."""
    return read_annotations(path) if _is_json(path) else (None, read_rows(path))


def _is_json(path):
    return os.fspath(path).lower().endswith(".json")


def _under(root, name):
    """The path of a video by its name in a list, which may be absolute."""
    name = name.replace("\\", "/")
    return name if storage.is_remote(name) else os.path.join(root, name)


def _names(classes):
    """The names that `class_names` stands for; None for None."""
    if classes is None:
        return None
    if not isinstance(classes, (str, os.PathLike)) or classes in CLASS_LISTS:
        names = class_list(classes)
    else:
        advice = f"Check `class_names` (--class-list): a file, or one of {', '.join(CLASS_LISTS)}."
        names = [line for _, line in numbered_lines(classes, advice)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        raise InputError(
            f"`class_names` must hold names, each once. Twice there: {', '.join(twice) or 'none'}. "
            f"Received: {len(names)} names"
        )
    return names


def _classes(rows, names, path):
    """The names of the classes, and the number of each label, a dict of str to int."""
    first = {}  # the row that has a label first
    for row in rows:
        first.setdefault(row.label, row)
    if names is not None and first.keys() <= set(names):
        return names, {name: number for number, name in enumerate(names)}
    numbers = [label for label in first if label.isdecimal()]
    if len(numbers) == len(first):
        return _numbered(rows, first, names, path)
    if names is not None:
        wrong = next(row for label, row in first.items() if label not in names)
        raise InputError(
            f"{path}, {wrong.place}: label {wrong.label!r} is none of the {len(names)} classes, "
            f"such as {', '.join(map(repr, names[:3]))}. Correct it, or the names."
        )
    if numbers:
        other = next(label for label in first if label not in numbers)
        raise InputError(
            f"{path}: labels must be all names or all numbers. {first[numbers[0]].place} has "
            f"{numbers[0]!r}, {first[other].place} {other!r}. Correct one, or give `class_names` "
            "if both are names."
        )
    names = sorted(first)
    return names, {name: number for number, name in enumerate(names)}


def _numbered(rows, first, names, path):
    """As `_classes`, where labels are numbers from 0."""
    labels = {label: int(label) for label in first}
    lowest, highest = (first[choose(labels, key=labels.get)] for choose in (min, max))
    start, end = labels[lowest.label], labels[highest.label]
    begin = (
        f"{path}, {lowest.place}: labels begin at {start} here, and they count from 0: "
        f"subtract {start} from each"
    )
    if end >= (_MOST_CLASSES if names is None else len(names)):
        if start and names and end - start < len(names):
            raise InputError(f"{begin}, for there are {len(names)} class names.")
        among = "numbers so high" if names is None else f"{len(names)} class names, from 0"
        raise InputError(
            f"{path}, {highest.place}: label {end} is too high: there are no {among}. Correct it, "
            "or the names."
        )
    if start and names is None:
        raise InputError(f"{begin}; or give `class_names` if class 0 has no videos in this list.")
    if start and not all(row.class_name for row in rows):
        warnings.warn(f"{begin}, unless {names[0]!r} has no videos in this list.", stacklevel=4)
    gaps = sorted(set(range(end)).difference(labels.values()))
    if gaps and names is None:
        warnings.warn(
            f"{path}: {len(gaps)} of the labels from 0 to {end} (in {highest.place}) have no "
            f"videos, such as {', '.join(map(str, gaps[:3]))}. They stay classes, of which nothing "
            "is learned. Number labels without gaps, or give `class_names` (--class-list).",
            stacklevel=4,
        )
    own = _own_names(rows, labels, end + 1, path)
    for row in rows if names else ():
        given = names[labels[row.label]]
        if row.class_name and with_blanks(row.class_name) != with_blanks(given):
            raise InputError(
                f"{path}, {row.place}: class {row.label} is called {row.class_name!r} here and "
                f"{given!r} in the names that were given, or in the training list. Correct one."
            )
    return names or own, labels


def _own_names(rows, labels, count, path):
    """The names beside the numbers in a list; the numbers where there are none."""
    said = {}
    for row in rows:
        if row.class_name:
            before = said.setdefault(labels[row.label], row)
            if before.class_name != row.class_name:
                raise InputError(
                    f"{path}, {row.place}: class {row.label} is called {row.class_name!r} here and "
                    f"{before.class_name!r} in {before.place}. Correct one of the two."
                )
    names = [said[number].class_name if number in said else str(number) for number in range(count)]
    for number, row in said.items():
        if names.index(row.class_name) != number:
            raise InputError(
                f"{path}, {row.place}: class {number} is called {row.class_name!r}, as class "
                f"{names.index(row.class_name)} is. Correct one of the two."
            )
    return names


def _of_subset(rows, subset, path):
    if subset is None:
        return rows
    found = {row.split for row in rows}
    lower = {split.lower(): split for split in found}
    wanted = next((lower[n] for n in (subset, *_SUBSETS.get(subset, ())) if n in lower), None)
    if wanted is None:
        raise InputError(
            f"{path} has no videos of `subset` {subset!r}. Its splits are: "
            f"{', '.join(sorted(found - {''})) or 'none, for it has no column split'}. "
            "Add it, or give a list for each (--list and --test-list)."
        )
    return [row for row in rows if row.split == wanted]


def _check_twice(rows, paths, path):
    """Refuses a video that has two labels."""
    seen = {}
    for row, found in zip(rows, paths, strict=True):
        before = seen.setdefault((found, row.span), row)
        if before.label != row.label:
            raise InputError(
                f"{path}, {row.place}: {found} has the label {row.label} here and {before.label} "
                f"in {before.place}. Correct one of the two, or remove it."
            )
