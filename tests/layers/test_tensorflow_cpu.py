"""Graphs for other runtimes compute the same."""

import numpy as np
import pytest

from keras_seattn.layers import FusedBatchNormalization, PaddedConv3D, PaddedMaxPooling3D
from keras_seattn.layers.tensorflow_cpu import operations


@pytest.mark.parametrize("kind", ["plain", "images"])
@pytest.mark.parametrize("frames", [1, 4, 5])
def test_other_operations_compute_the_same(kind, frames):
    x = np.random.default_rng(0).uniform(0, 1, (2, frames, 7, 6, 8)).astype("float32")
    for layer in (
        PaddedMaxPooling3D(),
        PaddedConv3D(4, 1),
        PaddedConv3D(4, 3, strides=2),
        FusedBatchNormalization(),
    ):
        expected = layer(x)
        with operations(kind):
            y = layer(x)
        np.testing.assert_allclose(y, expected, atol=1e-5)


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="`kind` must be one of 'fast', 'plain', 'images'"):
        with operations("slow"):
            pass
