"""Networks by their settings."""

import dataclasses

import keras

from keras_seattn import applications, checkpoints
from keras_seattn.applications.builders import Builder
from keras_seattn.preprocessing import PREPROCESSINGS
from keras_seattn.settings import MODELS, NetworkSettings


def builder_of(network: NetworkSettings) -> Builder:
    """The function that builds the network of `NetworkSettings`, as `SEAResNet18_3D`."""
    return getattr(applications, MODELS[network.model])


def locate_weights(network: NetworkSettings) -> None:
    """Has the weights of `NetworkSettings` there, without reading them, or raises an error.

    Those of a name are fetched: before anything else that takes long.
    """
    checkpoints.locate(network.weights, builder_of(network).published)


def with_width(network: NetworkSettings) -> NetworkSettings:
    """`NetworkSettings` whose width is known: that of the weights, or 1."""
    if network.width is not None:
        return network
    checkpoint = checkpoints.read(network.weights, builder_of(network).published)
    width = builder_of(network).design.width(checkpoint) if checkpoint else 1.0
    return dataclasses.replace(network, width=width)


def base_arguments(network: NetworkSettings, classes: int) -> dict:
    """The arguments of the builder for `NetworkSettings`, without those of the modules."""
    told = {"preprocessing": PREPROCESSINGS[network.preprocessing]} if network.preprocessing else {}
    return {
        **told,
        "weights": network.weights,
        "input_shape": (network.frames, network.size, network.size, 3),
        "classes": classes,
        "width": with_width(network).width,
        "data_format": "channels_last",
    }


def build(network: NetworkSettings, classes: int) -> keras.Model:
    """Builds the network of some settings.

    Args:
        network: `settings.NetworkSettings`.
        classes: int.

    Returns:
        A `keras.Model`; see `SEAResNet18_3D`, also for what is raised.

    Example:

    >>> network = keras_seattn.settings.NetworkSettings(frames=8, size=32, width=0.1)
    >>> build(network, classes=3).output_shape
    (None, 3)
    """
    modules = (
        "se_stages", "sa_stages", "channel_reduction", "sequence_reduction", "attention_reduction",
    )  # fmt: skip
    return builder_of(network)(
        **base_arguments(network, classes), **{name: getattr(network, name) for name in modules}
    )
