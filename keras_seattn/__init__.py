"""Video action recognition in Keras 3: 3D CNNs with squeeze-and-excitation and self-attention."""

import importlib
import os

from keras_seattn import files, onednn

onednn.enable()
if os.path.expanduser("~") == "~":  # a user without a folder, for whom Keras would make one: `~`
    os.environ.setdefault("KERAS_HOME", files.expand_user("~/.keras"))

from keras_seattn import applications, layers  # noqa: E402
from keras_seattn.version import __version__  # noqa: E402

# `data` needs TensorFlow's tf.data, and the rest needs `data`; layers and networks need neither.
_LOADED_ON_USE = ("data", "evaluation", "explain", "export", "training", "tuning")

__all__ = ["__version__", "applications", "layers", "predict", *_LOADED_ON_USE]


def __getattr__(name):
    if name in _LOADED_ON_USE:
        return importlib.import_module(f"keras_seattn.{name}")
    if name == "predict":
        return importlib.import_module("keras_seattn.evaluation").predict
    raise AttributeError(f"module 'keras_seattn' has no attribute {name!r}")
