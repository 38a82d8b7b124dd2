"""The search space: what is built, and which reductions build the same network."""

import functools
import math

import keras_tuner
import numpy as np
import pytest
from tiny_network import TinyNetwork

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.tuning import ReductionHyperModel, build_model

pytestmark = pytest.mark.usefixtures("eagerly")

TINY = {"input_shape": (16, 16, 16, 3), "classes": 2, "width": 0.25}


def hidden_units(model):
    return [
        model.get_layer(f"stage{stage}_se_{axis}").reduce.units
        for axis in ("channel", "sequence")
        for stage in (1, 2, 3, 4)
    ]


def test_the_default_space_is_the_issues():
    hypermodel = ReductionHyperModel(**TINY)
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    spaces = {entry.name: entry.values for entry in hp.space}
    assert spaces == {
        "channel_reduction": [2, 4, 8, 16, 32, 64],
        "sequence_reduction": [1, 2, 4, 8],
    }
    assert set(
        model.evaluate(np.zeros((1, 16, 16, 16, 3)), np.zeros(1), verbose=0, return_dict=True)
    ) == {
        "loss",
        "clip_top1",
    }


def test_chosen_values_reach_the_network():
    hp = keras_tuner.HyperParameters()
    options = {
        "channel_reductions": (2, 4),
        "sequence_reductions": (1, 8),
        "attention_reductions": (2, 8),
        "se_stages": ((1, 2, 3, 4), ()),
        "sa_stages": ((1, 2, 3, 4), (3, 4)),
        "learning_rates": (1, 0.01),
    }
    build_model(hp, **options, **TINY)
    hp.values = {
        "channel_reduction": 4,
        "sequence_reduction": 8,
        "attention_reduction": 2,
        "se_stages": "1,2,3,4",
        "sa_stages": "3,4",
        "learning_rate": 0.01,
    }
    model = build_model(hp, **options, **TINY)
    # Widths 16, 32, 64, 128 and 8, 4, 2, 1 frames.
    assert hidden_units(model) == [4, 8, 16, 32, 1, 1, 1, 1]
    attention = [layer for layer in model.layers if "attention" in layer.name]
    assert [layer.name for layer in attention] == ["stage3_attention", "stage4_attention"]
    assert [layer.query.units for layer in attention] == [32, 64]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)


def test_the_paper_s_learning_rate_is_the_default():
    model = build_model(keras_tuner.HyperParameters(), batch_size=64, **TINY)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.1 * 64 / 128)


def test_a_user_s_own_tuner_searches_it(tmp_path):
    build = functools.partial(
        build_model,
        builder=TinyNetwork,
        channel_reductions=(2, 16),
        sequence_reductions=(2,),
        sa_stages=((),),
        input_shape=(4, 8, 8, 3),
        classes=2,
        width=0.05,
    )
    tuner = keras_tuner.RandomSearch(build, "val_loss", max_trials=2, directory=tmp_path, seed=1)
    clips, labels = np.random.normal(size=(4, 4, 8, 8, 3)), np.array([0, 1, 0, 1])
    tuner.search(clips, labels, validation_data=(clips, labels), epochs=1, verbose=0)
    found = {
        trial.hyperparameters.get("channel_reduction") for trial in tuner.oracle.trials.values()
    }
    assert found == {2, 16}
    assert math.isfinite(tuner.oracle.get_best_trials()[0].score)


@pytest.mark.parametrize("frames", [8, 16])
def test_equal_settings_build_equal_networks_and_others_do_not(frames):
    hypermodel = ReductionHyperModel(
        TinyNetwork,
        channel_reductions=(2, 32, 64, 128, 256),
        sequence_reductions=(1, 2, 4, 5, 8, 16, 100),
        input_shape=(frames, 16, 16, 3),
        classes=2,
        width=0.25,
    )
    # Written out from max(1, gates // reduction): 16 frames leave 8, 4, 2 and 1.
    largest_useful = {8: 4, 16: 5}[frames]
    base = hypermodel.settings({})
    for d in hypermodel.choices["sequence_reduction"]:
        distinct = hypermodel.distinct({**base, "sequence_reduction": d})["sequence_reduction"]
        assert distinct == min(d, largest_useful)
    for r in hypermodel.choices["channel_reduction"]:
        distinct = hypermodel.distinct({**base, "channel_reduction": r})["channel_reduction"]
        assert distinct == min(r, 128)
    networks = hypermodel.configurations()
    seen = {tuple(hidden_units(hypermodel.build_network(settings))) for settings in networks}
    assert len(seen) == len(networks) == 4 * {8: 3, 16: 4}[frames]


def test_the_text_names_equal_reductions():
    hypermodel = ReductionHyperModel(sequence_reductions=(1, 8, 16), **TINY)
    settings = hypermodel.settings({"sequence_reduction": 8})
    assert hypermodel.also(settings) == "the same network: d = 8, 16"
    assert hypermodel.also(hypermodel.settings({"sequence_reduction": 1})) == ""


def test_without_gates_the_reductions_do_not_matter():
    hypermodel = ReductionHyperModel(se_stages=((), (4,)), **TINY)
    networks = hypermodel.configurations()
    # Without gates one network; with them in stage 4 (1 frame, 128 channels) one for each r.
    assert [n["se_stages"] for n in networks].count(()) == 1
    assert len(networks) == 1 + 6


@pytest.mark.parametrize(
    "options, message",
    [
        ({"channel_reductions": (0, 2)}, "`channel_reductions` must be a whole number of 1"),
        ({"sequence_reductions": (-1,)}, "`sequence_reductions` must be a whole number of 1"),
        ({"attention_reductions": (2.5,)}, "`attention_reductions` must be a whole number"),
        ({"channel_reductions": ()}, "`channel_reductions` must hold at least one value"),
        ({"se_stages": ((1, 5),)}, "`se_stages` must hold stages"),
        ({"learning_rates": (0.0,)}, "`learning_rates` must hold numbers above 0"),
        ({"learning_rates": (None, 0.1)}, "`learning_rates` must hold either numbers or None"),
    ],
)
def test_bad_values_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        ReductionHyperModel(SEAResNet18_3D, **options)
