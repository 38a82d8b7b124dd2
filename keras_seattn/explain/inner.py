"""The inside of a network: features and logits of one clip, and maps brought to the clip's size."""

import weakref

import keras
import numpy as np
import scipy.ndimage

from keras_seattn.preprocessing import preprocess_input, preprocessing_of

_MODELS = weakref.WeakKeyDictionary()


def model_input(model, clip):
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
        raise ValueError(f"`clip` must have the shape {expected}. Received: {clip.shape}")
    if np.issubdtype(clip.dtype, np.integer):
        clip = preprocess_input(clip, data_format_of(model), preprocessing_of(model))
    return clip[None].astype("float32")


def check_model(model):
    """Raises a ValueError for what is not a Keras model, as exported ones, which hide all this."""
    if not isinstance(model, keras.Model):
        raise ValueError(
            "`model` must be a Keras model, for an exported one shows nothing of its inside: load "
            f"the .keras file that it came from. Received: {type(model).__name__}"
        )


def outputs_of(model, tensors, inputs):
    """The values of inner tensors of a model, as NumPy arrays.

    Args:
        model: functional `keras.Model`.
        tensors: tuple of the model's symbolic tensors.
        inputs: a batch of clips.

    Returns:
        list of float32 array.
    """
    models = _MODELS.setdefault(model, {})
    key = tuple(id(tensor) for tensor in tensors)
    if key not in models:
        models[key] = keras.Model(model.inputs[0], list(tensors))
    values = keras.tree.flatten(models[key](inputs, training=False))
    return [np.asarray(keras.ops.convert_to_numpy(value), "float32") for value in values]


def head(model):
    """The head of a network: `(features, kernel, bias)`.

    Args:
        model: functional `keras.Model` that ends in a global average pooling
            and a dense layer.

    Returns:
        The symbolic tensor that is pooled, and the dense layer's weights as
        arrays of shape `(channels, classes)` and `(classes,)`.

    Raises:
        ValueError: The model ends otherwise.
    """
    check_model(model)
    dense = model.layers[-1]
    pools = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.GlobalAveragePooling3D)
        and isinstance(dense, keras.layers.Dense)
        and dense.input is layer.output
    ]
    if not pools:
        raise ValueError(
            "`model` must end in GlobalAveragePooling3D and Dense, as the networks of "
            f"keras_seattn.applications with include_top=True do. Received: {model.name}"
        )
    kernel = keras.ops.convert_to_numpy(dense.kernel)
    bias = 0 if dense.bias is None else keras.ops.convert_to_numpy(dense.bias)
    return pools[0].input, kernel, np.broadcast_to(bias, kernel.shape[1:])


def stage_output(model, stage):
    """The symbolic output of stage 1 to 4 of a network, its modules included.

    Raises:
        ValueError: The model has no such stage.
    """
    names = [layer.name for layer in model.layers if layer.name.startswith(f"stage{stage}_")]
    if not names:
        raise ValueError(
            f"`stage` must be one of 1, 2, 3, 4 of a network of keras_seattn.applications. "
            f"Received: stage={stage}"
        )
    return model.get_layer(names[-1]).output


def channels_last(model, features):
    """Features of a clip, `(frames, height, width, channels)`, from a batch of one."""
    first = data_format_of(model) == "channels_first"
    return np.moveaxis(features[0], 0, -1) if first else features[0]


def data_format_of(model):
    """Where a model's input has its channels, `"channels_last"` or `"channels_first"`."""
    return "channels_last" if model.input_shape[-1] == 3 else "channels_first"


def resample(values, shape):
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
