"""Annotations in JSON, as the scripts of 3D-ResNets-PyTorch write them, and ActivityNet's."""

import json
import os
import warnings

from keras_seattn.data.datasets.list_rows import Row, span_of
from keras_seattn.data.datasets.lists import list_text
from keras_seattn.errors import InputError


def read_annotations(path: str | os.PathLike) -> tuple[list[str] | None, list[Row]]:
    """The names of the classes, None where they are not listed, and a `Row` for each video.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It holds no annotations, or an entry is malformed; the
            message names it.
    """
    try:
        content = json.loads(list_text(path, "Check the path of the list."))
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}. Correct it.") from error
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict):
        raise InputError(
            f'{path} holds no annotations: expected {{"database": {{<video>: ...}}}}, as the '
            "scripts of 3D-ResNets-PyTorch and ActivityNet have it."
        )
    labels = content.get("labels")
    if labels is not None and not _are_texts(labels):
        raise InputError(f'{path}: "labels" must be a list of the names of the classes.')
    rows, unlabelled = [], []
    for name, entry in database.items():
        found = _rows(name, entry, f"{path}, entry {name!r}")
        rows += found
        unlabelled += [] if found else [name]
    if not rows:
        raise InputError(f"{path} lists no videos with a label. Check the file.")
    if unlabelled:
        warnings.warn(
            f"{len(unlabelled)} of the {len(database)} videos that {path} lists have no label and "
            f"are left out, such as {', '.join(unlabelled[:3])}.",
            stacklevel=3,
        )
    return labels, rows


def _rows(name, entry, where):
    try:
        found, split = entry.get("annotations") or [], str(entry.get("subset") or "")
        whole = isinstance(found, dict)  # of which ActivityNet has none
        rows = []
        for annotation in [found] if whole else found:
            if "label" not in annotation:
                continue
            label = str(annotation["label"])
            span = None
            if not whole:
                start, end = annotation["segment"]  # in seconds
                span = span_of(start, end, where)
            elif annotation.get("segment", [1])[0] != 1:  # in frames, from 1
                raise InputError(
                    f"{where}: its segment {annotation['segment']} does not begin with the first "
                    "frame, and spans are taken in seconds only. Write a table with the columns "
                    "path, label, start, end."
                )
            paths = [f"{label}/{name}", name, f"{label}/v_{name}", f"v_{name}"]
            if "video_path" in entry:
                paths = [str(entry["video_path"])]
            rows.append(Row(f"entry {name!r}", paths, label, split=split, span=span))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: is no annotation: {error!r}. Correct it.") from error
    return rows


def _are_texts(values):
    return isinstance(values, list) and all(isinstance(value, str) for value in values)
