"""Results as files to go on with: all scores, and a row for each video."""

import dataclasses
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
            fields = {name: file[name] for name in file.files}
        return EvaluationResult(
            **{
                name: value.tolist() if value.ndim == 0 or value.dtype.kind == "U" else value
                for name, value in fields.items()
            }
        )
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
    arrays: dict[str, typing.Any] = {}
    for field in dataclasses.fields(result):
        array = np.asarray(getattr(result, field.name))
        arrays[field.name] = array if array.size else array.astype(str)  # no paths, for one
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
