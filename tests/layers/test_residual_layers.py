"""PaddedConv3D, ZeroPaddedShortcut and ScaledResidual."""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from keras_seattn.doctor.references import convolve
from keras_seattn.layers import (
    PaddedConv3D,
    PaddedMaxPooling3D,
    ScaledResidual,
    ZeroPaddedShortcut,
)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    "kernel_size, strides",
    [(3, 1), (1, 1), (3, 2), (7, (1, 2, 2)), (1, 2), ((1, 3, 5), (2, 1, 2))],
)
def test_convolution_is_padded_alike_on_both_sides(kernel_size, strides, data_format):
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 7, 8)).astype("float32")
    layer = PaddedConv3D(4, kernel_size, strides=strides, data_format=data_format)
    y = layer(x if data_format == "channels_last" else np.moveaxis(x, -1, 1))
    y = keras.ops.convert_to_numpy(y)
    if data_format == "channels_first":
        y = np.moveaxis(y, 1, -1)
    expected = convolve(x, layer.get_weights()[0], layer.strides)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    shape = layer.compute_output_shape(
        x.shape if data_format == "channels_last" else np.moveaxis(x, -1, 1).shape
    )
    if data_format == "channels_first":
        shape = (shape[0], *shape[2:], shape[1])
    assert tuple(shape) == expected.shape


def test_convolution_refuses_even_kernels():
    with pytest.raises(ValueError, match="`kernel_size` must be odd"):
        PaddedConv3D(4, (3, 2, 3))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_zero_padded_shortcut(data_format):
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 7, 3)).astype("float32")
    expected = np.zeros((2, 2, 3, 4, 8), "float32")
    expected[..., :3] = x[:, ::2, ::2, ::2]
    layer = ZeroPaddedShortcut(8, strides=2, data_format=data_format)
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(x)), expected)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_zero_padded_shortcut_refuses_fewer_channels():
    with pytest.raises(ValueError, match="no fewer than the input's 8 channels"):
        ZeroPaddedShortcut(4, strides=2)(np.zeros((1, 2, 2, 2, 8)))


def test_scaled_residual_starts_where_told_and_learns():
    x, u = np.full((1, 2), 3.0, "float32"), np.full((1, 2), 10.0, "float32")
    layer = ScaledResidual(initial_value=0.5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer([x, u])), 8.0)
    assert len(layer.trainable_variables) == 1
    layer.beta.assign(0.0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer([x, u])), x)


class HarnessTest(TestCase):
    def test_padded_conv(self):
        for data_format in ("channels_last", "channels_first"):
            self.run_layer_test(
                PaddedConv3D,
                init_kwargs={
                    "filters": 4,
                    "kernel_size": 3,
                    "strides": 2,
                    "data_format": data_format,
                },
                input_shape=(2, 4, 4, 4, 4),
                expected_output_shape=(2, 2, 2, 2, 4)
                if data_format == "channels_last"
                else (2, 4, 2, 2, 2),
                expected_num_trainable_weights=1,
            )

    def test_zero_padded_shortcut(self):
        self.run_layer_test(
            ZeroPaddedShortcut,
            init_kwargs={"filters": 6, "strides": 2, "data_format": "channels_last"},
            input_shape=(2, 4, 4, 4, 4),
            expected_output_shape=(2, 2, 2, 2, 6),
            expected_num_trainable_weights=0,
            run_training_check=False,
        )

    def test_scaled_residual(self):
        self.run_layer_test(
            ScaledResidual,
            init_kwargs={"initial_value": 0.5},
            input_shape=((2, 3, 4), (2, 3, 4)),
            expected_output_shape=(2, 3, 4),
            expected_num_trainable_weights=1,
        )


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_max_pooling_is_padded_alike_on_both_sides(data_format, dtype):
    x = np.random.default_rng(0).uniform(0, 1, (2, 4, 7, 6, 3)).astype(dtype)
    padded = np.pad(x, [(0, 0), (1, 1), (1, 1), (1, 1), (0, 0)])
    expected = np.empty((2, 2, 4, 3, 3), dtype)
    for t, i, j in np.ndindex(2, 4, 3):
        window = padded[:, 2 * t : 2 * t + 3, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        expected[:, t, i, j] = window.max(axis=(1, 2, 3))
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    layer = PaddedMaxPooling3D(data_format, dtype=dtype)
    y = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y, expected, rtol=1e-6)  # float64 goes through float32 on a CPU
    assert layer.compute_output_shape(x.shape) == expected.shape
