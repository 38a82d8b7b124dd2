"""The oracles, with scores made up: each network once, in every way that a search can go."""

import json
import pathlib

import numpy as np
import pytest

from keras_seattn.tuning import ReductionHyperModel, oracles
from keras_seattn.tuning.tuner import ReductionTuner

SPACE = {
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

    def run_trial(self, trial, **options):
        values = trial.hyperparameters.values
        settings = self.hypermodel.distinct(self.hypermodel.settings(values))
        key = (settings["channel_reduction"], settings["sequence_reduction"])
        self.ran = [*(self.ran or []), (key, values.get("tuner/epochs"))]
        return {"val_top1": self.score(key)}

    def score(self, key):
        return 1 / key[0] + 0.1 / key[1]


def tuner(name, folder, max_trials=None, kind=MadeUp):
    hypermodel = ReductionHyperModel(**SPACE)
    oracle = oracles.make_oracle(name, hypermodel, "val_top1", max_trials, epochs=9, seed=0)
    oracle.verbose = 0
    return kind(oracle, hypermodel, str(folder))


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
def test_no_network_is_tried_twice(name, tmp_path):
    search = tuner(name, tmp_path, max_trials=10)
    search.search()
    assert len(set(pairs(search.ran))) == len(search.ran) >= 9


def test_hyperband_trains_the_best_for_longer(tmp_path):
    search = tuner("hyperband", tmp_path)
    search.search()
    assert len(set(search.ran)) == len(search.ran)
    epochs = [epochs for _, epochs in search.ran]
    assert set(epochs) <= {1, 3, 9} and 9 in epochs
    first = [key for key, epochs in search.ran[:9]]
    longer = next(key for key, epochs in search.ran if epochs == 3)
    assert longer == max(first, key=search.score)


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
