"""Grad-CAM: where an inner stage finds what speaks for a class."""

import keras
import numpy as np

from keras_seattn.explain import inner
from keras_seattn.explain.class_activation import class_activations, map_shape


def grad_cam(
    model: keras.Model, clip: np.ndarray, stage: int, *, class_index: int | None = None
) -> np.ndarray:
    """Where the features of a stage speak for a class, as a map of the clip's size.

    relu(sum over k of a_k f_k(t, y, x)), with the features f of the stage and
    the mean a_k over all places of the gradient of the class's logit. At stage
    4 it is the positive part of the class activation map; earlier stages are
    finer, and less exact.

    Args:
        model, clip, class_index: as for `class_activations`.
        stage: int from 1 to 4.

    Returns:
        float32 array, `(frames, height, width)` of the clip, from 0 to 1.

    Raises:
        ValueError: As `class_activations`, or there is no such stage.

    Source:
        Selvaraju et al. 2017, Equations 1 and 2, with frames beside height
        and width.

    Example:

    >>> heat = keras_seattn.explain.grad_cam(model, clip, stage=3)
    """
    _, class_index = class_activations(model, clip, class_index)
    pooled, kernel, _ = inner.head(model)
    place = inner.stage_output(model, stage)
    (features,) = inner.outputs_of(model, [place], inner.model_input(model, clip))
    first = inner.data_format_of(model) == "channels_first"
    rest = inner.between(model, place, pooled)
    weights = keras.ops.convert_to_tensor(kernel[:, class_index])

    def logit(x):
        x = keras.ops.cast(rest(x), "float32")
        return keras.ops.sum(keras.ops.mean(x, (0, 2, 3, 4) if first else (0, 1, 2, 3)) * weights)

    gradient = _gradient(logit, features)
    importance = gradient.mean(axis=(2, 3, 4) if first else (1, 2, 3), keepdims=True)
    heat = inner.channels_last(model, features * importance).sum(axis=-1)
    heat = np.maximum(heat, 0)
    return inner.resample(heat, map_shape(model, clip))


def _gradient(function, x):
    """The gradient of a function of one array, on any backend, as a NumPy array."""
    x = keras.ops.convert_to_tensor(x)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        gradient = tape.gradient(value, x)
    elif keras.backend.backend() == "jax":
        import jax

        gradient = jax.grad(function)(x)
    else:
        import torch

        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(function(x), x)
    return keras.ops.convert_to_numpy(gradient)
