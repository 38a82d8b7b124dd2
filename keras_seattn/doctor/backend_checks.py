"""What is checked in a process of its own for each backend: the layers, and a training step."""

from collections.abc import Callable, Iterator

import keras
import numpy as np

from keras_seattn.doctor import references
from keras_seattn.layers import (
    FrameSelfAttention,
    FusedBatchNormalization,
    GroupedConv3D,
    PaddedConv3D,
    PaddedMaxPooling3D,
    ScaledResidual,
    SqueezeExcite3D,
)

# Features behind stages 1, 3 and 4 of a network of 16 frames of 112 x 112 pixels. Stage 4 has one
# frame left, which is where libraries have gone wrong for several clips.
FEATURES = (
    (1, 8, 28, 28, 64),
    (2, 2, 7, 7, 256),
    (8, 1, 4, 4, 512),
    (32, 1, 4, 4, 256),  # of half the width
)
# The largest error, as a share of the largest value.
TOLERANCE = 1e-4


def checks() -> Iterator[tuple[str, Callable[[], float]]]:
    """Yields `(what, function)`; each returns the error, which should be below `TOLERANCE`."""
    yield "SqueezeExcite3D, channels", lambda: _each_stage(_squeeze_excite("channel", 4))
    yield "SqueezeExcite3D, sequence", lambda: _each_stage(_squeeze_excite("sequence", 1))
    yield "FrameSelfAttention", lambda: _each_stage(_self_attention)
    yield "FusedBatchNormalization", lambda: _each_stage(_batch_normalization)
    yield "GroupedConv3D", lambda: _each_stage(_grouped_convolution)
    yield "PaddedConv3D", _stem_convolution
    yield "PaddedMaxPooling3D", lambda: _each_stage(_max_pooling)
    yield "a training step", _training_step


def _each_stage(check):
    """The largest error of a check at the shapes of the stages."""
    return max(check(_random(shape)) for shape in FEATURES)


def _squeeze_excite(axis, number):
    def check(x):
        layer = _randomized(SqueezeExcite3D(axis, data_format="channels_last"), x.shape)
        return _error(layer(x), references.squeeze_excite(x, layer.get_weights(), number))

    return check


def _self_attention(x):
    layer = _randomized(FrameSelfAttention(data_format="channels_last"), x.shape)
    projections = (layer.query, layer.key, layer.value, layer.output_projection)
    weights = [projection.get_weights()[0] for projection in projections]
    expected, _ = references.self_attention(x, weights, keras.ops.convert_to_numpy(layer.gamma))
    return _error(layer(x), expected)


def _batch_normalization(x):
    layer = FusedBatchNormalization()
    layer.build(x.shape)
    gamma, beta, mean, variance = (_random(w.shape, seed) for seed, w in enumerate(layer.weights))
    variance = np.abs(variance) + 0.5
    layer.set_weights([gamma, beta, mean, variance])

    def error(y, *statistics):
        return _error(y, references.normalize(x, gamma, beta, *statistics, epsilon=layer.epsilon))

    return max(error(layer(x), mean, variance), error(layer(x, training=True), None, None))


def _grouped_convolution(x):
    layer = GroupedConv3D(x.shape[-1], 3, groups=32, strides=2, data_format="channels_last")
    layer = _randomized(layer, x.shape)
    return _error(layer(x), references.convolve(x, layer.get_weights()[0], (2, 2, 2), groups=32))


def _stem_convolution():
    x = _random((1, 16, 28, 28, 3))
    layer = PaddedConv3D(64, 7, strides=(1, 2, 2), data_format="channels_last")
    layer = _randomized(layer, x.shape)
    return _error(layer(x), references.convolve(x, layer.get_weights()[0], (1, 2, 2)))


def _max_pooling(x):
    x = np.abs(x)
    return _error(PaddedMaxPooling3D("channels_last")(x), references.max_pool(x))


def _training_step():
    """How far scores are from summing to 1 after a step; what is not finite comes out as NaN."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((2, 16, 16, 3))
    x = PaddedConv3D(32, 3, data_format="channels_last")(x)
    x = keras.layers.ReLU()(FusedBatchNormalization()(x))
    x = PaddedMaxPooling3D("channels_last")(x)
    x = GroupedConv3D(32, 3, groups=8, data_format="channels_last")(x)
    u = SqueezeExcite3D("channel", 4, data_format="channels_last")(x)
    u = SqueezeExcite3D("sequence", 2, data_format="channels_last")(u)
    x = ScaledResidual()([x, u])
    x = FrameSelfAttention(data_format="channels_last")(x)
    x = keras.layers.GlobalAveragePooling3D(data_format="channels_last")(x)
    model = keras.Model(inputs, keras.layers.Dense(4, activation="softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy")
    clips, labels = _random((8, 2, 16, 16, 3)), np.arange(8) % 4
    loss = model.train_on_batch(clips, labels)
    scores = model.predict_on_batch(clips)
    return np.max(np.abs(scores.sum(axis=1) - 1)) + 0 * float(loss)


def _randomized(layer, shape):
    layer.build(shape)
    fan_in = [np.prod(w.shape[:-1]) if len(w.shape) > 1 else 1 for w in layer.weights]
    layer.set_weights(
        [
            _random(tuple(w.shape), seed) / np.sqrt(fan)
            for seed, (w, fan) in enumerate(zip(layer.weights, fan_in, strict=True))
        ]
    )
    return layer


def _random(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def _error(y, expected):
    """The largest difference, as a share of the largest value; NaN where there are any."""
    y = keras.ops.convert_to_numpy(y)
    return np.max(np.abs(y - expected)) / np.max(np.abs(expected))
