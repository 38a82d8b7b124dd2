"""Class activation maps: where and when a network sees a class."""

import operator

import keras
import numpy as np

from keras_seattn.errors import InputError
from keras_seattn.explain import inner


def class_activations(
    model: keras.Model, clip: np.ndarray, class_index: int | None = None
) -> tuple[np.ndarray, int]:
    """What every place of the last features adds to the logit of a class.

    M_c(t, y, x) = sum over k of w_{k,c} f_k(t, y, x), with the features f
    before the global average pooling and the weights w of the dense layer. The
    mean of M_c plus the bias of the class is its logit.

    Args:
        model: a network that ends in a global average pooling and a dense
            layer (see `keras_seattn.applications`), or a model that holds such
            a network. Dropout may be between the two, and activations behind.
        clip: array in the shape of the model's input, without the batch axis:
            whole numbers are RGB from 0 to 255, others are preprocessed.
        class_index: int; None means the class of the highest logit.

    Returns:
        `(activations, class_index)`: float32 array of the features' shape
        `(frames, height, width)`, not scaled; and int.

    Raises:
        ValueError: The model has another head, the clip another shape, or
            there is no such class.

    Source:
        Zhou et al. 2016, Equation 2, with frames beside height and width;
        Anvarov, Kim, Song 2020, Section 5.3.
    """
    pooled, kernel, bias = inner.head(model)
    (features,) = inner.outputs_of(model, [pooled], inner.model_input(model, clip))
    features = inner.channels_last(model, features)
    class_index = _class(class_index, features.mean(axis=(0, 1, 2)) @ kernel + bias)
    return features @ kernel[:, class_index], class_index


def class_activation_map(
    model: keras.Model, clip: np.ndarray, class_index: int | None = None
) -> np.ndarray:
    """Where and when a network sees a class, as a map of the clip's size.

    Args:
        model, clip, class_index: as for `class_activations`.

    Returns:
        float32 array, `(frames, height, width)` of the clip: the activations,
        resampled linearly and scaled to values from 0 to 1.

    Raises:
        ValueError: As `class_activations`.

    Source:
        Zhou et al. 2016; Anvarov, Kim, Song 2020, Section 5.3, Figures 9, 10.

    Example:

    >>> heat = keras_seattn.explain.class_activation_map(model, clip)
    >>> heat.shape
    (16, 112, 112)
    """
    activations, _ = class_activations(model, clip, class_index)
    return inner.resample(activations, map_shape(model, clip))


def map_shape(model: keras.Model, clip: np.ndarray) -> tuple[int, int, int]:
    """`(frames, height, width)` of a clip in the model's data format."""
    shape = np.shape(clip)
    return shape[1:] if inner.data_format_of(model) == "channels_first" else shape[:3]


def _class(class_index, logits):
    if class_index is None:
        return int(np.argmax(logits))
    try:
        index = operator.index(class_index)
    except TypeError:
        index = -1
    if not 0 <= index < len(logits):
        raise InputError(
            f"`class_index` must be a whole number from 0 to {len(logits) - 1}, the place of a "
            f"class in model.class_names. Received: class_index={class_index!r}"
        )
    return index
