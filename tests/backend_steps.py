"""Run by test_backends.py, on other backends in a process of its own.

Usage: backend_steps.py FOLDER: reads clips and weights there, writes logits.
"""

import dataclasses
import math
import os
import sys

import numpy as np
from weight_server import WeightServer

import keras_seattn

# isort: split
import keras

if keras.backend.backend() != "tensorflow":
    assert "tensorflow" not in sys.modules, "layers and networks must not need TensorFlow"

SHAPE = (8, 32, 32, 3)
OPTIONS = {"input_shape": SHAPE, "classes": 5, "width": 0.25, "classifier_activation": None}
BUILDERS = {
    "resnet18": keras_seattn.applications.SEAResNet18_3D,
    "resnext101": keras_seattn.applications.SEAResNeXt101_3D,
}


def write_reference(folder):
    """Clips, and for both networks weights and statistics that are random everywhere."""
    generator = np.random.default_rng(0)
    clips = generator.normal(0, 1, (2, *SHAPE)).astype("float32")
    np.save(os.path.join(folder, "clips.npy"), clips)
    for name, builder in BUILDERS.items():
        model = builder(**OPTIONS)
        for variable in model.variables:
            if variable.name in ("gamma", "beta", "bias", "moving_mean"):
                variable.assign(variable + generator.normal(0, 0.1, variable.shape))
            elif variable.name == "moving_variance":
                variable.assign(generator.uniform(0.5, 1.5, variable.shape))
        model.save_weights(os.path.join(folder, f"{name}.weights.h5"))


def write_logits(folder):
    clips = np.load(os.path.join(folder, "clips.npy"))
    for name, builder in BUILDERS.items():
        model = builder(weights=os.path.join(folder, f"{name}.weights.h5"), **OPTIONS)
        logits = model.predict(clips, verbose=0)
        np.save(os.path.join(folder, f"{name}-{keras.backend.backend()}.npy"), logits)


def fetch_by_name(folder):
    """A builder has its weights from a server, by their name."""
    builder, file = BUILDERS["resnet18"], "resnet18.weights.h5"
    expected = builder(weights=os.path.join(folder, file), **OPTIONS)
    parameters = sum(math.prod(weight.shape) for weight in expected.trainable_variables)
    with open(os.path.join(folder, file), "rb") as content:
        server = WeightServer({file: content.read()})
    builder.published["fetched"] = dataclasses.replace(
        builder.published["kinetics400"], file=file, classes=5, parameters=parameters
    )
    os.environ["KERAS_SEATTN_WEIGHTS"] = server.address
    with server:
        cache = os.path.join(folder, keras.backend.backend())
        model = builder(weights="fetched", cache_dir=cache, **OPTIONS)
    for weight, same in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def train_save_and_load(folder):
    """A small network learns four clips by heart, and is the same after saving."""
    keras.utils.set_random_seed(0)
    clips = np.random.default_rng(1).normal(0, 60, (4, 4, 32, 32, 3)).astype("float32")
    labels = np.arange(4)
    model = BUILDERS["resnet18"](input_shape=(4, 32, 32, 3), classes=4, width=0.125)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    history = model.fit(clips, labels, batch_size=4, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0], history
    path = os.path.join(folder, f"{keras.backend.backend()}.keras")
    model.save(path)
    expected = model.predict(clips, verbose=0)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(loaded.predict(clips, verbose=0), expected, atol=1e-5)


if __name__ == "__main__":
    write_logits(sys.argv[1])
    fetch_by_name(sys.argv[1])
    train_save_and_load(sys.argv[1])
