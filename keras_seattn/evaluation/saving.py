"""Results as files to go on with: all scores, and a row for each video."""

import dataclasses
import math
import os
import typing

import numpy as np

from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.evaluation.result import EvaluationResult
from keras_seattn.files import DAMAGED, replacing, write_csv

SCORES = "scores.npz"


def load_result(folder: str | os.PathLike) -> EvaluationResult:
    """The result that a training or an evaluation left in its folder, as it was.

    Args:
        folder: str, a folder with `scores.npz`.

    Returns:
        `EvaluationResult`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged.

    Example:

    >>> result = keras_seattn.evaluation.load_result("runs/base")
    """
    path = os.path.join(folder, SCORES)
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        fields = {
            name: array.tolist() if array.ndim == 0 or array.dtype.kind == "U" else array
            for name, array in arrays.items()
        }
        spans = [None if np.isnan(span[0]) else tuple(span) for span in arrays["spans"].tolist()]
        return EvaluationResult(**{**fields, "spans": spans or None})
    except FileNotFoundError as error:
        raise MissingFileError(
            f"{path} does not exist. Name a folder that `keras-seattn train` or `evaluate` wrote; "
            "earlier versions kept no scores: evaluate the model again."
        ) from error
    except DAMAGED as error:
        raise InputError(
            f"{path} is damaged, or no result of an evaluation: {error}. Evaluate the model again."
        ) from error


def save_scores(result: EvaluationResult, path: str | os.PathLike) -> None:
    """Writes all of a result as an `.npz` file, which `load_result` reads and NumPy too."""
    whole = (math.nan, math.nan)
    fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    fields["spans"] = [span or whole for span in result.spans or ()]
    arrays: dict[str, typing.Any] = {name: np.asarray(value) for name, value in fields.items()}
    for name, array in arrays.items():
        if not array.size:
            arrays[name] = array.astype(str)  # texts: no paths, for one
    with replacing(path) as partial:
        np.savez_compressed(partial, **arrays)


def save_videos(result: EvaluationResult, path: str | os.PathLike) -> None:
    """Writes a row for each video as CSV; `score` is that of its own class."""
    class_names = np.array(result.class_names)
    columns = {
        "path": result.paths,
        "video": result.names,
        "group": result.groups,
        "class": class_names[result.labels],
        "predicted": class_names[result.predicted],
        "clips": result.clip_counts,
        "score": result.scores[np.arange(result.videos), result.labels],
    }
    known = {name: values for name, values in columns.items() if len(values)}
    rows = (dict(zip(known, row, strict=True)) for row in zip(*known.values(), strict=True))
    write_csv(path, list(columns), rows)
