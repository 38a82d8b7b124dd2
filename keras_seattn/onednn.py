"""Turns on TensorFlow's fast 3D convolutions on processors where it leaves them off."""

import os
import sys
import warnings


def enable() -> None:
    """Turns on oneDNN unless the user has set `TF_ENABLE_ONEDNN_OPTS`.

    TensorFlow turns it on by itself only on processors with AVX-512 or AMX.
    With AVX2 alone its other 3D convolutions take 4.4 times as long: a training
    step of ResNet-18 (width 0.25, 16 x 56 x 56) 130 ms a clip against 29, on
    two AMD EPYC cores. TensorFlow reads the variable once, when it is imported,
    so where it was imported before, all that is left is a warning.
    """
    if "TF_ENABLE_ONEDNN_OPTS" in os.environ:
        return
    if "tensorflow" not in sys.modules:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    elif _runs_without_it():
        warnings.warn(
            "TensorFlow was imported before keras_seattn and runs 3D convolutions without oneDNN, "
            "several times slower on this processor. Import keras_seattn before keras, or set the "
            "environment variable TF_ENABLE_ONEDNN_OPTS=1.",
            stacklevel=3,
        )


def _runs_without_it():
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return False
    try:
        # Not public, so it may move; then nobody is warned.
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled
    except ImportError:
        return False
    return not IsMklEnabled()
