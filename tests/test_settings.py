"""Settings: what they check, what they say where nothing is said, and that files keep them."""

import dataclasses
import inspect
import json

import pytest

from keras_seattn import applications
from keras_seattn.applications import building
from keras_seattn.configuration import changed, fit_settings, read_config
from keras_seattn.settings import (
    MODELS,
    DataSettings,
    FitSettings,
    NetworkSettings,
    RunSettings,
    SearchSettings,
    parse_stages,
    stages_as_text,
)


@pytest.mark.parametrize("model", MODELS)
def test_defaults_are_those_of_the_builders(model):
    defaults = inspect.signature(getattr(applications, MODELS[model])).parameters
    network = NetworkSettings(model=model)
    for name in ("weights", "preprocessing"):
        assert getattr(network, name) == defaults[name].default
    for name in ("se_stages", "sa_stages", "width"):
        assert getattr(building.resolved(network), name) == defaults[name].default
    for name in ("channel_reduction", "sequence_reduction", "attention_reduction"):
        assert getattr(network, name) == defaults[name].default


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: NetworkSettings(model="vgg"), "`model` must be one of 'resnet18', "),
        (lambda: NetworkSettings(se_stages=(5,)), "`se_stages` must hold stages of 1, 2, 3, 4"),
        (lambda: DataSettings(dataset="ucf101"), "needs `data_dir` and `splits_dir`"),
        (lambda: DataSettings(dataset="imagenet"), "`dataset` must be one of 'motions'"),
        (lambda: DataSettings(split=4), "`split` must be one of 1, 2, 3"),
        (lambda: FitSettings(batch_size=0), "`batch_size` must be a whole number of 1 or more"),
        (lambda: FitSettings(seed=-1), "`seed` must be a whole number from 0"),
        (lambda: FitSettings(unreadable="warn"), "`unreadable` must be one of 'stop', 'skip'"),
        (lambda: RunSettings(recipe="fast"), "`recipe` must be one of None, 'paper'"),
        (lambda: RunSettings(train_from_stage=6), "`train_from_stage` must be one of None, 1"),
        (lambda: RunSettings(mixed_precision="half"), "`mixed_precision` must be one of 'auto'"),
        (lambda: RunSettings(seed=None), "`seed` must be a whole number"),
        (lambda: SearchSettings(seed=None), "`seed` must be a whole number"),
        (lambda: NetworkSettings(frames=0), "`frames` must be a whole number"),
        (lambda: NetworkSettings(frame_stride=0), "`frame_stride` must be a whole number"),
        (lambda: NetworkSettings(frame_rate=-1), "`frame_rate` must be a number of frames a sec"),
        (lambda: NetworkSettings(sampling="random"), "`sampling` must be one of None, 'consec"),
        (lambda: NetworkSettings(sampling="spread", frame_stride=2), "Give one of sampling="),
        (lambda: NetworkSettings(frame_rate=15, frame_stride=2), "Give one of sampling="),
        (lambda: FitSettings(clips_per_open=0), "`clips_per_open` must be a whole number"),
        (lambda: NetworkSettings(width=0), "`width` must be a number above 0"),
        (lambda: SearchSettings(tuner="annealing"), "`tuner` must be one of 'grid'"),
        (lambda: SearchSettings(worker_timeout=0), "`worker_timeout` must be a number of seconds"),
        (lambda: SearchSettings(max_trials=0), "`max_trials` must be a whole number"),
    ],
)
def test_what_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunSettings().epochs = 3


def test_settings_are_given_whole_or_by_name():
    run = RunSettings(epochs=5)
    assert fit_settings(FitSettings, run, {"seed": 7}) == dataclasses.replace(run, seed=7)
    assert fit_settings(FitSettings, None, {"epochs": 2}).epochs == 2
    with pytest.raises(TypeError, match="learning_rate"):
        fit_settings(FitSettings, None, {"learning_rate": 1})
    assert fit_settings(FitSettings, 3, {"seed": 1}) == FitSettings(epochs=3, seed=1)
    with pytest.raises(TypeError, match="epochs= and the like by name, not many"):
        fit_settings(FitSettings, "many", {})
    assert changed(run, {"epochs": 6, "output": "runs"}) == dataclasses.replace(run, epochs=6)


def test_a_file_keeps_them(tmp_path):
    network = NetworkSettings(se_stages=(), sa_stages=(3, 4), width=0.5)
    run = RunSettings(dataset="folder", data_dir="a", test_dir="b", crop_scales=(1.0, 0.5))
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**dataclasses.asdict(network), **dataclasses.asdict(run), "x": 1}))
    assert read_config(str(path)) == (network, run)


@pytest.mark.parametrize("stages", [(), (3,), (1, 2, 3, 4)])
def test_stages_as_text_and_back(stages):
    assert parse_stages(stages_as_text(stages)) == stages
