"""The recipes against the update rules that they stand for."""

import keras
import numpy as np
import pytest

from keras_seattn.training import paper_learning_rate, paper_recipe, quick_recipe


def minimise(optimizer, gradients, start):
    """The values of a variable after each step of a Keras optimizer."""
    variable = keras.Variable(np.array([start]), name="kernel")
    optimizer.build([variable])
    values = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(np.array([gradient], "float32"))])
        values.append(float(keras.ops.convert_to_numpy(variable.value)[0]))
    return np.array(values)


def upstream(gradients, start, learning_rate, momentum=0.9, dampening=0.9, weight_decay=0.0):
    """PyTorch's SGD with dampening, as its documentation defines it."""
    value, velocity, values = start, None, []
    for gradient in gradients:
        gradient = gradient + weight_decay * value
        first = velocity is None
        velocity = gradient if first else momentum * velocity + (1 - dampening) * gradient
        value -= learning_rate * velocity
        values.append(value)
    return np.array(values)


@pytest.mark.parametrize("frames, published", [(16, 0.1), (64, 0.01)])
def test_steps_are_those_of_the_paper(frames, published):
    gradients = np.random.default_rng(0).normal(size=200)
    gradients[0] = 0  # PyTorch does not dampen the very first gradient
    recipe = paper_recipe(frames=frames, weight_decay=0.0)
    steps = minimise(recipe.optimizer, gradients, start=1.0)
    np.testing.assert_allclose(steps, upstream(gradients, 1.0, published), rtol=1e-4, atol=1e-5)


def test_weight_decay_is_that_of_the_paper():
    steps = minimise(paper_recipe(weight_decay=1e-3).optimizer, np.zeros(800), start=1.0)
    expected = upstream(np.zeros(800), 1.0, 0.1, weight_decay=1e-3)
    assert expected[-1] < 0.93
    # PyTorch's decay lags by its momentum, ten steps of these 800.
    assert np.log(steps[-1]) == pytest.approx(np.log(expected[-1]), rel=0.03)


def test_only_kernels_are_decayed():
    inputs = keras.Input((4,))
    outputs = keras.layers.BatchNormalization()(keras.layers.Dense(3)(inputs))
    model = keras.Model(inputs, outputs)
    for weight in model.trainable_variables:
        weight.assign(np.ones(weight.shape))
    optimizer = paper_recipe(learning_rate=0.1, weight_decay=0.1).optimizer
    optimizer.build(model.trainable_variables)
    optimizer.apply([np.zeros(v.shape, "float32") for v in model.trainable_variables])
    values = {v.name: float(np.mean(v.numpy())) for v in model.trainable_variables}
    assert values == {"kernel": pytest.approx(0.9), "bias": 1, "gamma": 1, "beta": 1}


def test_what_is_not_decayed_is_known_after_loading(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile(paper_recipe().optimizer, "mse")
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 1)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    # Without a gradient, what is decayed shrinks and the rest stays.
    loaded.optimizer.learning_rate, loaded.optimizer.momentum = 0.1, 0.0
    before = loaded.get_weights()
    loaded.optimizer.apply([keras.ops.zeros(v.shape) for v in loaded.trainable_variables])
    changed = [not np.array_equal(a, b) for a, b in zip(before, loaded.get_weights(), strict=True)]
    assert changed == [True, False, True, False]


def test_learning_rates():
    assert paper_learning_rate(16) == pytest.approx(0.01)
    assert paper_learning_rate(64) == pytest.approx(0.001)
    assert paper_learning_rate(16, batch_size=32) == pytest.approx(0.0025)
    assert float(paper_recipe(learning_rate=0.3).optimizer.learning_rate) == pytest.approx(0.3)
    plateau = paper_recipe().callbacks[0]
    assert (plateau.monitor, plateau.factor, plateau.patience) == ("val_loss", 0.1, 10)


def test_quick_recipe_warms_up_and_decays():
    schedule = quick_recipe(steps=100, learning_rate=2e-3).optimizer._learning_rate
    rates = [float(schedule(step)) for step in range(101)]
    assert np.argmax(rates) == 10
    assert rates[10] == pytest.approx(2e-3)
    assert rates[0] == pytest.approx(1e-4)
    assert rates[100] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: paper_recipe(learning_rate=0), "`learning_rate` must be above 0"),
        (lambda: paper_recipe(weight_decay=-1), "`weight_decay` must not be below 0"),
        (lambda: paper_learning_rate(frames=0), "`frames` must be"),
        (lambda: quick_recipe(steps=0), "`steps` must be"),
        (lambda: quick_recipe(steps=9, learning_rate=-1), "`learning_rate` must be above 0"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
