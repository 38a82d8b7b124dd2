"""What is set for a layer holds for the Dense layers in it, in files too."""

import keras
import numpy as np
import pytest
from tiny_network import TinyNetwork

from keras_seattn.layers import FrameSelfAttention, SqueezeExcite3D

LAYERS = [SqueezeExcite3D("channel", 2), SqueezeExcite3D("sequence", 2), FrameSelfAttention()]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_a_policy_set_after_building(layer, policy):
    layer = type(layer).from_config(layer.get_config())
    features = np.random.default_rng(0).normal(size=(1, 4, 4, 4, 16)).astype("float32")
    exact = layer(features)
    layer.dtype_policy = policy
    outputs = layer(features)
    assert keras.backend.standardize_dtype(outputs.dtype) == policy.removeprefix("mixed_")
    outputs = keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32"))
    np.testing.assert_allclose(outputs, exact, atol=0.05)


@pytest.mark.parametrize("modules", [{}, {"sa_stages": ()}, {"se_stages": ()}], ids=str)
def test_quantized_networks_come_back_from_their_files(modules, tmp_path, eagerly):
    model = TinyNetwork(input_shape=(8, 40, 40, 3), classes=5, width=0.125, **modules)
    for layer in model.layers:
        if isinstance(layer, FrameSelfAttention):
            layer.gamma.assign(1.0)
    model.quantize("int8")
    model.save(tmp_path / "quantized.keras")
    loaded = keras.models.load_model(tmp_path / "quantized.keras")
    clips = np.random.default_rng(0).normal(size=(2, 8, 40, 40, 3)).astype("float32")
    np.testing.assert_array_equal(loaded.predict(clips, verbose=0), model.predict(clips, verbose=0))
    assert any(
        x.quantization_mode == "int8"
        for layer in loaded.layers
        for x in layer._flatten_layers(include_self=False)
    )
