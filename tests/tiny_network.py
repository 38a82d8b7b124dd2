"""A network of one convolution a stage, which takes a fraction of a ResNet's time to build."""

import inspect

import keras

from keras_seattn import checkpoints
from keras_seattn.applications import SEAResNet18_3D, resnet3d

_DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(SEAResNet18_3D).parameters.items()
    if name not in ("weights", "shortcut", "cache_dir")
}
_SMALL = {
    "input_shape": (8, 16, 16, 3),
    "classes": 2,
    "width": 0.05,
    "name": "tiny_network",
}


def TinyNetwork(weights=None, **arguments):
    """The trunk, the modules and the head of the networks; arguments as of their builders."""

    def block(x, filters, stride, data_format, name):
        x = resnet3d.conv_norm(x, filters, 3, stride, data_format, f"{name}_1")
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    arguments["checkpoint"] = checkpoints.read(weights)
    arguments = {**_DEFAULTS, **_SMALL, **arguments}
    return resnet3d.build_network(block, (1, 1, 1, 1), (64, 128, 256, 512), **arguments)
