"""A network of one convolution a stage, which takes a fraction of a ResNet's time to build."""

import keras

from keras_seattn.applications.blocks import conv_norm
from keras_seattn.applications.builders import builder
from keras_seattn.applications.trunk import Design

_SMALL = {"input_shape": (8, 16, 16, 3), "classes": 2, "width": 0.05, "name": "tiny_network"}


def _convolution(design, x, filters, kernels, strides, data_format, name, shortcut):
    x = conv_norm(x, filters, kernels, strides, data_format, f"{name}_1")
    return keras.layers.ReLU(name=f"{name}_relu")(x)


@builder
def _network():
    return Design("tiny", _convolution, (1, 1, 1, 1))


def TinyNetwork(weights=None, **arguments):
    """The trunk, the modules and the head of the networks; arguments as of their builders."""
    return _network(weights=weights, **{**_SMALL, **arguments})
