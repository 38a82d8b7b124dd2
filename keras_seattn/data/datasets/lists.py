"""What the lists of data sets have in common: lines, tables, folders of classes."""

import csv
import functools
import io
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence

from keras_seattn import arguments
from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.suffixes import stem
from keras_seattn.errors import InputError, MissingFileError, StorageError

_SEPARATORS = ",;\t"


def file_and_number(line: str) -> tuple[str, int | None]:
    """`(file, number)` of a line of a list; None for a number that is not there."""
    match = re.fullmatch(r"(.+?)[\s,;]+(\d+)", line)
    return (match[1], int(match[2])) if match else (line, None)


def list_text(path: str | os.PathLike, advice: str) -> str:
    """The text of a list; `advice`: str, what to do where there is no such file."""
    try:
        return storage.read_text(path)
    except FileNotFoundError as error:
        raise MissingFileError(f"{path} does not exist. {advice}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8 or UTF-16: {error}") from error


def read_table(
    path: str | os.PathLike, advice: str = "Check `csv`."
) -> tuple[list[str], list[tuple[int, dict]]]:
    """The names of the columns of a CSV file, and its rows, `(number of the line, dict)`."""
    text = list_text(path, advice)
    content = text.lstrip("\r\n \t")
    before = text[: len(text) - len(content)].count("\n")  # blank lines
    reader = csv.DictReader(
        io.StringIO(content, newline=""),
        delimiter=max(_SEPARATORS, key=content.partition("\n")[0].count),
        skipinitialspace=True,
    )
    rows = []
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = names
        for row in reader:
            if row.pop(None, None):
                raise InputError(
                    f"{path}, line {before + reader.line_num}: has more values than the "
                    f"{len(names)} columns {', '.join(names)}. Put names that hold separators in "
                    "quotes."
                )
            values = {name: (row[name] or "").strip() for name in names}
            if any(values.values()):  # Spreadsheets end in rows of separators.
                rows.append((before + reader.line_num, values))
    except csv.Error as error:
        raise InputError(
            f"{path}, line {before + reader.reader.line_num}: {error}. Correct the line."
        ) from error
    return names, rows


def numbered_lines(
    path: str | os.PathLike, advice: str = "Check `splits_dir`, `split` and `subset`."
) -> list[tuple[int, str]]:
    """The numbered lines of a text file, without blank ones and outer white space."""
    lines = io.StringIO(list_text(path, advice), newline=None)
    return [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


def video_finder() -> Callable[[str], str | None]:
    """A function of a path in a list: where that video is, None if it is not there.

    That is the path, or beside it a video file of another kind or a folder of
    frames that is called so but for the suffix. Where folders cannot be listed
    (`http://`) it is the path.
    """

    @functools.cache
    def inside(folder):
        try:
            return by_stem(storage.list_folder(folder or "."))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except StorageError:
            return None

    def find(path):
        folder, name = os.path.split(path.rstrip("/"))
        names = inside(folder)
        if names is None:
            return path
        found = names.get(name) or names.get(stem(name))
        return found and os.path.join(folder, found)

    return find


def by_stem(names: Iterable[str]) -> dict[str, str]:
    """The names in a folder by themselves, and those of videos by what they are without suffix."""
    names = list(names)
    return {stem(name): name for name in names} | {name: name for name in names}


def warn_of_absent(
    absent: Sequence[str],
    total: int,
    source: str | os.PathLike,
    folder: str | os.PathLike,
    empty: Iterable[str],
) -> None:
    """Warns of the videos of a list that are not in a folder; `empty`: the classes without any."""
    if absent:
        names = ", ".join(sorted(empty))
        warnings.warn(
            f"{len(absent)} of the {total} videos that {source} lists are not in {folder} and are "
            f"left out, such as {', '.join(absent[:3])}."
            + (f" No video is there of these classes: {names}." if names else ""),
            stacklevel=3,
        )


def catalog_of(paths: list, labels: list, class_names: list, source: str | os.PathLike) -> Catalog:
    """A catalog of what a list names, if it names any."""
    if not paths:
        raise InputError(f"{source} lists no videos for this subset. Check the file.")
    return Catalog(paths, labels, class_names)


def check_split(split: int, subset: str) -> None:
    """Refuses what is no split, or neither `"train"` nor `"test"`."""
    arguments.one_of(split, (1, 2, 3), "split")
    arguments.one_of(subset, ("train", "test"), "subset")


def check_folder(path: str | os.PathLike, name: str, example: str) -> None:
    """Refuses an argument that is not the path of a folder."""
    if not storage.is_folder(path):
        raise MissingFileError(f"`{name}` is not a folder: {path}. It should hold {example}.")


def check_class_folders(
    video_dir: str | os.PathLike, class_names: Iterable[str], source: str | os.PathLike
) -> None:
    """Refuses a folder of videos that lacks the folders of some classes."""
    missing = sorted(
        name for name in class_names if not storage.is_folder(os.path.join(video_dir, name))
    )
    if missing:
        raise MissingFileError(
            f"{video_dir} has no folder for {len(missing)} of the classes in {source}: "
            f"{', '.join(missing)}. Check `video_dir`, or unpack the videos again."
        )
