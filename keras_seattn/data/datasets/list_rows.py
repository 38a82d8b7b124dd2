"""The rows of a list of videos: lines of paths and labels, or a table."""

import math
import os
import re
import typing

from keras_seattn.data.datasets.lists import file_and_number, numbered_lines, read_table
from keras_seattn.errors import InputError

_ADVICE = "Check the path of the list."
_LABELS = ("label", "class_name", "class")  # columns, the first that is there


class Row(typing.NamedTuple):
    """What a list says of a video.

    Attributes:
        place: str, where it says so, such as `"line 3"`.
        paths: list of str, where the video is, one of these.
        label: str, the class by its name or number.
        class_name: str, the name beside a number; "" for none.
        split: str, what the video is for; "" for none.
        span: `(start, end)` in seconds; None for a whole file.
        group: str; "" for that of the path.
    """

    place: str
    paths: list[str]
    label: str
    class_name: str = ""
    split: str = ""
    span: tuple[float, float] | None = None
    group: str = ""


def read_rows(path: str | os.PathLike) -> list[Row]:
    """The rows of a list that is no JSON; see `list_file.load_list`.

    Raises:
        FileNotFoundError: There is no such list.
        ValueError: It is empty, or a line is malformed; the message names it.
    """
    lines = numbered_lines(path, _ADVICE)
    if not lines:
        raise InputError(f"{path} lists no videos: it is empty. Check the file.")
    head = lines[0][1]
    columns = [name.strip(' "').lower() for name in re.split("[,;\t]", head)]
    is_csv = os.fspath(path).lower().endswith((".csv", ".tsv"))
    if "path" in columns or (is_csv and file_and_number(head)[1] is None):
        return _rows_of_table(path)
    return [_row_of_line(path, number, line) for number, line in lines]


def _row_of_line(path, number, line):
    file, label = file_and_number(line)
    if label is None:
        raise InputError(
            f"{path}, line {number}: expected '<path> <label>' or '<path> <frames> <label>', where "
            f"the label is a number from 0. Found: {line!r}. For classes by name write a table "
            "whose first line is 'path,label'."
        )
    # A number before the label may be that of the frames, or the end of a name with blanks.
    shorter, frames = file_and_number(file)
    return Row(f"line {number}", [file] if frames is None else [file, shorter], str(label))


def _rows_of_table(path):
    columns, rows = read_table(path, _ADVICE)
    name_column = next((name for name in _LABELS[1:] if name in columns), None)
    label_column = next((name for name in _LABELS if name in columns), None)
    missing = [name for name in ("path", label_column or "label") if name not in columns]
    if missing:
        raise InputError(
            f"{path} lacks the columns {', '.join(missing)}. Its first line names these: "
            f"{', '.join(columns)}. Correct that line."
        )
    if not rows:
        raise InputError(f"{path} lists no videos: it has only a line of columns. Check the file.")
    found = []
    for number, row in rows:
        empty = [name for name in ("path", label_column) if not row[name]]
        if empty:
            raise InputError(f"{path}, line {number}: has no {' and no '.join(empty)}. Add it.")
        found.append(
            Row(
                f"line {number}",
                [row["path"]],
                row[label_column],
                row.get(name_column, ""),
                row.get("split", ""),
                span_of(row.get("start"), row.get("end"), f"{path}, line {number}"),
                row.get("group", ""),
            )
        )
    return found


def span_of(start: typing.Any, end: typing.Any, where: str) -> tuple[float, float] | None:
    """The span from `start` to `end` in seconds, numbers or texts; None where both are empty.

    Raises:
        ValueError: It is none; the message begins with `where`.
    """
    if start in (None, "") and end in (None, ""):
        return None
    try:
        span = float(start or 0), math.inf if end in (None, "") else float(end)
    except (TypeError, ValueError):
        span = math.nan, math.nan
    if not 0 <= span[0] < span[1]:
        raise InputError(
            f"{where}: start and end must be numbers of seconds, the start 0 or more and before "
            f"the end. Found: start {start!r}, end {end!r}"
        )
    return span
