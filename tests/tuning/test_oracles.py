"""The oracles, with scores made up: each network once, in every way that a search can go."""

import json
import pathlib
import socket
import threading
import unittest.mock

import grpc
import numpy as np
import pytest
from keras_tuner.src.distribute.oracle_client import OracleClient
from tiny_network import TinyNetwork

from keras_seattn.errors import StorageError
from keras_seattn.settings import SearchSettings
from keras_seattn.tuning import ReductionHyperModel, oracles
from keras_seattn.tuning.executions import finite
from keras_seattn.tuning.tuner import VARIABLES, ReductionTuner

pytestmark = pytest.mark.usefixtures("eagerly")

SPACE = {
    "builder": TinyNetwork,
    "channel_reductions": (2, 4, 8, 64),
    "sequence_reductions": (1, 2, 8, 16),
    "sa_stages": ((),),
    "input_shape": (16, 16, 16, 3),
    "classes": 2,
    "width": 0.05,  # 3, 6, 12 and 25 channels: r = 64 is past the largest useful one
}


class MadeUp(ReductionTuner):
    """A tuner whose trials are no trainings."""

    ran = None

    def train_once(self, settings, epochs, execution):
        key = (settings["channel_reduction"], settings["sequence_reduction"])
        self.ran = [*(self.ran or []), (key, epochs)]
        result = finite({"metrics": {"val_top1": self.score(key)}})
        self.kept.write(settings, epochs, execution, result)
        return result

    def score(self, key):
        return 1 / key[0] + 0.1 / key[1]


def tuner(name, folder, max_trials=None, kind=MadeUp):
    hypermodel = ReductionHyperModel(**SPACE)
    search = SearchSettings(tuner=name, max_trials=max_trials, epochs=9)
    oracle = oracles.make_oracle(search, hypermodel)
    oracle.verbose = 0
    return kind(oracle, hypermodel, str(folder), search)


def pairs(ran):
    return [key for key, _ in ran]


NETWORKS = {(r, d) for r in (2, 4, 8, 64) for d in (1, 2, 8)}


def test_the_grid_is_every_network_once(tmp_path):
    grid = tuner("grid", tmp_path)
    grid.search()
    assert len(grid.ran) == 12
    assert set(pairs(grid.ran)) == NETWORKS
    best = grid.oracle.get_best_trials()[0].hyperparameters.values
    assert best == {"channel_reduction": 2, "sequence_reduction": 1}


@pytest.mark.parametrize("name", ["random", "bayesian"])
def test_every_network_is_tried_and_none_twice(name, tmp_path):
    search = tuner(name, tmp_path, max_trials=100)
    search.search()
    assert len(search.ran) == 12 and set(pairs(search.ran)) == NETWORKS


def test_hyperband_trains_the_best_for_longer(tmp_path):
    search = tuner("hyperband", tmp_path)
    search.search()
    assert len(set(search.ran)) == len(search.ran)
    # All twelve for an epoch, the best third for three, and of these the best again for nine.
    by_epochs = {e: [key for key, epochs in search.ran if epochs == e] for e in (1, 3, 9)}
    best = sorted(NETWORKS, key=search.score, reverse=True)
    assert len(by_epochs[1]) == 9 and len(search.ran) >= 9 + 3 + 1
    for shorter, longer, count in ((1, 3, 3), (3, 9, 1)):
        expected = [key for key in best if key in by_epochs[shorter]]
        assert by_epochs[longer][:count] == expected[:count]


def test_hyperband_goes_on_where_there_are_few_networks(tmp_path):
    hypermodel = ReductionHyperModel(
        **{**SPACE, "channel_reductions": (2, 4), "sequence_reductions": (1, 2)}
    )
    settings = SearchSettings(tuner="hyperband")
    oracle = oracles.make_oracle(settings, hypermodel)
    oracle.verbose = 0
    search = MadeUp(oracle, hypermodel, str(tmp_path), settings)
    search.search()
    epochs = [epochs for _, epochs in search.ran]
    assert (epochs.count(3), epochs.count(7), epochs.count(20)) == (4, 2, 1)
    assert [key for key, epochs in search.ran if epochs == 20] == [(2, 1)]


@pytest.mark.parametrize("name", ["grid", "random", "hyperband"])
def test_a_search_goes_on_where_it_was(name, tmp_path):
    search = tuner(name, tmp_path, max_trials=3)
    search.search()
    again = tuner(name, tmp_path, max_trials=7)
    again.search()
    assert len(search.ran) == 3 and len(again.ran) == 4
    assert not set(search.ran) & set(again.ran)


def test_scores_that_are_not_numbers_do_not_end_the_search(tmp_path):
    class Diverging(MadeUp):
        def score(self, key):
            return np.nan if key[0] < 64 else 0.5

    search = tuner("grid", tmp_path, kind=Diverging)
    search.search()
    status = [trial.status for trial in search.oracle.trials.values()]
    assert status == ["FAILED"] * 9 + ["COMPLETED"] * 3


def test_a_dead_workers_trial_goes_to_another_and_fails_after_three(tmp_path, capsys):
    oracle = tuner("grid", tmp_path, max_trials=1).oracle
    for worker in ("a", "b", "c"):
        assert oracle.create_trial(worker).trial_id == "0"
        # While it runs, another one has nothing to do but must not leave.
        assert oracle.create_trial("idle").status == "IDLE"
        oracle.drop_silent_workers(silence=100)
        assert worker in oracle.ongoing_trials
        oracle._heard[worker] -= 101
        oracle.get_trial("0")  # the worker says that it lives
        oracle.drop_silent_workers(silence=100)
        assert worker in oracle.ongoing_trials
        oracle._heard[worker] -= 101
        oracle.drop_silent_workers(silence=100)
        assert worker not in oracle.ongoing_trials and worker not in oracle.tuner_ids
        assert f"Nothing heard of {worker} for 100 s." in capsys.readouterr().out
    assert oracle.get_trial("0").status == "FAILED"
    assert "3 workers died" in oracle.get_trial("0").message
    assert oracle.create_trial("idle").status == "STOPPED"
    assert not oracle.tuner_ids
    saved = json.loads(pathlib.Path(tmp_path, "keras_tuner", "trial_0", "trial.json").read_text())
    assert saved["status"] == "FAILED"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_between_two_files_loses_nothing(moment, tmp_path):
    tuner("grid", tmp_path, max_trials=3).search()
    killed = tuner("grid", tmp_path)
    save = killed.oracle.save

    def die():
        if moment == "after":
            save()
        raise KeyboardInterrupt

    killed.oracle.save = die
    with pytest.raises(KeyboardInterrupt):
        killed.search()
    again = tuner("grid", tmp_path)
    again.search()
    status = [trial.status for trial in again.oracle.trials.values()]
    assert status == ["COMPLETED"] * 12
    keys = {again.oracle.hypermodel.settings(trial.hyperparameters.values)["channel_reduction"]
            for trial in again.oracle.trials.values()}  # fmt: skip
    assert keys == {2, 4, 8, 64} and len(again.ran) == 9
    # Nothing half-written stays.
    assert not [path for path in tmp_path.rglob("*") if "partial" in path.name]


def test_a_chief_started_again_leaves_a_trial_to_its_worker(tmp_path):
    first = tuner("grid", tmp_path).oracle
    assert first.create_trial("worker-1").trial_id == "0000"
    first.save()
    second = tuner("grid", tmp_path / "other").oracle
    second._set_project_dir(str(tmp_path), "keras_tuner")
    second.reload()
    second._hold_until = np.inf  # a while that does not end
    assert second.create_trial("worker-2").status == "IDLE"
    second.get_trial("0000")  # worker-1 says that it lives
    assert second.create_trial("worker-2").trial_id == "0001"
    trial = second.get_trial("0000")
    second.update_trial("0000", {"val_top1": 0.5})
    trial.status = "COMPLETED"
    second.end_trial(trial)
    assert list(second.ongoing_trials) == ["worker-2"]
    second._heard = dict.fromkeys(second._heard, -np.inf)
    second.drop_silent_workers(60)
    assert not second.tuner_ids


def test_a_chief_that_cannot_write_ends_with_the_error(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        values = "chief", "127.0.0.1", str(free.getsockname()[1])
    for name, value in zip(VARIABLES, values, strict=True):
        monkeypatch.setenv(name, value)
    chief = tuner("grid", tmp_path)
    full = StorageError("trial.json could not be written")
    monkeypatch.setattr(chief.oracle, "_save_trial", unittest.mock.Mock(side_effect=full))
    answers = []

    def ask_twice():
        client = OracleClient(chief.oracle)
        for _ in range(2):
            try:
                client.create_trial("worker-1")
            except grpc.RpcError as error:
                answers.append(error.details())

    worker = threading.Thread(target=ask_twice)
    worker.start()
    with pytest.raises(StorageError, match=r"trial\.json could not be written"):
        chief.search()
    worker.join()
    assert len(answers) == 2 and all("trial.json could not be written" in text for text in answers)
