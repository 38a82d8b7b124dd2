"""Attention maps and gates are what the layers compute on the way."""

import keras
import numpy as np
import pytest

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.explain import attention_map, class_activations, excitations

pytestmark = pytest.mark.usefixtures("eagerly")

SHAPE = (16, 64, 48, 3)
OPTIONS = {"input_shape": SHAPE, "classes": 5, "width": 0.25}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return SEAResNet18_3D(**OPTIONS)


@pytest.fixture(scope="module")
def clip():
    return np.random.default_rng(0).normal(0, 60, SHAPE).astype("float32")


def input_of(model, name, clip):
    inner = keras.Model(model.inputs[0], model.get_layer(name).input)
    return keras.ops.convert_to_numpy(inner(clip[None]))


def test_a_row_of_the_softmax(model, clip):
    features = input_of(model, "stage2_attention", clip)[0, 2]  # of frames 8 to 11
    layer = model.get_layer("stage2_attention")
    query, key = (keras.ops.convert_to_numpy(getattr(layer, n).kernel) for n in ("query", "key"))
    rows, columns = features.shape[:2]
    row, column = 30 * rows // 64, 20 * columns // 48
    scores = (features.reshape(-1, features.shape[-1]) @ key) @ (features[row, column] @ query)
    expected = np.exp(scores - scores.max())
    expected = (expected / expected.sum()).reshape(rows, columns)

    attention = attention_map(model, clip, stage=2, frame=9, position=(30, 20))
    np.testing.assert_allclose(attention.weights, expected, atol=1e-4)
    assert attention.weights.sum() == pytest.approx(1, abs=1e-5)
    assert attention.heat.shape == SHAPE[1:3] and attention.heat.max() == 1
    assert (attention.frame, attention.position) == (9, (30, 20))


def test_the_most_active_position(model, clip):
    attention = attention_map(model, clip, stage=3)
    activations, _ = class_activations(model, clip)
    _, row, column = np.argwhere(activations == activations.max())[0]
    assert attention.position[0] * 2 // 64 == row and attention.position[1] * 2 // 48 == column


def test_gates(model, clip):
    gates = excitations(model, clip)
    assert list(gates) == [1, 2, 3, 4]
    assert [g.sequence.shape for g in gates.values()] == [(8,), (4,), (2,), (1,)]
    assert [g.channel.shape for g in gates.values()] == [(16,), (32,), (64,), (128,)]
    x = input_of(model, "stage1_se_channel", clip)
    layer = model.get_layer("stage1_se_channel")
    weights = [keras.ops.convert_to_numpy(w) for w in layer.weights]
    squeezed = x.astype("float64").mean(axis=(0, 1, 2, 3))
    excited = np.maximum(squeezed @ weights[0] + weights[1], 0) @ weights[2] + weights[3]
    np.testing.assert_allclose(gates[1].channel, 1 / (1 + np.exp(-excited)), atol=1e-4)
    y = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(y, x * gates[1].channel, atol=1e-3)


def test_some_stages_only(clip):
    model = SEAResNet18_3D(**OPTIONS, se_stages=(3,), sa_stages=(4,))
    assert list(excitations(model, clip)) == [3]
    assert attention_map(model, clip, 4).weights.shape == (2, 2)
    with pytest.raises(ValueError, match=r"one with self-attention: \[4\]. Received: stage=3"):
        attention_map(model, clip, 3)
    plain = SEAResNet18_3D(**OPTIONS, se_stages=(), sa_stages=())
    with pytest.raises(ValueError, match="`model` has no squeeze-and-excitation"):
        excitations(plain, clip)
    with pytest.raises(ValueError, match="the model has none"):
        attention_map(plain, clip, 1)


@pytest.mark.parametrize("where", [{"frame": 16}, {"position": (64, 0)}, {"position": (0, -1)}])
def test_outside_of_the_clip(model, clip, where):
    with pytest.raises(ValueError, match=r"`frame` and `position` must be inside.*16 frames of 64"):
        attention_map(model, clip, 1, **where)
