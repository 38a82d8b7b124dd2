"""A search in this process, on a tiny data set: what it writes, picks, refuses and goes on with."""

import contextlib
import csv
import glob
import json
import math
import os
import pathlib
import re
import shutil
import socket
import types

import pytest
import tensorflow as tf
from tiny_network import TinyNetwork

from keras_seattn import training
from keras_seattn.data import Catalog, VideoError, load_ucf101, video_group
from keras_seattn.data.records import open_records, write_records
from keras_seattn.errors import StorageError
from keras_seattn.evaluation import evaluate, load_model
from keras_seattn.folder_lock import FolderLock
from keras_seattn.tuning import (
    Cost,
    ReductionHyperModel,
    SearchError,
    executions,
    search,
    search_reductions,
    tuner,
)

pytestmark = pytest.mark.usefixtures("eagerly")

NETWORK = {"builder": TinyNetwork, "input_shape": (8, 16, 16, 3), "classes": 2}
SPACE = {"channel_reductions": (2,), "sequence_reductions": (1, 4, 8), "sa_stages": ((),)}


@pytest.fixture
def arguments(tiny_ucf101, tmp_path):
    catalogs = [load_ucf101(*tiny_ucf101, subset=subset) for subset in ("train", "test")]
    return {
        "hypermodel": ReductionHyperModel(**SPACE, **NETWORK),
        "train_catalog": catalogs[0],
        "test_catalog": catalogs[1],
        "output_dir": str(tmp_path / "out"),
        "epochs": 1,
        "batch_size": 4,
    }


@pytest.fixture
def catalogs_used(monkeypatch):
    """What was trained on, validated on and tested on, by the paths of its videos."""
    used = {"training": [], "validation": [], "test": []}
    fit = tuner.fit

    def record_fit(model, recipe, train_catalog, validation_catalog, **options):
        used["training"].append(train_catalog.paths)
        used["validation"].append(validation_catalog.paths)
        return fit(model, recipe, train_catalog, validation_catalog, **options)

    def record_evaluate(model, catalog, *size, **options):
        used["test"].append(catalog.paths)
        return evaluate(model, catalog, *size, **options)

    monkeypatch.setattr(tuner, "fit", record_fit)
    monkeypatch.setattr(search, "evaluate", record_evaluate)
    return used


def test_a_search(arguments, catalogs_used):
    result = search_reductions(**arguments, executions_per_trial=2, command="python x")
    output = arguments["output_dir"]

    # d = 4 and d = 8 are one network with the 4, 2, 1 and 1 frames of these stages.
    assert [trial.settings["sequence_reduction"] for trial in result.trials] == [1, 4]
    assert result.trials[1].also == "the same network: d = 4, 8"
    assert all(len(trial.scores) == 2 for trial in result.trials)

    used = catalogs_used
    assert len(used["training"]) == len(used["validation"]) == 4
    train, test = arguments["train_catalog"].paths, arguments["test_catalog"].paths
    for training_paths, validation_paths in zip(used["training"], used["validation"], strict=True):
        assert sorted(training_paths + validation_paths) == sorted(train)
        groups = [{video_group(p) for p in part} for part in (training_paths, validation_paths)]
        assert not groups[0] & groups[1]
    assert used["test"] == [test]

    # What is said of the test videos is what the saved model does.
    saved = load_model(os.path.join(output, "model.keras"))
    assert list(saved.class_names) == ["Jump", "Walk"]
    assert (
        saved.get_layer("stage1_se_sequence").reduction
        == (result.best.settings["sequence_reduction"])
    )
    assert evaluate(saved, arguments["test_catalog"]).top1 == result.test.top1
    assert result.validation_videos == len(used["validation"][0]) == 2

    with open(os.path.join(output, "trials.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["objective"]) for row in rows] == [trial.score for trial in result.trials]
    assert [row["sequence_reduction"] for row in rows] == ["1", "4"]
    assert {row["executions"] for row in rows} == {"2"}
    with open(os.path.join(output, "search.html"), encoding="utf-8") as file:
        page = file.read()
    assert "the same network: d = 4, 8" in page and "python x" in page
    assert "2 validation videos held out" in page
    assert os.path.getsize(os.path.join(output, "trade_off.png")) > 0

    # The same again trains nothing and does not look at the test videos.
    again = search_reductions(**arguments, executions_per_trial=2)
    assert again == result
    assert len(used["training"]) == 4 and len(used["test"]) == 1

    # Nor does it when Keras Tuner's files are lost.
    shutil.rmtree(os.path.join(output, "keras_tuner"))
    assert search_reductions(**arguments, executions_per_trial=2) == result
    assert len(used["training"]) == 4 and len(used["test"]) == 1

    # Another space in the same folder is refused, and nothing is changed.
    before = sorted(os.listdir(output))
    other = ReductionHyperModel(**{**SPACE, "channel_reductions": (2, 4)}, **NETWORK)
    with pytest.raises(ValueError, match=r"channel_reduction is \[2\], and now \[2, 4\].*resume"):
        search_reductions(**{**arguments, "hypermodel": other}, executions_per_trial=2)
    assert sorted(os.listdir(output)) == before


def test_records_are_searched_too(arguments, catalogs_used, tmp_path):
    for name in ("train", "test"):
        write_records(arguments[f"{name}_catalog"], tmp_path / name, shards=1, workers=1)
        arguments[f"{name}_catalog"] = open_records(tmp_path / name)
    result = search_reductions(**arguments)
    assert [trial.status for trial in result.trials] == ["completed"] * 2
    (training, _), (validation, _) = catalogs_used["training"], catalogs_used["validation"]
    assert sorted(training + validation) == arguments["train_catalog"].paths
    assert (len(validation), result.validation_videos, result.test.videos) == (2, 2, 6)


def test_a_trial_that_diverges_is_failed_and_the_search_goes_on(arguments, catalogs_used):
    hypermodel = ReductionHyperModel(
        **{**SPACE, "sequence_reductions": (1,), "learning_rates": (1e30, 1e-3)}, **NETWORK
    )

    def recipe(epochs, training_videos, learning_rate):
        assert training_videos == 4  # of six, two are held out
        return training.paper_recipe(8, 4, learning_rate)

    result = search_reductions(
        **{**arguments, "hypermodel": hypermodel, "epochs": 2}, recipe=recipe
    )
    assert [trial.status for trial in result.trials] == ["failed", "completed"]
    assert "diverged" in result.trials[0].message
    assert result.best is result.trials[1]
    assert "failed" in str(result) and "learning rate 1e+30" in str(result)
    search_reductions(**{**arguments, "hypermodel": hypermodel, "epochs": 2}, recipe=recipe)
    assert len(catalogs_used["training"]) == 2


def test_going_on_counts_how_often_the_test_videos_were_seen(arguments, catalogs_used, monkeypatch):
    first = search_reductions(**arguments, max_trials=1)
    assert first.test.seen == 1
    monkeypatch.setattr(tuner, "fit", fake_fit)  # The second trial is better, whatever came out.
    second = search_reductions(**{**arguments, "output_dir": arguments["output_dir"] + "/"})
    assert second.best is second.trials[1] and second.test.seen == 2
    assert len(catalogs_used["test"]) == 2
    with open(os.path.join(arguments["output_dir"], "search.html"), encoding="utf-8") as file:
        assert "seen 2 times" in file.read()


def test_a_trial_without_enough_memory_is_failed_and_the_search_goes_on(arguments, monkeypatch):
    def fit(model, *arguments, **options):
        if model.get_layer("stage1_se_sequence").reduction == 1:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        return fake_fit(model, *arguments, **options)

    monkeypatch.setattr(tuner, "fit", fit)
    result = search_reductions(**arguments)
    assert [trial.status for trial in result.trials] == ["failed", "completed"]
    assert "OOM when allocating" in result.trials[0].message


@pytest.fixture
def fits(monkeypatch):
    """The ratios d of what was trained, in order; all that takes time is a stand-in."""
    trained = []
    test = types.SimpleNamespace(
        top1=0.5, intervals={"top1": (0.4, 0.6)}, videos=6, headline="50.0% of 6 videos"
    )
    monkeypatch.setattr(search, "measure_cost", lambda model: Cost(1, 1, 1, 1.0))
    monkeypatch.setattr(search, "evaluate", lambda *arguments, **options: test)
    for name in ("load_model", "write_report", "write_search_report"):
        monkeypatch.setattr(search, name, lambda *arguments, **options: None)

    def fit(model, *arguments, **options):
        trained.append(model.get_layer("stage1_se_sequence").reduction)
        return fake_fit(model, *arguments, **options)

    monkeypatch.setattr(tuner, "fit", fit)
    return trained


def scores(result):
    """What a search found, but for times measured."""
    return [(trial.settings, trial.status, trial.scores) for trial in result.trials]


def fake_fit(model, recipe, train_catalog, *arguments, **options):
    model.class_names = train_catalog.class_names
    return types.SimpleNamespace(history={"val_top1": [1.0], "val_loss": [0.1]})


def test_no_finished_trial_is_one_sentence(arguments):
    hypermodel = ReductionHyperModel(
        **{**SPACE, "sequence_reductions": (1,), "learning_rates": (1e30,)}, **NETWORK
    )
    with pytest.raises(SearchError, match=r"No trial was finished, of 1: .*diverged.*lower learn"):
        search_reductions(
            **{**arguments, "hypermodel": hypermodel, "epochs": 2},
            recipe=lambda epochs, videos, rate: training.paper_recipe(8, 4, rate),
        )


def test_a_damaged_video_stops_the_search_and_not_just_a_trial(arguments):
    path = arguments["train_catalog"].paths[0]
    with open(path, "wb") as file:
        file.write(b"no video")
    with pytest.raises(VideoError, match=os.path.basename(path)):
        search_reductions(**arguments)
    assert not os.path.exists(arguments["output_dir"])
    with pytest.raises(ValueError, match="are none of the training data: "):
        search_reductions(**{**arguments, "test_catalog": Catalog(["a"], [0], ["Jump", "Hop"])})


def test_a_model_that_no_search_made_is_not_overwritten(arguments):
    os.makedirs(arguments["output_dir"])
    path = os.path.join(arguments["output_dir"], "model.keras")
    with open(path, "w") as file:
        file.write("precious")
    pathlib.Path(arguments["output_dir"], "state.npz").touch()  # a training could go on with it
    with pytest.raises(FileExistsError, match="holds a model that no search made"):
        search_reductions(**arguments)
    with open(path) as file:
        assert file.read() == "precious"


def test_two_searches_in_one_folder(arguments):
    with FolderLock(arguments["output_dir"], "a search"):
        with pytest.raises(ValueError, match=f"in use for a search by process {os.getpid()} on "):
            search_reductions(**arguments)


FILES = (
    "search.json",
    "costs.json",
    "test.json",
    "keras_tuner/oracle.json",
    "keras_tuner/trial_0001/trial.json",
)


def test_a_damaged_file_says_what_to_remove(arguments, fits):
    first = search_reductions(**arguments)
    for name in FILES:
        path = os.path.join(arguments["output_dir"], name)
        damage = pytest.raises(SearchError, match=f"{re.escape(path)} is damaged: .* Remove ")
        for content in ("", '{"seed": ', "[]", "5", '{"model": 1}'):
            pathlib.Path(path).write_text(content)
            with damage as error:
                search_reductions(**arguments)
        advised = re.search(r"Remove (\S+) and", str(error.value))[1]
        if advised == "it":
            os.remove(path)
        else:
            assert advised == os.path.join(arguments["output_dir"], "keras_tuner")
            shutil.rmtree(advised)
        expected = pytest.warns(UserWarning, match="search.json is not there")
        with expected if name == "search.json" else contextlib.nullcontext():
            assert scores(search_reductions(**arguments)) == scores(first)
    assert fits == [1, 4]


def test_keras_tuners_files_that_are_gone(arguments, fits):
    first = search_reductions(**arguments)
    os.remove(os.path.join(arguments["output_dir"], "keras_tuner/oracle.json"))
    assert scores(search_reductions(**arguments)) == scores(first)
    os.remove(os.path.join(arguments["output_dir"], "keras_tuner/trial_0001/trial.json"))
    with pytest.raises(SearchError, match=r"trial_0001/trial.json is not there. Remove \S+_tuner"):
        search_reductions(**arguments)
    assert fits == [1, 4]


def test_a_damaged_result_counts_as_not_there(arguments, fits):
    first = search_reductions(**arguments)
    (path,) = glob.glob(os.path.join(arguments["output_dir"], "executions", "r2-d1-*", "1.json"))
    for content in ("", '{"metrics": ', "[]", '{"metrics": {"a": []}}'):
        pathlib.Path(path).write_text(content)
        with pytest.warns(UserWarning, match=f"{re.escape(path)} is damaged: .*trained again"):
            assert scores(search_reductions(**arguments)) == scores(first)
        assert fits.pop() == 1
    os.remove(path)
    shutil.rmtree(os.path.join(arguments["output_dir"], "keras_tuner"))
    assert scores(search_reductions(**arguments)) == scores(first)
    assert fits == [1, 4, 1]


def test_what_cannot_be_written_leaves_its_trial_open(arguments, fits, monkeypatch):
    write = executions.write_json

    def full_disk(path, content):
        if "d1-" in str(path) and len(fits) == 1:
            raise StorageError(f"{path} could not be written")
        write(path, content)

    monkeypatch.setattr(executions, "write_json", full_disk)
    with pytest.raises(StorageError, match=r"1\.json could not be written"):
        search_reductions(**arguments)
    assert fits == [1]
    assert len(search_reductions(**arguments).completed) == 2
    assert fits == [1, 1, 4]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_fails_its_trial(value, arguments, fits, monkeypatch):
    def fit(model, *arguments, **options):
        history = fake_fit(model, *arguments, **options)
        if model.get_layer("stage1_se_sequence").reduction == 1:
            history.history["val_loss"] = [value]
        return history

    monkeypatch.setattr(tuner, "fit", fit)
    for _ in range(2):
        result = search_reductions(**arguments, objective="val_loss")
        assert [trial.status for trial in result.trials] == ["failed", "completed"]
        assert result.trials[0].message == f"val_loss was {value} after the last epoch"
        assert result.best is result.trials[1] and result.pareto_front == [result.best]


@pytest.mark.parametrize("missing", tuner.VARIABLES)
def test_half_of_the_variables_of_a_shared_search(arguments, monkeypatch, missing):
    for name in set(tuner.VARIABLES) - {missing}:
        monkeypatch.setenv(name, "1")
    with pytest.raises(ValueError, match=f"Not set: {missing}"):
        search_reductions(**arguments)


def test_a_port_in_use_is_named(arguments, monkeypatch):
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        values = "chief", "127.0.0.1", str(used.getsockname()[1])
        for name, value in zip(tuner.VARIABLES, values, strict=True):
            monkeypatch.setenv(name, value)
        with pytest.raises(
            SearchError, match=r"The chief cannot listen on 127\.0\.0\.1:.*free port"
        ):
            search_reductions(**arguments)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"tuner": "annealing"}, "`tuner` must be one of 'grid', 'random', 'bayesian', 'hyperb"),
        ({"objective": "val_f1"}, "`objective` must be one of 'val_top1'"),
        ({"max_trials": 0}, "`max_trials` must be a whole number of 1 or more"),
        ({"executions_per_trial": -1}, "`executions_per_trial` must be"),
        ({"validation_share": 0.9}, "`validation_share` must be a number above 0"),
        ({"worker_timeout": -1}, "`worker_timeout` must be a number of seconds above 0"),
    ],
)
def test_bad_arguments_are_named_and_nothing_is_written(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        search_reductions(**arguments, **options)
    assert not os.path.exists(arguments["output_dir"])


def test_the_network_must_fit_the_classes(arguments):
    hypermodel = ReductionHyperModel(**SPACE, **{**NETWORK, "classes": 3})
    with pytest.raises(ValueError, match="has 3 outputs, but the catalogs have 2 classes"):
        search_reductions(**{**arguments, "hypermodel": hypermodel})


def test_the_folder_tells_what_is_searched(arguments):
    search._claim(arguments["output_dir"], {"seed": 1, "network": {"input_shape": (8, 16)}})
    path = os.path.join(arguments["output_dir"], "search.json")
    with open(path, encoding="utf-8") as file:
        assert json.load(file) == {"seed": 1, "network": {"input_shape": [8, 16]}}
    search._claim(arguments["output_dir"], {"seed": 1, "network": {"input_shape": (8, 16)}})
    with pytest.raises(ValueError, match="seed is 1, and now 2"):
        search._claim(arguments["output_dir"], {"seed": 2, "network": {"input_shape": (8, 16)}})
