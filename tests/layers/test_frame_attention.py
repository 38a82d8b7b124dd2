"""FrameSelfAttention against NumPy float64 written from its equations, and Keras' own harness."""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from keras_seattn.doctor.references import self_attention
from keras_seattn.layers import FrameSelfAttention


def attend(x, layer):
    """y and A of the docstring's equations; channels last."""
    projections = (layer.query, layer.key, layer.value, layer.output_projection)
    weights = [projection.get_weights()[0] for projection in projections]
    return self_attention(x, weights, float(layer.gamma))


def randomized(layer, shape, seed=0, scale=1.0):
    layer.build(shape)
    generator = np.random.default_rng(seed)
    layer.set_weights([generator.normal(0, scale, w.shape) for w in layer.get_weights()])
    return layer


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_equals_the_equations(data_format):
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 4, 16)).astype("float32")
    layer = FrameSelfAttention(reduction=4, data_format=data_format)
    given = x if data_format == "channels_last" else np.moveaxis(x, -1, 1)
    randomized(layer, given.shape)
    expected, expected_attention = attend(x, layer)
    y, attention = layer(given, return_attention=True)
    y, attention = keras.ops.convert_to_numpy(y), keras.ops.convert_to_numpy(attention)
    if data_format == "channels_first":
        y = np.moveaxis(y, 1, -1)
    assert np.max(np.abs(y - expected)) / np.max(np.abs(expected)) < 1e-5
    assert np.max(np.abs(attention - expected_attention)) < 1e-5
    np.testing.assert_allclose(attention.sum(axis=-1), 1, rtol=1e-5)
    assert np.max(np.abs(y - x)) > 0.1


def test_equals_the_equations_for_every_number_of_clips_and_frames():
    """Some products of TensorFlow are wrong for one frame, or end the process.

    Other backends compile each shape anew, for seconds, and are held to a few.
    """
    batches = range(1, 33) if keras.backend.backend() == "tensorflow" else (1, 2, 32)
    layer = randomized(FrameSelfAttention(), (None, None, 2, 3, 16), scale=0.5)
    model = keras.Sequential([layer])
    generator = np.random.default_rng(5)
    for frames in (1, 2, 3, 4):
        for batch in batches:
            x = generator.normal(size=(batch, frames, 2, 3, 16)).astype("float32")
            expected, expected_attention = attend(x, layer)
            y, attention = layer(x, return_attention=True)
            for given in (y, model.predict_on_batch(x)):
                np.testing.assert_allclose(keras.ops.convert_to_numpy(given), expected, atol=1e-4)
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(attention), expected_attention, atol=1e-5
            )


# As in stage 4 of networks of 16 frames, of 112 and of 224 pixels.
@pytest.mark.parametrize("shape", [(32, 1, 4, 4, 256), (8, 1, 4, 4, 512), (2, 1, 7, 7, 64)])
def test_equals_the_equations_for_one_frame_of_many_channels(shape):
    x = np.random.default_rng(6).normal(size=shape).astype("float32")
    layer = randomized(FrameSelfAttention(), shape, scale=0.05)
    expected, _ = attend(x, layer)
    for y in (layer(x), keras.Sequential([layer]).predict_on_batch(x)):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(y), expected, atol=1e-4)


def test_starts_as_the_identity():
    x = np.random.default_rng(0).normal(size=(1, 2, 3, 3, 8)).astype("float32")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(FrameSelfAttention()(x)), x)


def test_frames_never_mix():
    x = np.random.default_rng(2).normal(size=(1, 6, 4, 4, 8)).astype("float32")
    layer = randomized(FrameSelfAttention(reduction=2), x.shape)
    order = [3, 0, 5, 1, 4, 2]
    permuted = keras.ops.convert_to_numpy(layer(x[:, order]))
    in_order = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(permuted, in_order[:, order], atol=1e-5)
    changed = x.copy()
    changed[:, 2] += 1
    difference = keras.ops.convert_to_numpy(layer(changed)) - in_order
    assert np.flatnonzero(np.abs(difference).max(axis=(0, 2, 3, 4)) > 1e-4).tolist() == [2]


class HarnessTest(TestCase):
    def test_keras_layer_harness(self):
        for data_format in ("channels_last", "channels_first"):
            self.run_layer_test(
                FrameSelfAttention,
                init_kwargs={"reduction": 2, "data_format": data_format},
                input_shape=(2, 4, 5, 3, 6),
                expected_output_shape=(2, 4, 5, 3, 6),
                expected_num_trainable_weights=5,
                expected_num_non_trainable_weights=0,
                expected_num_seed_generators=0,
                expected_num_losses=0,
                supports_masking=False,
            )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_the_softmax_is_float32_under_mixed_precision(policy):
    x = np.random.default_rng(3).normal(size=(1, 1, 28, 28, 8)).astype("float32")
    layer = randomized(FrameSelfAttention(reduction=1, dtype=policy), x.shape, scale=0.1)
    y, attention = layer(x, return_attention=True)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(attention.dtype) == "float32"
    # 784 weights of about 1/784 sum to 1 in float32; in half precision the error is above 1e-4.
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(attention).sum(axis=-1), 1, atol=1e-5, rtol=0
    )
    assert {w.dtype for w in layer.weights} == {"float32"}


def test_dynamic_batch_and_frames():
    inputs = keras.Input((None, 5, 3, 8))
    outputs = FrameSelfAttention()(inputs)
    assert outputs.shape == (None, None, 5, 3, 8)
    model = keras.Model(inputs, outputs)
    assert model.predict(np.ones((2, 7, 5, 3, 8)), verbose=0).shape == (2, 7, 5, 3, 8)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_attention_is_an_output_of_a_model(data_format, tmp_path):
    shape = (4, 5, 3, 8) if data_format == "channels_last" else (8, 4, 5, 3)
    inputs = keras.Input(shape)
    layer = FrameSelfAttention(data_format=data_format, dtype="mixed_bfloat16")
    outputs, attention = layer(inputs, return_attention=True)
    assert (outputs.shape, outputs.dtype) == ((None, *shape), "bfloat16")
    assert (attention.shape, attention.dtype) == ((None, 4, 15, 15), "float32")
    keras.Model(inputs, [outputs, attention]).save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    outputs, attention = model.predict(np.ones((2, *shape)), verbose=0)
    assert outputs.shape == (2, *shape)
    np.testing.assert_allclose(attention, np.full((2, 4, 15, 15), 1 / 15), rtol=1e-5)


def test_the_attention_of_frames_of_any_size():
    _, attention = FrameSelfAttention()(keras.Input((4, None, 3, 8)), return_attention=True)
    assert attention.shape == (None, 4, None, None)


def test_int8_weights():
    x = np.random.default_rng(4).normal(size=(2, 3, 4, 4, 32)).astype("float32")
    layer = randomized(FrameSelfAttention(), x.shape, scale=0.2)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    before = model.predict(x, verbose=0) - x
    model.quantize("int8")
    after = model.predict(x, verbose=0) - x
    assert layer.output_projection.kernel.dtype == "int8"
    assert np.abs(after - before).max() < 0.1 * np.abs(before).max()


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`reduction` must be a whole number of 1 or more"):
        FrameSelfAttention(reduction=-1)
    with pytest.raises(ValueError, match="must have 5 dimensions"):
        FrameSelfAttention()(keras.Input((4, 4, 8)))
    with pytest.raises(ValueError, match="needs to know the number of channels"):
        FrameSelfAttention()(keras.Input((4, 4, 4, None)))
