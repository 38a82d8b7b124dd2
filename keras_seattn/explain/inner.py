"""The inside of a network: features and logits of one clip, and maps brought to the clip's size."""

import typing
import weakref
from collections.abc import Callable, Sequence

import keras
import numpy as np
import scipy.ndimage

from keras_seattn import arguments
from keras_seattn.applications.parts import is_network, parts_of
from keras_seattn.errors import InputError
from keras_seattn.preprocessing import preprocess_input, preprocessing_of

_PARTS = weakref.WeakKeyDictionary()


class Level(typing.NamedTuple):
    """A model on the way from the outermost one to the network inside of it.

    Attributes:
        model: functional `keras.Model`.
        entry: the symbolic tensor of this model that goes into the next level.
        exit: the one that comes out of the next level. Both are None for the
            network itself, which is the last level.
    """

    model: keras.Model
    entry: keras.KerasTensor | None = None
    exit: keras.KerasTensor | None = None


class Place(typing.NamedTuple):
    """A symbolic tensor inside of a model.

    Attributes:
        level: int, the level whose tensor it is.
        tensor: `keras.KerasTensor`.
    """

    level: int
    tensor: keras.KerasTensor


class Head(typing.NamedTuple):
    """The head of a network: a global average pooling and a dense layer.

    Attributes:
        pooled: `Place` of the features that are pooled.
        kernel: array, `(channels, classes)`, of the dense layer.
        bias: array, `(classes,)`.
    """

    pooled: Place
    kernel: np.ndarray
    bias: np.ndarray


def model_input(model: keras.Model, clip: np.ndarray) -> np.ndarray:
    """One clip as a batch that a model takes.

    Args:
        model: a `keras.Model` from clips to scores.
        clip: array in the shape of the model's input, without the batch axis:
            whole numbers are RGB from 0 to 255 and are preprocessed, others
            are preprocessed already.

    Returns:
        float32 array, `(1, *clip.shape)`.

    Raises:
        ValueError: The clip has another shape.
    """
    expected = tuple(model.input_shape[1:])
    clip = np.asarray(keras.ops.convert_to_numpy(clip))
    fits = len(clip.shape) == 4 and all(
        wanted in (None, size) for wanted, size in zip(expected, clip.shape, strict=True)
    )
    if not fits:
        raise InputError(f"`clip` must have the shape {expected}. Received: {clip.shape}")
    if np.issubdtype(clip.dtype, np.integer):
        clip = preprocess_input(clip, data_format_of(model), preprocessing_of(model))
    return clip[None].astype("float32")


def levels_of(model: keras.Model) -> list[Level]:
    """The way from a model to the network of `keras_seattn.applications` inside of it.

    Args:
        model: `keras.Model`: such a network, or a functional or sequential
            model that holds one at any depth, or one that holds none.

    Returns:
        list of `Level`, from `model` to the network; `[Level(model)]` for a
        network itself, and for a model that holds none.

    Raises:
        ValueError: It is no Keras model, or it holds several networks.
    """
    if not isinstance(model, keras.Model):
        raise InputError(
            "`model` must be a Keras model, for an exported one shows nothing of its inside: load "
            f"the .keras file that it came from. Received: {type(model).__name__}"
        )
    if is_network(model):
        return [Level(model)]
    calls = [call for call in _calls(model) if _holds_network(call[0])]
    if len(calls) > 1:
        raise InputError(
            "`model` must hold one network of keras_seattn.applications. Received: "
            f"{model.name}, which holds {' and '.join(inner.name for inner, *_ in calls)}. "
            "Explain each of them by itself: model.get_layer(name)."
        )
    if not calls:
        return [Level(model)]
    inner, entry, exit = calls[0]
    return [Level(model, entry, exit), *levels_of(inner)]


def outputs_of(model: keras.Model, places: Sequence[Place], inputs: np.ndarray) -> list[np.ndarray]:
    """The values of inner tensors of a model, as NumPy arrays.

    Args:
        model: functional `keras.Model`.
        places: list of `Place`, all of one level.
        inputs: a batch of clips.

    Returns:
        list of float32 array.
    """
    levels = levels_of(model)
    for level in levels[: places[0].level]:
        inputs = part(level.model, level.model.inputs[0], [level.entry])(inputs)[0]
    inner = levels[places[0].level].model
    values = part(inner, inner.inputs[0], [place.tensor for place in places])(inputs)
    return [np.asarray(keras.ops.convert_to_numpy(value), "float32") for value in values]


def between(model: keras.Model, start: Place, end: Place) -> Callable[[typing.Any], typing.Any]:
    """The function of a batch from one inner tensor of a model to a later one.

    Args:
        model: functional `keras.Model`.
        start: `Place`.
        end: `Place` behind it, of the same level or one further out.
    """
    levels, parts = levels_of(model), []
    while start.level > end.level:
        inner, outer = levels[start.level].model, levels[start.level - 1]
        parts.append(part(inner, start.tensor, inner.outputs))
        start = Place(start.level - 1, outer.exit)
    parts.append(part(levels[end.level].model, start.tensor, [end.tensor]))

    def run(x):
        for each in parts:
            (x,) = each(x)
        return x

    return run


def part(
    model: keras.Model, start: keras.KerasTensor, ends: Sequence[keras.KerasTensor]
) -> Callable[[typing.Any], list]:
    """The function of a batch from one of a model's symbolic tensors to a list of others."""
    if len(ends) == 1 and ends[0] is start:
        return lambda x: [x]
    parts = _PARTS.setdefault(model, {})
    key = (id(start), *map(id, ends))
    if key not in parts:
        parts[key] = keras.Model(start, list(ends))
    return lambda x: keras.tree.flatten(parts[key](x, training=False))


def head(model: keras.Model) -> Head:
    """The head of a network: what its class activations are made of.

    Args:
        model: functional `keras.Model` that ends in a global average pooling
            and a dense layer, with nothing but dropout between them and
            nothing but activations behind; or one that holds such a network.

    Returns:
        A `Head`.

    Raises:
        ValueError: The model ends otherwise.
    """
    levels = levels_of(model)
    layer: typing.Any = None
    place: typing.Any = None
    if getattr(model, "outputs", None):  # There are none in a graph of a subclass' own.
        activations = (keras.layers.Softmax, keras.layers.Activation)
        dense, place = _before(levels, Place(0, model.outputs[0]), activations)
        if isinstance(dense, keras.layers.Dense):
            layer, place = _before(levels, place, keras.layers.Dropout)
    if not isinstance(layer, keras.layers.GlobalAveragePooling3D):
        raise InputError(
            "`model` must end in GlobalAveragePooling3D and Dense, as the networks of "
            "keras_seattn.applications with include_top=True do; Dropout may be between them, and "
            f"Softmax or Activation behind. Received: {model.name}"
        )
    if dense.quantization_mode:
        raise InputError(
            "`model` must not be quantized: explain the model that it was made of. Received: "
            f"{model.name}, in {dense.quantization_mode}"
        )
    kernel = keras.ops.convert_to_numpy(dense.kernel)
    bias = 0 if dense.bias is None else keras.ops.convert_to_numpy(dense.bias)
    return Head(place, kernel, np.broadcast_to(bias, kernel.shape[1:]))


def _holds_network(model):
    return is_network(model) or any(_holds_network(inner) for inner, *_ in _calls(model))


def _calls(model):
    """`(inner model, tensor into it, tensor out of it)` for each call of a model in a graph."""
    calls, seen, waiting = [], set(), list(getattr(model, "outputs", ()))
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        operation, inputs = _origin(tensor)
        if isinstance(operation, keras.Model):
            calls.append((operation, inputs[0], tensor))
        waiting.extend(inputs)
    return calls


def _origin(tensor):
    """The layer that a symbolic tensor comes out of, and the tensors that went into it."""
    operation, node, _ = tensor._keras_history
    return operation, operation._inbound_nodes[node].input_tensors


def _before(levels, place, passed):
    """The first layer in front of a place, those of the types `passed` left out.

    It may be of a level further in or out. Returns it and the `Place` of its
    input, which is None where it has no input or several.
    """
    while True:
        level, tensor = place
        layer, inputs = _origin(tensor)
        if level + 1 < len(levels) and layer is levels[level + 1].model:
            place = Place(level + 1, layer.outputs[0])
        elif level and not inputs:
            place = Place(level - 1, levels[level - 1].entry)
        elif len(inputs) != 1:
            return layer, None
        elif isinstance(layer, passed):
            place = Place(level, inputs[0])
        else:
            return layer, Place(level, inputs[0])


def stage_output(model: keras.Model, stage: int) -> Place:
    """The `Place` of the output of stage 1 to 4 of a network, its modules included.

    Raises:
        ValueError: The model has no such stage.
    """
    levels = levels_of(model)
    stages = parts_of(levels[-1].model).stages
    arguments.one_of(stage, tuple(stages), "stage")
    return Place(len(levels) - 1, stages[stage].output)


def channels_last(model: keras.Model, features: np.ndarray) -> np.ndarray:
    """Features of a clip, `(frames, height, width, channels)`, from a batch of one."""
    first = data_format_of(model) == "channels_first"
    return np.moveaxis(features[0], 0, -1) if first else features[0]


def data_format_of(model: keras.Model) -> str:
    """Where the layers of a model have their channels: `"channels_last"` or `"channels_first"`."""
    layers = [layer for level in reversed(levels_of(model)) for layer in level.model.layers]
    formats = [layer.data_format for layer in layers if hasattr(layer, "data_format")]
    return formats[0] if formats else "channels_last"


def resample(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Stretches a map linearly to another shape and to values from 0 to 1.

    Args:
        values: array of 2 or 3 axes.
        shape: tuple of as many ints.

    Returns:
        float32 array of that shape; all 0 where `values` are all the same.
    """
    # Strided convolutions with odd kernels and padding on both sides: a feature is centred on the
    # pixel of its number times the stride, so the first one on the first pixel.
    strides = [_stride(new, old) for new, old in zip(shape, values.shape, strict=True)]
    places = np.meshgrid(
        *(np.arange(size) / stride for size, stride in zip(shape, strides, strict=True)),
        indexing="ij",
    )
    values = scipy.ndimage.map_coordinates(values, places, order=1, mode="nearest")
    values = values - values.min()
    return (values / max(values.max(), 1e-12)).astype("float32")


def _stride(size, features):
    """The product of strides of 2 that makes a number of features of an axis of a clip."""
    stride = 1
    while -(-size // stride) > features:
        stride *= 2
    return stride
