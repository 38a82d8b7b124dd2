"""Frozen stages keep every weight and statistic while the rest is trained."""

import keras
import numpy as np
import pytest

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.training import fine_tuning_recipe, freeze_before

pytestmark = pytest.mark.usefixtures("eagerly")

SMALL = {"input_shape": (4, 32, 32, 3), "classes": 3, "width": 0.1}


@pytest.mark.parametrize("stage", [1, 3, 4, 5])
def test_only_the_rest_changes(stage):
    model = SEAResNet18_3D(**SMALL)
    freeze_before(model, stage)
    before = {variable.path: keras.ops.convert_to_numpy(variable) for variable in model.variables}
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    clips = np.random.default_rng(0).normal(0, 60, (6, 4, 32, 32, 3)).astype("float32")
    model.fit(clips, np.arange(6) % 3, batch_size=3, epochs=2, verbose=0)
    changed = {
        variable.path.split("/")[0]
        for variable in model.variables
        if not np.array_equal(before[variable.path], keras.ops.convert_to_numpy(variable))
    }
    frozen = ("stem", *(f"stage{earlier}" for earlier in range(1, stage)))
    assert not [name for name in changed if name.startswith(frozen)]
    trained = [f"stage{later}_block1_1_bn" for later in range(stage, 5)]
    assert {*trained, "predictions"} <= changed


def test_a_lower_stage_unfreezes():
    model = SEAResNet18_3D(**SMALL)
    everything = len(model.trainable_variables)
    freeze_before(model, 5)
    assert len(model.trainable_variables) == 2
    freeze_before(model, 1)
    assert len(model.trainable_variables) == everything - 3  # the stem's


def test_it_is_saved(tmp_path):
    model = freeze_before(SEAResNet18_3D(**SMALL), 4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"`stage` must be one of 1, 2, 3, 4, 5.*stage=6"):
        freeze_before(SEAResNet18_3D(**SMALL), 6)
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="other")
    with pytest.raises(ValueError, match=r"`model` must be a network of .*Received: other"):
        freeze_before(other, 2)


def test_the_fine_tuning_recipe():
    """0.001 with a dampening of 0.9 is 0.0001 here, for 128 clips; 1e-5 of decay behind it."""
    optimizer = fine_tuning_recipe(batch_size=32).optimizer
    assert float(optimizer.learning_rate) == pytest.approx(0.001 * 0.1 * 32 / 128)
    assert optimizer.weight_decay == pytest.approx(1e-5 / (1 - 0.9))
    assert float(fine_tuning_recipe(learning_rate=0.5).optimizer.learning_rate) == 0.5
    with pytest.raises(ValueError, match="`batch_size` must be"):
        fine_tuning_recipe(batch_size=0)
