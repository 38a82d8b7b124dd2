"""SqueezeExcite3D against NumPy float64 written from Equations 1 to 6, and Keras' own harness."""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from keras_seattn.doctor.references import squeeze_excite
from keras_seattn.layers import SqueezeExcite3D


def randomized(layer, shape, seed=0):
    layer.build(shape)
    generator = np.random.default_rng(seed)
    layer.set_weights([generator.normal(size=w.shape) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize(
    "axis, data_format, gated_axis",
    [
        ("channel", "channels_last", 4),
        ("sequence", "channels_last", 1),
        ("channel", "channels_first", 1),
        ("sequence", "channels_first", 2),
    ],
)
def test_equals_the_equations(axis, data_format, gated_axis):
    x = np.random.default_rng(1).normal(0.5, 1, (3, 6, 8, 5, 7)).astype("float32")
    layer = randomized(SqueezeExcite3D(axis, reduction=2, data_format=data_format), x.shape)
    expected = squeeze_excite(x, layer.get_weights(), gated_axis)
    y = keras.ops.convert_to_numpy(layer(x))
    assert np.max(np.abs(y - expected)) / np.max(np.abs(expected)) < 1e-5
    # The gates must matter for the comparison to mean anything.
    assert np.max(np.abs(y - x)) > 0.1


@pytest.mark.parametrize("reduction, hidden", [(2, 3), (4, 1), (64, 1)])
def test_hidden_units_are_at_least_one(reduction, hidden):
    layer = SqueezeExcite3D("sequence", reduction=reduction)
    layer.build((None, 6, 4, 4, 8))
    assert layer.reduce.units == hidden


class HarnessTest(TestCase):
    def test_keras_layer_harness(self):
        for axis in ("channel", "sequence"):
            for data_format in ("channels_last", "channels_first"):
                self.run_layer_test(
                    SqueezeExcite3D,
                    init_kwargs={"axis": axis, "reduction": 2, "data_format": data_format},
                    input_shape=(2, 4, 5, 3, 6),
                    expected_output_shape=(2, 4, 5, 3, 6),
                    expected_num_trainable_weights=4,
                    expected_num_non_trainable_weights=0,
                    expected_num_seed_generators=0,
                    expected_num_losses=0,
                    supports_masking=False,
                )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_does_not_overflow(policy):
    # The sum over 8 x 28 x 28 x 32 values of 8 is far above the largest float16.
    layer = SqueezeExcite3D("sequence", reduction=2, dtype=policy)
    y = layer(np.full((1, 8, 28, 28, 32), 8, "float32"))
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    assert np.all(np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(y, "float32"))))
    assert {w.dtype for w in layer.weights} == {"float32"}


def test_dynamic_batch_and_size():
    inputs = keras.Input((4, None, None, 6))
    outputs = SqueezeExcite3D("sequence", reduction=2)(inputs)
    assert outputs.shape == (None, 4, None, None, 6)
    model = keras.Model(inputs, outputs)
    assert model.predict(np.ones((3, 4, 5, 9, 6)), verbose=0).shape == (3, 4, 5, 9, 6)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"axis": "time"}, "`axis` must be one of 'channel', 'sequence'. Received: axis='time'"),
        ({"reduction": 0}, "`reduction` must be a whole number of 1 or more"),
        ({"reduction": 1.5}, "Received: reduction=1.5"),
        ({"data_format": "NCDHW"}, "`data_format` must be one of"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SqueezeExcite3D(**arguments)


def test_unknown_frames_and_wrong_rank_are_refused():
    with pytest.raises(ValueError, match="needs to know the number of frames"):
        SqueezeExcite3D("sequence")(keras.Input((None, 4, 4, 8)))
    with pytest.raises(ValueError, match="must have 5 dimensions"):
        SqueezeExcite3D("channel")(keras.Input((4, 4, 8)))
