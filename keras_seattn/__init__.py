"""Video action recognition in Keras 3: 3D CNNs with squeeze-and-excitation and self-attention."""

import importlib
import os
import sys

from keras_seattn import files, onednn
from keras_seattn.version import __version__

onednn.enable()
if os.path.expanduser("~") == "~":  # a user without a folder, for whom Keras would make one: `~`
    os.environ.setdefault("KERAS_HOME", files.expand_user("~/.keras"))

_ROOMS = (
    "applications", "checking", "data", "evaluation", "explain", "export", "layers", "prediction",
    "preprocessing", "settings", "training", "tuning",
)  # fmt: skip
__all__ = ["__version__", "predict", *_ROOMS]


def __getattr__(name):
    if name in _ROOMS:
        return importlib.import_module(f"keras_seattn.{name}")
    if name == "predict":
        return importlib.import_module("keras_seattn.prediction").predict
    raise AttributeError(f"module 'keras_seattn' has no attribute {name!r}")


def _is_command():
    """Whether this process is `keras-seattn`, which reads its flags before Keras is loaded."""
    started = os.path.splitext(os.path.basename(sys.argv[0]))[0] if sys.argv else ""
    return started == "keras-seattn" or (started == "-m" and "keras_seattn" in sys.orig_argv)


# The rest needs TensorFlow's tf.data and is loaded on use. These are what files of models hold, and
# Keras finds a layer in a file only if it was loaded before.
if not _is_command():
    from keras_seattn import applications, layers  # noqa: F401
