"""FusedBatchNormalization is Keras' layer, in values, statistics and gradients."""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from keras_seattn.layers import FusedBatchNormalization

OPTIONS = {"momentum": 0.9, "epsilon": 1e-5}


def trained(layer, x, dtype="float32"):
    """Outputs before and after a training step, and all weights after it."""
    inputs = keras.Input(x.shape[1:])
    scaled = keras.layers.Dense(x.shape[-1], dtype=dtype, kernel_initializer="identity")
    model = keras.Model(inputs, layer(scaled(inputs)))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = model.predict(x, verbose=0)
    target = np.random.default_rng(1).normal(size=x.shape).astype("float32")
    model.train_on_batch(x, target)
    return [before, model.predict(x, verbose=0), *model.get_weights()]


@pytest.mark.parametrize(
    "dtype, shape",
    [
        ("float32", (4, 3, 5, 6, 8)),
        ("float32", (1, 1, 1, 1, 8)),
        ("float32", (4, 6, 8)),
        ("mixed_bfloat16", (4, 3, 5, 6, 8)),
        ("mixed_float16", (4, 3, 5, 6, 8)),
        ("float64", (4, 3, 5, 6, 8)),
    ],
)
@pytest.mark.parametrize("trainable", [True, False])
def test_equations_are_those_of_keras(dtype, shape, trainable):
    x = np.random.default_rng(0).normal(3, 2, shape).astype("float32")
    results = []
    for kind in (FusedBatchNormalization, keras.layers.BatchNormalization):
        layer = kind(**OPTIONS, dtype=dtype, trainable=trainable)
        layer.build(shape)
        generator = np.random.default_rng(2)
        layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        results.append(trained(layer, x, dtype))
    tolerance = {"mixed_bfloat16": 3e-2, "mixed_float16": 5e-3}.get(dtype, 1e-4)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(
            ours.astype("float32"), theirs.astype("float32"), rtol=tolerance, atol=tolerance
        )
    # The scaling in front has learned, so the layer has a gradient.
    assert np.abs(results[0][2] - np.eye(shape[-1])).max() > 1e-6 or shape[:4] == (1, 1, 1, 1)


class HarnessTest(TestCase):
    def test_keras_layer_harness(self):
        self.run_layer_test(
            FusedBatchNormalization,
            init_kwargs=OPTIONS,
            input_shape=(2, 3, 4, 5, 6),
            expected_output_shape=(2, 3, 4, 5, 6),
            expected_num_trainable_weights=2,
            expected_num_non_trainable_weights=2,
        )
