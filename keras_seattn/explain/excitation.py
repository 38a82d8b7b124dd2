"""The gates of squeeze-and-excitation for one clip: which channels and frames a network hears."""

import typing

import keras
import numpy as np

from keras_seattn.applications.parts import is_network, parts_of
from keras_seattn.errors import InputError
from keras_seattn.explain import inner


class Excitations(typing.NamedTuple):
    """The gates of one stage, each from 0 (shut) to 1 (open).

    Attributes:
        channel: float32 array, `(channels,)`.
        sequence: float32 array, `(frames,)` of the stage's features.
    """

    channel: np.ndarray
    sequence: np.ndarray


def excitations(model: keras.Model, clip: np.ndarray) -> dict[int, Excitations]:
    """The gates that squeeze-and-excitation computes for a clip.

    Args:
        model: a network with squeeze-and-excitation, or a model that holds
            one.
        clip: array in the shape of the model's input, without the batch axis:
            whole numbers are RGB from 0 to 255, others are preprocessed.

    Returns:
        dict of int to `Excitations`, by stage.

    Raises:
        ValueError: No stage has such modules, or the clip has another shape.

    Source:
        Anvarov, Kim, Song 2020, Equations 2 and 4.

    Example:

    >>> gates = keras_seattn.explain.excitations(model, clip)
    >>> gates[1].sequence.shape
    (8,)
    """
    levels = inner.levels_of(model)
    network = levels[-1].model
    stages = parts_of(network).stages.items() if is_network(network) else ()
    layers = {
        (number, gate.axis): gate
        for number, stage in stages
        for gate in (stage.channel_gate, stage.sequence_gate)
        if gate
    }
    if not layers:
        raise InputError(
            "`model` has no squeeze-and-excitation: it must be a network of "
            "keras_seattn.applications that is built with it, or hold one. Received: "
            f"{network.name}"
        )
    places = [inner.Place(len(levels) - 1, layer.input) for layer in layers.values()]
    features = inner.outputs_of(model, places, inner.model_input(model, clip))
    gates = {
        place: keras.ops.convert_to_numpy(layer.gates(value))[0].astype("float32")
        for (place, layer), value in zip(layers.items(), features, strict=True)
    }
    return {
        stage: Excitations(gates[stage, "channel"], gates[stage, "sequence"])
        for stage in sorted({stage for stage, _ in gates})
    }
