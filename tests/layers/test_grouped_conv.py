"""GroupedConv3D: values and both gradients on every path, against float64."""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase
from reference_convolution import gradients

from keras_seattn.doctor.references import convolve
from keras_seattn.layers import GroupedConv3D, tensorflow_cpu


class Features(keras.layers.Layer):
    """Trainable features in place of its input, so that a training step shows their gradient."""

    def __init__(self, features):
        super().__init__(dtype="float32")
        self.features = self.add_weight(
            features.shape, initializer=lambda *_, **__: features.copy()
        )

    def call(self, inputs):
        return self.features + 0 * inputs


def check(x, kernel_size, strides, groups, filters, dtype, data_format, tolerance):
    """Values, and the gradients of sum((y - target)**2 / 2), as SGD with the rate 1 takes them.

    The gradients depend on y. With a loss that is linear in y they would not, and then TensorFlow's
    optimizer of graphs may read weights for one gradient after they were updated by the other.
    """
    first = data_format == "channels_first"
    moved = np.moveaxis(x, -1, 1) if first else x
    source = Features(moved)
    layer = GroupedConv3D(
        filters, kernel_size, groups, strides=strides, data_format=data_format, dtype=dtype
    )
    inputs = keras.Input(batch_shape=moved.shape)
    model = keras.Model(inputs, layer(source(inputs)))
    kernel = layer.get_weights()[0].copy()  # TensorFlow may hand out the memory that it trains.
    y = keras.ops.convert_to_numpy(keras.ops.cast(model(np.zeros_like(moved)), "float32"))
    y = np.moveaxis(y, 1, -1) if first else y
    expected = convolve(x, kernel, layer.strides, groups=groups)
    np.testing.assert_allclose(y, expected, atol=tolerance * np.abs(expected).max())

    target = np.random.default_rng(1).normal(size=expected.shape).astype("float32")
    model.compile(
        keras.optimizers.SGD(1.0),
        loss=lambda t, y: keras.ops.sum(keras.ops.square(keras.ops.cast(y, "float32") - t)) / 2,
    )
    model.train_on_batch(np.zeros_like(moved), np.moveaxis(target, -1, 1) if first else target)
    dx = moved - keras.ops.convert_to_numpy(source.features)
    dx = np.moveaxis(dx, 1, -1) if first else dx
    dkernel = kernel - layer.get_weights()[0]
    expected = gradients(x, kernel, layer.strides, groups, expected - target)
    for found, wanted in zip((dx, dkernel), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize("groups, channels, filters", [(1, 4, 6), (2, 4, 6), (32, 64, 32)])
@pytest.mark.parametrize("strides", [1, 2, (1, 2, 2), (2, 1, 1)])
@pytest.mark.parametrize("size", [(4, 6, 7), (1, 5, 4)])
def test_equations_and_their_gradients(size, strides, groups, channels, filters):
    x = np.random.default_rng(0).normal(size=(2, *size, channels)).astype("float32")
    check(x, 3, strides, groups, filters, "float32", "channels_last", 1e-5)


@pytest.mark.parametrize("kernel_size", [(1, 3, 5), (5, 1, 3), 1])
def test_equations_of_other_kernels(kernel_size):
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 6, 8)).astype("float32")
    check(x, kernel_size, 2, 4, 8, "float32", "channels_last", 1e-5)


def test_equations_with_channels_first():
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 5, 8)).astype("float32")
    check(x, 3, 2, 4, 12, "float32", "channels_first", 1e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("groups", [1, 4])
def test_equations_in_other_precisions(dtype, strides, groups):
    x = np.random.default_rng(0).normal(size=(4, 2, 3, 3, 64)).astype("float32")
    tolerance = {"mixed_float16": 2e-3, "float64": 1e-6}[dtype]
    check(x, 3, strides, groups, 64, dtype, "channels_last", tolerance)


# By names that the tests of other backends leave out: oneDNN's gradients of bfloat16 kernels are
# wrong in PyTorch as well, and there this package has no say in them.
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("groups", [1, 4])
def test_bfloat16(strides, groups):
    x = np.random.default_rng(0).normal(size=(4, 2, 3, 3, 64)).astype("float32")
    check(x, 3, strides, groups, 64, "mixed_bfloat16", "channels_last", 2e-2)


def test_gradients_of_bfloat16_kernels_are_never_garbage():
    """oneDNN's own are, now and then, for just these shapes."""
    x = np.random.default_rng(0).normal(size=(16, 2, 3, 3, 64)).astype("float32")
    for _ in range(10):
        check(x, 3, 1, 1, 64, "mixed_bfloat16", "channels_last", 2e-2)


def test_sizes_that_are_not_known():
    layer = GroupedConv3D(8, 3, groups=4, strides=2)
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 5, 8)).astype("float32")
    inputs = [keras.Input((4, None, None, 8)), keras.Input((None, None, None, 8))]
    for tensor in inputs:
        y = keras.Model(tensor, layer(tensor)).predict(x, verbose=0)
        expected = convolve(x, layer.get_weights()[0], (2, 2, 2), groups=4)
        np.testing.assert_allclose(y, expected, atol=1e-5)


def test_a_graph_of_plain_operations():
    """No function in a function, and no compiled one, so that exporters can read it."""
    if not tensorflow_cpu.on_tensorflow_cpu():
        pytest.skip("about TensorFlow's graphs")
    import tensorflow as tf

    layer = GroupedConv3D(8, 3, groups=4)
    function = tf.function(layer).get_concrete_function(tf.TensorSpec((None, 4, 6, 6, 8)))
    names = {operation.type for operation in function.graph.get_operations()}
    assert "Conv2D" in names and not any("Call" in name for name in names)
    with tensorflow_cpu.operations("plain"):
        function = tf.function(layer).get_concrete_function(tf.TensorSpec((None, 4, 6, 6, 8)))
    names = [operation.type for operation in function.graph.get_operations()]
    assert names.count("Conv3D") == 1 and not any("Call" in name for name in names)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: GroupedConv3D(8, 3, groups=3), "`filters` must be divisible by `groups`.*8.*3"),
        (lambda: GroupedConv3D(8, 3, groups=0), "`groups` must be a whole number of 1 or more"),
        (lambda: GroupedConv3D(8, 2, groups=2), "`kernel_size` must be odd"),
        (
            lambda: GroupedConv3D(8, 3, groups=4)(np.zeros((1, 2, 4, 4, 6))),
            "channels must be divisible by groups=4. Received: 6 channels",
        ),
        (lambda: GroupedConv3D(8, 3, groups=4).build((1, 4, 4, 8)), "must have 5 dimensions"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class HarnessTest(TestCase):
    def test_keras_layer_harness(self):
        for data_format in ("channels_last", "channels_first"):
            self.run_layer_test(
                GroupedConv3D,
                init_kwargs={
                    "filters": 8,
                    "kernel_size": 3,
                    "groups": 4,
                    "strides": 2,
                    "data_format": data_format,
                },
                input_shape=(2, 4, 4, 4, 4),
                expected_output_shape=(2, 2, 2, 2, 8)
                if data_format == "channels_last"
                else (2, 8, 2, 2, 2),
                expected_num_trainable_weights=1,
            )
