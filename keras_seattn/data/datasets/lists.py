"""What the lists of data sets have in common: lines, tables, folders of classes."""

import csv
import io
import os
import re
from collections.abc import Iterable

from keras_seattn import arguments
from keras_seattn.data import storage
from keras_seattn.data.catalogs import Catalog
from keras_seattn.errors import InputError, MissingFileError


def file_and_number(line: str) -> tuple[str, int | None]:
    """`(file, number)` of a line of a list; None for a number that is not there."""
    match = re.fullmatch(r"(.+?)[\s,;]+(\d+)", line)
    return (match[1], int(match[2])) if match else (line, None)


def read_table(path: str | os.PathLike) -> tuple[list[str], list[dict]]:
    """The names of the columns of a CSV file, and its rows, dicts."""
    try:
        text = storage.read_text(path)
    except FileNotFoundError as error:
        raise MissingFileError(f"`csv` does not exist: {path}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8 or UTF-16: {error}") from error
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True
    )
    names = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    return names, [{key: _stripped(value) for key, value in row.items()} for row in reader]


def _stripped(value):
    return value.strip() if isinstance(value, str) else value


def numbered_lines(path: str | os.PathLike) -> list[tuple[int, str]]:
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
