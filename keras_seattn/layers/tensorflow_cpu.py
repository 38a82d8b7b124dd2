"""Whether layers run on TensorFlow's CPU kernels, which need a few things their own way."""

import keras


def on_tensorflow_cpu():
    """True with the TensorFlow backend and neither a GPU nor a TPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not (tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))
