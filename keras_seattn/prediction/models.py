"""Models that predict: loaded of files, Keras' or exported, and asked what their scores mean."""

import os

import keras
import numpy as np

from keras_seattn import (
    applications,  # noqa: F401  (Keras finds our layers in a file only if they were loaded before)
    description,
)
from keras_seattn.checkpoints import untrusted
from keras_seattn.errors import DivergedError, InputError, MissingFileError
from keras_seattn.export import ExportedModel, is_exported

# In the folder of a training until it is finished.
UNFINISHED = "UNFINISHED.txt"


def load_model(path: str | os.PathLike) -> keras.Model | ExportedModel:
    """Loads a model for `predict`: a `.keras` file, in Keras' safe mode, or an exported one.

    Args:
        path: str, a `.keras` file, or what `export.export_model` has written.

    Returns:
        A `keras.Model`, or an `export.ExportedModel`.

    Raises:
        ValueError: It is no such file, it is damaged, it asks for far more
            memory than it is large, or it holds code that safe mode refuses to
            run.
        FileNotFoundError: It does not exist.
        ImportError: The runtime of an exported model is not installed.
    """
    path = os.fspath(path)
    if is_exported(path):
        return ExportedModel(path)
    if not path.endswith(".keras"):
        raise InputError(
            "The model must be a .keras file, or exported: .xml, .onnx, .tflite or the folder of "
            f"a SavedModel. Received: {path}. A .pth file becomes one with: "
            f"keras-seattn convert '{path}' model.keras"
        )
    if not os.path.isfile(path):
        raise MissingFileError(f"The model does not exist: {path}")
    with untrusted.reading(path, "cannot be loaded as a Keras model"):
        untrusted.check_model(path)
        return keras.models.load_model(path, compile=False, safe_mode=True)


def class_names_of(model: keras.Model | ExportedModel) -> tuple[str, ...]:
    """The names of a model's classes: its own, or `class 0`, `class 1`, ..."""
    names = description.class_names_of(model)
    return names or tuple(f"class {number}" for number in range(model.output_shape[-1]))


def check_probabilities(scores: np.ndarray) -> None:
    """Raises a ValueError unless each row of an array is finite, not negative and sums to 1."""
    if not np.all(np.isfinite(scores)):
        raise DivergedError(
            "`model` gives scores that are not finite numbers: its training diverged. Load an "
            "earlier checkpoint, or train again with a lower learning rate."
        )
    if scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=1e-2):
        raise InputError(
            "`model` must give probabilities that sum to 1, for the scores of a video are the "
            'mean over its clips. Build it with classifier_activation="softmax", or put a '
            "keras.layers.Softmax behind it."
        )
