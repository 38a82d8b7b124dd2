"""Preprocessing and class names travel with a network, or nobody guesses them."""

import keras
import numpy as np
import pytest

from keras_seattn import data, evaluation
from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.description import class_names_of, set_class_names
from keras_seattn.layers import ClipDescription
from keras_seattn.preprocessing import (
    HARA_2020,
    TORCHVISION,
    preprocess_input,
    preprocessing_of,
    restored_pixels,
)
from keras_seattn.training import quick_recipe, train

SMALL = {"input_shape": (4, 16, 16, 3), "classes": 3, "width": 0.1}
NAMES = ("Jump", "Walk", "Run")


@pytest.fixture
def network():
    model = SEAResNet18_3D(**SMALL)
    model.preprocessing, model.class_names = HARA_2020, NAMES
    return model


def features(model):
    return model.get_layer("average_pool").output


def sequential(model):
    return keras.Sequential([keras.Input((4, 16, 16, 3)), model])


def nested(model):
    inputs = keras.Input((4, 16, 16, 3))
    return keras.Model(inputs, model(keras.layers.RandomBrightness(0.1)(inputs)))


def softmax_behind(model):
    return keras.Model(model.input, keras.layers.Softmax()(model.output))


@pytest.mark.parametrize("preprocessing", [HARA_2020, TORCHVISION])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_pixels_are_restored_from_what_the_network_takes(preprocessing, data_format):
    frames = np.arange(256, dtype="uint8").repeat(3).reshape(1, 1, 16, 16, 3)
    given = frames if data_format == "channels_last" else np.moveaxis(frames, -1, 1)
    taken = preprocess_input(given, data_format, preprocessing)
    np.testing.assert_array_equal(restored_pixels(taken, data_format, preprocessing), frames)


SAME_HEAD = [lambda model: model, keras.models.clone_model, sequential, nested, softmax_behind]


@pytest.mark.parametrize("make", SAME_HEAD)
def test_models_made_of_a_network_know_what_it_knows(make, network, tmp_path):
    model = make(network)
    assert (preprocessing_of(model), class_names_of(model)) == (HARA_2020, NAMES)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (preprocessing_of(loaded), class_names_of(loaded)) == (HARA_2020, NAMES)


@pytest.mark.parametrize("classes", [3, 5])
def test_another_head_has_other_classes(classes, network):
    head = keras.layers.Dense(classes, activation="softmax")
    model = keras.Model(network.input, head(keras.layers.Dropout(0.5)(features(network))))
    assert (preprocessing_of(model), class_names_of(model)) == (HARA_2020, None)
    names = [str(number) for number in range(classes)]
    set_class_names(model, names)
    assert class_names_of(model) == tuple(names)
    assert network.class_names is None  # They share the layer, so that one knows, not both wrongly.
    with pytest.raises(ValueError, match=f"must hold {classes} names"):
        set_class_names(model, [*names, "more"])


def test_what_changes_clips_before_a_network_makes_its_knowledge_untrue(network):
    inputs = keras.Input((4, 16, 16, 3))
    model = keras.Model(inputs, network(keras.layers.Rescaling(1 / 255)(inputs)))
    with pytest.raises(ValueError, match="does not say how its clips are preprocessed"):
        preprocessing_of(model)
    model.preprocessing = HARA_2020
    assert preprocessing_of(model) == HARA_2020


def test_any_model_can_know():
    inputs = keras.Input((4, 16, 16, 3))
    x = ClipDescription(HARA_2020)(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling3D()(x))
    assert preprocessing_of(model) == HARA_2020


def test_models_that_nobody_asks_know_nothing(tiny_ucf101):
    catalog = data.load_ucf101(*tiny_ucf101, subset="test")
    inputs = keras.Input((4, 16, 16, 3))
    x = keras.layers.GlobalAveragePooling3D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    assert model.predict(np.zeros((1, 4, 16, 16, 3)), verbose=0).shape == (1, 2)
    with pytest.raises(ValueError, match=r"Set model\.preprocessing"):
        evaluation.evaluate(model, catalog, progress=False)
    with pytest.raises(ValueError, match=r"Set model\.preprocessing"):
        evaluation.predict(model, catalog.paths[0])
    model.preprocessing = HARA_2020
    with pytest.warns(UserWarning, match="does not know the names of its classes"):
        assert evaluation.evaluate(model, catalog, progress=False).videos == 6


def test_training_tells_any_model_the_names(tiny_ucf101, tmp_path):
    catalog = data.load_ucf101(*tiny_ucf101, subset="train")
    inputs = keras.Input((4, 16, 16, 3))
    x = keras.layers.GlobalAveragePooling3D()(ClipDescription(HARA_2020)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
    train(model, quick_recipe(2), catalog, catalog, tmp_path / "run", epochs=1, batch_size=6)
    prediction = evaluation.predict(tmp_path / "run" / "model.keras", catalog.paths[0])
    assert {name for name, _ in prediction.top} == {"Jump", "Walk"}


def test_two_networks_in_one_model():
    rgb, flow = (SEAResNet18_3D(name=name, **SMALL) for name in ("rgb", "flow"))
    scores = keras.layers.Average()([rgb(rgb.input), flow(flow.input)])
    model = keras.Model([rgb.input, flow.input], scores)
    clips = np.random.default_rng(0).normal(size=(2, 1, 4, 16, 16, 3))
    expected = (rgb(clips[0]) + flow(clips[1])) / 2
    np.testing.assert_allclose(model(list(clips)), expected, atol=1e-6)


def test_the_default_clip_follows_the_data_format(monkeypatch):
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    model = SEAResNet18_3D(width=0.1, classes=3)
    assert model.input_shape == (None, 3, 16, 112, 112)
    assert model.get_layer("stem_conv").kernel.shape == (7, 7, 7, 3, 6)
