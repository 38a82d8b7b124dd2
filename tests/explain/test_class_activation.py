"""Class activation maps: the identity that makes them exact, and where they point."""

import keras
import numpy as np
import pytest

from keras_seattn.applications import SEAResNet18_3D, SEAResNeXt101_3D
from keras_seattn.explain import class_activation_map, class_activations, grad_cam
from keras_seattn.explain.inner import resample
from keras_seattn.preprocessing import HARA_2020, preprocess_input

pytestmark = pytest.mark.usefixtures("eagerly")

SHAPE = (16, 64, 48, 3)
OPTIONS = {"input_shape": SHAPE, "classes": 5, "width": 0.25, "classifier_activation": None}


def random_clip(*shape):
    return np.random.default_rng(0).normal(0, 1, shape or SHAPE).astype("float32")


def with_random_modules(model):
    for layer in model.layers:
        if layer.name.endswith("_attention"):
            layer.gamma.assign(0.3)
    return model


def logits_of(model, clip):
    return keras.ops.convert_to_numpy(model(clip[None]))[0]


@pytest.mark.parametrize("builder", [SEAResNet18_3D, SEAResNeXt101_3D])
@pytest.mark.parametrize("modules", [{}, {"se_stages": (), "sa_stages": ()}])
def test_the_mean_of_the_map_and_the_bias_are_the_logit(builder, modules):
    model = with_random_modules(builder(**OPTIONS, **modules))
    kernel, _ = model.get_layer("predictions").get_weights()
    bias = np.linspace(-1, 1, 5, dtype="float32")
    model.get_layer("predictions").set_weights([kernel, bias])
    clip = random_clip()
    logits = logits_of(model, clip)
    for index in range(5):
        activations, same = class_activations(model, clip, index)
        assert same == index and activations.shape == (1, 2, 2)
        assert activations.mean() + bias[index] == pytest.approx(logits[index], abs=1e-4)
    assert class_activations(model, clip)[1] == logits.argmax()


def test_on_a_saved_model_and_under_mixed_precision(tmp_path):
    with_random_modules(SEAResNet18_3D(**OPTIONS)).save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    clip = random_clip()
    activations, index = class_activations(model, clip)
    assert activations.mean() == pytest.approx(logits_of(model, clip)[index], abs=1e-4)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = SEAResNet18_3D(**OPTIONS)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(model.get_weights())
    activations, index = class_activations(half, clip)
    assert activations.dtype == "float32"
    assert activations.mean() == pytest.approx(logits_of(half, clip)[index], abs=1e-4)


def test_channels_first():
    options = {**OPTIONS, "se_stages": (1, 2), "sa_stages": (3,)}
    last = SEAResNet18_3D(**options)
    options["input_shape"] = (3, *SHAPE[:3])
    first = SEAResNet18_3D(**options, data_format="channels_first")
    first.set_weights(last.get_weights())
    clip = random_clip()
    moved = np.moveaxis(clip, -1, 0)
    expected, _ = class_activations(last, clip, 2)
    np.testing.assert_allclose(class_activations(first, moved, 2)[0], expected, atol=1e-4)
    heat = class_activation_map(first, moved, 2)
    np.testing.assert_allclose(heat, class_activation_map(last, clip, 2), atol=1e-3)
    heat = grad_cam(first, moved, 2, class_index=2)
    np.testing.assert_allclose(heat, grad_cam(last, clip, 2, class_index=2), atol=1e-3)


def test_the_map_has_the_clips_size_and_runs_from_0_to_1():
    heat = class_activation_map(SEAResNet18_3D(**OPTIONS), random_clip())
    assert heat.shape == SHAPE[:3] and heat.dtype == "float32"
    assert (heat.min(), heat.max()) == (0, 1)


def test_whole_numbers_are_preprocessed_as_the_model_wants():
    model = SEAResNet18_3D(**OPTIONS)
    model.preprocessing = HARA_2020
    frames = np.random.default_rng(0).integers(0, 256, SHAPE).astype("uint8")
    ready = preprocess_input(frames, "channels_last", HARA_2020)
    np.testing.assert_array_equal(
        class_activations(model, frames, 0)[0], class_activations(model, ready, 0)[0]
    )


def test_features_are_laid_where_their_centres_are():
    """A bright spot in an otherwise empty clip lights the feature whose centre it is."""
    values = np.zeros((2, 4, 4))
    values[1, 2, 3] = 5
    heat = resample(values, (32, 112, 112))
    assert np.argwhere(heat == 1)[0].tolist() == [16, 64, 96]
    assert heat[0].max() == 0 and heat[16, 64, 80] == 0.5 and heat[16, 64, 64] == 0
    assert resample(np.ones((1, 2)), (4, 5)).max() == 0


def test_grad_cam_of_the_last_stage_is_the_positive_part_of_the_map():
    model = with_random_modules(SEAResNet18_3D(**OPTIONS))
    clip = random_clip()
    for index in range(5):
        activations, _ = class_activations(model, clip, index)
        expected = resample(np.maximum(activations, 0), SHAPE[:3])
        np.testing.assert_allclose(grad_cam(model, clip, 4, class_index=index), expected, atol=1e-4)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_grad_cam_against_differences(stage):
    """The gradient, by moving the features of a stage a little, channel by channel.

    In float64, for a step has to be so small that no ReLU behind the stage changes sides.
    """
    options = {**OPTIONS, "width": 0.05, "se_stages": (), "sa_stages": ()}
    model = SEAResNet18_3D(**options)
    keras.config.set_dtype_policy("float64")
    try:
        exact = SEAResNet18_3D(**options)
    finally:
        keras.config.set_dtype_policy("float32")
    exact.set_weights(model.get_weights())
    clip = random_clip()
    tensor = exact.get_layer(f"stage{stage}_block2_relu").output
    features = keras.ops.convert_to_numpy(keras.Model(exact.inputs[0], tensor)(clip[None]))
    rest = keras.Model(tensor, exact.get_layer("stage4_block2_relu").output)
    kernel = exact.get_layer("predictions").get_weights()[0]

    def logits(x):
        last = keras.ops.convert_to_numpy(rest(x))
        assert last.dtype == "float64"
        return last.mean(axis=(0, 1, 2, 3)) @ kernel

    slopes = np.zeros((features.shape[-1], 5))
    for k in range(len(slopes)):
        moved = np.zeros_like(features)
        moved[..., k] = 1e-7 * features.std()
        slopes[k] = (logits(features + moved) - logits(features - moved)) / (2 * moved.max())
    expected = np.maximum(features[0] @ slopes, 0)
    assert expected.any()
    for index in range(5):
        heat = grad_cam(model, clip, stage, class_index=index)
        np.testing.assert_allclose(heat, resample(expected[..., index], SHAPE[:3]), atol=1e-3)


@pytest.mark.parametrize(
    "options, call, message",
    [
        ({"include_top": False}, lambda m: class_activations(m, random_clip()), "must end in Glob"),
        ({}, lambda m: class_activations(m, random_clip(16, 32, 32, 3)), "`clip` must have the sh"),
        ({}, lambda m: class_activations(m, random_clip(2, *SHAPE)), "`clip` must have the shape"),
        ({}, lambda m: class_activation_map(m, random_clip(), 5), "`class_index` must be a whole"),
        ({}, lambda m: grad_cam(m, random_clip(), 5), "`stage` must be one of 1, 2, 3, 4"),
    ],
)
def test_wrong_arguments(options, call, message):
    with pytest.raises(ValueError, match=message):
        call(SEAResNet18_3D(**{**OPTIONS, "width": 0.1, **options}))
