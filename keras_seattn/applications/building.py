"""Networks by their settings."""

import dataclasses

import keras

from keras_seattn import applications, checkpoints
from keras_seattn.applications.builders import Builder
from keras_seattn.preprocessing import HARA_2018, PREPROCESSINGS, Sampling
from keras_seattn.settings import MODELS, STAGES, NetworkSettings


def builder_of(network: NetworkSettings) -> Builder:
    """The function that builds the network of `NetworkSettings`, as `SEAResNet18_3D`."""
    return getattr(applications, MODELS[network.model])


def locate_weights(network: NetworkSettings) -> None:
    """Has the weights of `NetworkSettings` there, without reading them, or raises an error.

    Those of a name are fetched: before anything else that takes long.
    """
    checkpoints.locate(network.weights, builder_of(network).published)


def resolved(network: NetworkSettings, first_stage: int = 1) -> NetworkSettings:
    """`NetworkSettings` with nothing left open.

    The width is that of the weights, or 1. Modules come behind all stages that
    the network has them in; behind a frozen one only if the weights have them,
    for a new one there would stay the identity.

    Args:
        network: `NetworkSettings`.
        first_stage: int, the first stage that is trained; 5 is the head.
    """
    if None not in (network.width, network.se_stages, network.sa_stages):
        return network
    design = builder_of(network).design
    checkpoint = checkpoints.read(network.weights, builder_of(network).published)
    layers = checkpoint.layers() if checkpoint else set()
    width = design.width(checkpoint) if checkpoint else 1.0

    def stages(given, own, module):
        if given is not None:
            return given
        trained = [stage for stage in own if stage >= first_stage]
        return [s for s in STAGES if s in trained or f"stage{s}_{module}" in layers]

    return dataclasses.replace(
        network,
        width=width if network.width is None else network.width,
        se_stages=stages(network.se_stages, STAGES, "se_residual"),
        sa_stages=stages(network.sa_stages, design.sa_stages, "attention"),
    )


def base_arguments(network: NetworkSettings, classes: int) -> dict:
    """The arguments of the builder for `NetworkSettings`, without those of the modules."""
    preprocessing = _preprocessing(network)
    return {
        **({"preprocessing": preprocessing} if preprocessing else {}),
        "weights": network.weights,
        "input_shape": (network.frames, network.size, network.size, 3),
        "classes": classes,
        "width": resolved(network).width,
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
    network = resolved(network)
    return builder_of(network)(
        **base_arguments(network, classes), **{name: getattr(network, name) for name in modules}
    )


def _preprocessing(network):
    """What `NetworkSettings` say of the preprocessing; None if that is as the weights say."""
    known = network.preprocessing and PREPROCESSINGS[network.preprocessing]
    told = (network.sampling, network.frame_stride, network.frame_rate)
    if told == (None, None, None):
        return known
    if not known and network.weights:
        known = checkpoints.read(network.weights, builder_of(network).published).preprocessing
        if known is None:
            return None  # which loading the weights will find
    frames, stride, rate = told
    sampling = Sampling(frames or "consecutive", stride or 1, rate)
    return (known or HARA_2018)._replace(sampling=sampling)
