"""The class lists of the data sets, and scores -> class names.

`class_lists/` holds one text file per data set, a class a line, in the order of
the networks' outputs: UCF-101 (Soomro et al. 2012) as in its `classInd.txt`,
HMDB51 (Kuehne et al. 2011) and Kinetics-400 (Kay et al. 2017) in alphabetical
order. Another list is another file there.
"""

import importlib.resources
import os
from collections.abc import Sequence

import numpy as np

from keras_seattn import arguments
from keras_seattn.errors import InputError, MissingFileError

_FOLDER = importlib.resources.files(__package__) / "class_lists"
CLASS_LISTS = tuple(sorted(file.name.removesuffix(".txt") for file in _FOLDER.iterdir()))


def class_list(classes: str | os.PathLike | Sequence[str]) -> list[str]:
    """The names of classes.

    Args:
        classes: `"kinetics400"`, `"ucf101"` or `"hmdb51"`; or the path of a
            text file with a class a line; or the names themselves.

    Returns:
        list of str.

    Raises:
        ValueError: No such list.
        FileNotFoundError: No such file.

    Example:

    >>> class_list("ucf101")[:2]
    ['ApplyEyeMakeup', 'ApplyLipstick']
    """
    if not isinstance(classes, (str, os.PathLike)):
        return [str(name) for name in classes]
    if classes in CLASS_LISTS:
        text = (_FOLDER / f"{classes}.txt").read_text(encoding="utf-8")
    elif os.fspath(classes).endswith(".txt"):
        if not os.path.isfile(classes):
            raise MissingFileError(f"The list of classes does not exist: {classes}")
        with open(classes, encoding="utf-8-sig") as file:
            text = file.read()
    else:
        arguments.one_of(classes, (*CLASS_LISTS, "a .txt file"), "classes")
    return [line.strip() for line in text.splitlines() if line.strip()]


def decode_predictions(
    preds: np.ndarray, top: int = 5, classes: str | os.PathLike | Sequence[str] = "kinetics400"
) -> list[list[tuple[str, float]]]:
    """Turns scores into the names of the classes with the highest.

    Args:
        preds: array, `(batch, classes)`, the output of a network.
        top: int, how many classes to name; all, where there are fewer.
        classes: `"kinetics400"`, `"ucf101"`, `"hmdb51"`, the path of a text
            file with a class a line, or a list of names, such as
            `model.class_names`.

    Returns:
        list, one entry per row of `preds`: a list of `(class name, score)`
        pairs, the highest score first.

    Raises:
        ValueError: `preds` is not 2D, or the list has another length.

    Example:

    >>> preds = np.eye(51)[[3]]
    >>> decode_predictions(preds, top=1, classes="hmdb51")
    [[('chew', 1.0)]]
    """
    top = arguments.positive_integer(top, "top")
    preds = np.asarray(preds)
    names = class_list(classes)
    if preds.ndim != 2 or preds.shape[1] != len(names):
        raise InputError(
            f"`preds` must have the shape (batch, {len(names)}), for `classes` has {len(names)} "
            f"names. Received: preds.shape={preds.shape}"
        )
    best = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [
        [(names[i], float(row[i])) for i in order] for row, order in zip(preds, best, strict=True)
    ]
