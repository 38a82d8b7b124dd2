"""Self-attention maps: where one position of a frame takes its features from."""

import typing

import keras
import numpy as np

from keras_seattn.applications.parts import is_network, parts_of
from keras_seattn.errors import InputError
from keras_seattn.explain import inner
from keras_seattn.explain.class_activation import class_activations, map_shape
from keras_seattn.layers import FrameSelfAttention


class AttentionMap(typing.NamedTuple):
    """The self-attention of one frame, from one position.

    Attributes:
        heat: float32 array, `(height, width)` of the clip, from 0 to 1.
        weights: float32 array, `(height, width)` of the stage's features;
            they sum to 1.
        frame: int, the frame of the clip.
        position: `(y, x)` in pixels of the clip, from the top left.
    """

    heat: np.ndarray
    weights: np.ndarray
    frame: int
    position: tuple[int, int]


def attention_map(
    model: keras.Model,
    clip: np.ndarray,
    stage: int,
    *,
    frame: int | None = None,
    position: tuple[int, int] | None = None,
) -> AttentionMap:
    """Where one position of a frame takes its features from, in one stage.

    Args:
        model: a network with self-attention in that stage, or a model that
            holds one.
        clip: array in the shape of the model's input, without the batch axis:
            whole numbers are RGB from 0 to 255, others are preprocessed.
        stage: int from 1 to 4.
        frame: int, the frame of the clip; None means the most active one.
        position: `(y, x)`, the query's place in pixels of the clip; None means
            the most active one, where the class activations of the class of
            the highest logit are largest.

    Returns:
        An `AttentionMap`.

    Raises:
        ValueError: The stage has no self-attention, the clip another shape,
            or `frame` or `position` is outside of it.

    Source:
        Anvarov, Kim, Song 2020, Section 3.2, Figure 4: one row of the softmax.

    Example:

    >>> attention = keras_seattn.explain.attention_map(model, clip, stage=3, position=(56, 40))
    >>> attention.heat.shape
    (112, 112)
    """
    stages = attention_stages(model)
    if stage not in stages:
        raise InputError(
            f"`stage` must be one with self-attention: {list(stages) or 'the model has none'}. "
            f"Received: stage={stage}"
        )
    layer = stages[stage]
    frames, height, width = shape = map_shape(model, clip)
    if frame is None or position is None:
        activations, _ = class_activations(model, clip)
        active = np.argwhere(activations == activations.max())[0]
        active = (active + 0.5) / activations.shape * shape
        frame = int(active[0]) if frame is None else frame
        position = tuple(active[1:].astype(int)) if position is None else position
    inside = 0 <= frame < frames and 0 <= position[0] < height and 0 <= position[1] < width
    if not inside:
        raise InputError(
            f"`frame` and `position` must be inside of the clip of {frames} frames of {height} x "
            f"{width} pixels. Received: frame={frame}, position={tuple(position)}"
        )
    place = inner.Place(len(inner.levels_of(model)) - 1, layer.input)
    (features,) = inner.outputs_of(model, [place], inner.model_input(model, clip))
    _, attention = layer(features, return_attention=True)
    attention = keras.ops.convert_to_numpy(attention)[0]
    rows, columns = inner.channels_last(model, features).shape[1:3]
    at = frame * len(attention) // frames
    row, column = int(position[0] * rows // height), int(position[1] * columns // width)
    weights = attention[at, row * columns + column].reshape(rows, columns).astype("float32")
    position = (int(position[0]), int(position[1]))
    return AttentionMap(inner.resample(weights, (height, width)), weights, int(frame), position)


def attention_stages(model: keras.Model) -> dict[int, FrameSelfAttention]:
    """The stages of a network that have self-attention, a dict of int to `FrameSelfAttention`."""
    network = inner.levels_of(model)[-1].model
    return parts_of(network).attentions if is_network(network) else {}
