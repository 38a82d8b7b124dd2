"""Explanations of networks inside of other models, with other heads and other channels."""

import keras
import numpy as np
import pytest

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.explain import (
    attention_map,
    class_activation_map,
    class_activations,
    excitations,
    grad_cam,
)

SHAPE = (8, 24, 24, 3)
OPTIONS = {"input_shape": SHAPE, "classes": 4, "width": 0.125}


def random_clip(*shape):
    return np.random.default_rng(0).normal(0, 1, shape or SHAPE).astype("float32")


def explanations(model, clip):
    """What the network's four kinds of explanation give, as arrays."""
    attention = attention_map(model, clip, 1)
    gates = excitations(model, clip)
    return [
        class_activations(model, clip, 2)[0],
        grad_cam(model, clip, 1, class_index=2),
        grad_cam(model, clip, 4, class_index=2),
        attention.weights,
        *(gate for stage in gates.values() for gate in stage),
    ]


def assert_same(model, reference, clip=None, reference_clip=None):
    clip = random_clip() if clip is None else clip
    expected = explanations(reference, clip if reference_clip is None else reference_clip)
    for values, wanted in zip(explanations(model, clip), expected, strict=True):
        np.testing.assert_allclose(values, wanted, atol=1e-5)
    assert class_activations(model, clip)[1] == class_activations(reference, clip)[1]


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return SEAResNet18_3D(**OPTIONS)


def test_behind_the_head(network):
    logits = SEAResNet18_3D(**OPTIONS, classifier_activation=None)
    logits.set_weights(network.get_weights())
    x = keras.layers.Activation("linear", dtype="float32")(logits.output)
    assert_same(keras.Model(logits.input, keras.layers.Softmax()(x)), network)


def test_networks_inside_of_models(network):
    clip = keras.Input(SHAPE)
    assert_same(keras.Model(clip, network(clip)), network)
    assert_same(keras.Sequential([keras.Input(SHAPE), keras.Sequential([network])]), network)
    scaled = keras.Model(clip, network(keras.layers.Rescaling(0.5)(clip)))
    assert_same(scaled, network, random_clip(), random_clip() / 2)


@pytest.mark.parametrize("pooling", ["avg", None])
def test_a_head_around_the_network(network, pooling):
    base = SEAResNet18_3D(**OPTIONS, include_top=False, pooling=pooling)
    pool = [] if pooling else [keras.layers.GlobalAveragePooling3D()]
    head = [*pool, keras.layers.Dropout(0.5), keras.layers.Dense(4, activation="softmax")]
    model = keras.Sequential([keras.Input(SHAPE), base, *head])
    model.set_weights(network.get_weights())
    assert_same(model, network)


def test_what_cannot_be_explained(network):
    clip = keras.Input(SHAPE)
    other = SEAResNet18_3D(**OPTIONS, name="other")
    two = keras.Model(clip, keras.layers.Average()([network(clip), other(clip)]))
    for explain in (class_activation_map, excitations):
        with pytest.raises(ValueError, match=r"must hold one network.*functional.* and "):
            explain(two, random_clip())
    hidden = keras.layers.Dense(8, activation="relu")(network.get_layer("average_pool").output)
    deep = keras.Model(network.input, keras.layers.Dense(4)(hidden), name="deep")
    with pytest.raises(ValueError, match=r"must end in GlobalAveragePooling3D and Dense.*deep"):
        class_activation_map(deep, random_clip())
    plain = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten()], name="plain")
    with pytest.raises(ValueError, match=r"has no squeeze-and-excitation.*plain"):
        excitations(plain, random_clip())
    for index in (1.5, "Rising", -1):
        with pytest.raises(ValueError, match="`class_index` must be a whole number from 0 to 3"):
            class_activation_map(network, random_clip(), index)
    quantized = SEAResNet18_3D(**OPTIONS, sa_stages=())
    quantized.quantize("int8")
    with pytest.raises(ValueError, match="`model` must not be quantized"):
        class_activation_map(quantized, random_clip())


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_numbers_of_channels(channels):
    last = SEAResNet18_3D(**{**OPTIONS, "input_shape": (*SHAPE[:3], channels)})
    options = {**OPTIONS, "input_shape": (channels, *SHAPE[:3]), "data_format": "channels_first"}
    first = SEAResNet18_3D(**options)
    first.set_weights(last.get_weights())
    clip = random_clip(*SHAPE[:3], channels)
    assert class_activation_map(last, clip).shape == SHAPE[:3]
    expected = explanations(last, clip)
    for values, wanted in zip(explanations(first, np.moveaxis(clip, -1, 0)), expected, strict=True):
        np.testing.assert_allclose(values, wanted, atol=1e-3)
