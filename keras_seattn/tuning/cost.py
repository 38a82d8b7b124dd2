"""What a network costs: parameters, multiply-adds, and measured time."""

import math
import statistics
import time
import typing

import keras
import numpy as np

from keras_seattn.applications.parts import parts_of
from keras_seattn.layers import FrameSelfAttention, SqueezeExcite3D

_WARM_UP, _PASSES = 3, 11


class Cost(typing.NamedTuple):
    """What a network costs at inference, for one clip.

    Attributes:
        gate_parameters: int, of all squeeze-and-excitation layers.
        attention_parameters: int, of all self-attention layers.
        multiply_adds: int, see `count_multiply_adds`.
        milliseconds: float, measured; see `measure_inference`.
    """

    gate_parameters: int
    attention_parameters: int
    multiply_adds: int
    milliseconds: float

    @property
    def added_parameters(self) -> int:
        """int, what the modules add to the base network (but for the scalars beta)."""
        return self.gate_parameters + self.attention_parameters


def measure_cost(model: keras.Model) -> Cost:
    """The `Cost` of a model, on this machine."""
    parts = parts_of(model)
    return Cost(
        sum(layer.count_params() for layer in parts.gates),
        sum(layer.count_params() for layer in parts.attentions.values()),
        count_multiply_adds(model),
        measure_inference(model),
    )


def count_multiply_adds(model: keras.Model) -> int:
    """Counts the multiplications that are added up when a model sees one clip.

    Convolutions, dense layers, the gates with their scaling and the attention
    count; normalizations, activations and pooling do not.

    Args:
        model: a functional `keras.Model` with a fixed input size.

    Returns:
        int; floating-point operations are twice as many.

    Example:

    >>> model = keras_seattn.applications.SEAResNet18_3D(
    ...     width=0.25, se_stages=(), sa_stages=()
    ... )
    >>> count_multiply_adds(model)
    1138862080
    """
    return sum(_multiply_adds(layer) for layer in model.layers)


def measure_inference(model: keras.Model) -> float:
    """Measures the time of one forward pass of one clip, once compiled.

    Args:
        model: `keras.Model`.

    Returns:
        float, milliseconds, the median of 11 passes.
    """
    clip = np.zeros((1, *model.input_shape[1:]), "float32")
    times = []
    for _ in range(_WARM_UP + _PASSES):
        start = time.perf_counter()
        model.predict_on_batch(clip)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[_WARM_UP:])


def _multiply_adds(layer):
    if isinstance(layer, FrameSelfAttention):
        return _attention_multiply_adds(layer)
    if isinstance(layer, SqueezeExcite3D):
        return _kernels(layer) + math.prod(layer.output.shape[1:])
    if isinstance(layer, keras.layers.Dense):
        return _kernels(layer)
    if hasattr(layer, "kernel_size"):  # a convolution: each position of each filter
        channels = layer.output.shape[-1 if layer.data_format == "channels_last" else 1]
        return _kernels(layer) * math.prod(layer.output.shape[1:]) // channels
    return 0


def _attention_multiply_adds(layer):
    """Projections at each position, and both products of each frame's matrix of positions."""
    shape = layer.output.shape
    last = layer.data_format == "channels_last"
    frames, height, width = shape[1:4] if last else shape[2:5]
    positions = height * width
    hidden = _kernels(layer) // (4 * shape[-1 if last else 1])
    return frames * positions * (_kernels(layer) + 2 * positions * hidden)


def _kernels(layer):
    return sum(math.prod(w.shape) for w in layer.weights if len(w.shape) > 1)
