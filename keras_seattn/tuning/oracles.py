"""Keras Tuner's oracles, taught which configurations are one network and which workers are gone.

An oracle decides what to try next. Keras Tuner's own do that here, but for the grid: its
`GridSearchOracle` (1.4.8) ends in a KeyError when a search is resumed, and with several workers it
lets most of them wait.
"""

import collections
import functools
import math
import os
import random
import time
import typing
from collections.abc import Callable

import keras_tuner
from keras_tuner.engine import trial as trial_module

from keras_seattn.files import write_json
from keras_seattn.settings import SearchSettings
from keras_seattn.tuning.hypermodel import ReductionHyperModel
from keras_seattn.tuning.reading import read_part

# A trial whose worker died is given to another one, but not for ever: it may be what kills them.
MOST_DEATHS = 3


def synchronized(method: Callable) -> Callable:
    """`keras_tuner.synchronized`, which alone would hold its lock for ever after an error.

    Once one was raised, what is in memory may differ from the files. These are whole, so a search
    goes on from them: the oracle keeps the error as its `failure` and answers with nothing else.
    """

    @keras_tuner.synchronized
    def locked(oracle, *arguments, **options):
        try:
            return None if oracle.failure else method(oracle, *arguments, **options)
        except Exception as error:
            oracle.failure = error

    @functools.wraps(method)
    def call(oracle, *arguments, **options):
        result = locked(oracle, *arguments, **options)
        if oracle.failure:
            raise oracle.failure
        return result

    return call


class WholeSearch(keras_tuner.Oracle):
    """What every oracle of this package does, as a mixin in front of one of Keras Tuner's.

    Args:
        hypermodel: `ReductionHyperModel`.
        **options: as for the oracle.
    """

    trials: dict[str, trial_module.Trial]
    ongoing_trials: dict[str, trial_module.Trial]
    end_order: list[str]

    def __init__(self, hypermodel: ReductionHyperModel, **options: typing.Any):
        super().__init__(**options)
        self.hypermodel = hypermodel
        self.failure = None
        self._heard = {}
        self._deaths = collections.Counter()
        self._hold_until = 0.0

    # Keras Tuner writes these files in place, and a kill would leave half of one.
    def save(self) -> None:
        write_json(self._get_oracle_fname(), self.get_state())

    def _save_trial(self, trial):
        write_json(
            os.path.join(self._get_trial_dir(trial.trial_id), "trial.json"), trial.get_state()
        )

    # It reads whatever trials there are, and says nothing of which file is damaged.
    def reload(self) -> None:
        advice = f"Remove {self._project_dir} and start again; no finished training is lost."

        def parse(state):
            self.trials = {
                number: read_part(
                    os.path.join(self._get_trial_dir(number), "trial.json"),
                    trial_module.Trial.from_state,
                    advice,
                )
                for number in state["start_order"]
            }
            self.set_state(state)

        read_part(self._get_oracle_fname(), parse, advice)
        for trial in self.ongoing_trials.values():
            self.open_again(trial.trial_id)
        self.ongoing_trials = {}

    def open_again(self, number: str) -> None:
        """Forgets how a trial ended, and has it run next."""
        self.trials[number] = trial_module.Trial(self.trials[number].hyperparameters, number)
        self.end_order = [other for other in self.end_order if other != number]
        self._retry_queue.insert(0, number)

    # Keras Tuner tells tried configurations by this.
    def _compute_values_hash(self, values):
        distinct = self.hypermodel.distinct(self.hypermodel.settings(values))
        return super()._compute_values_hash({**values, **distinct})

    # It gives up after 20 collisions, which in a small space is long before everything was tried.
    def _random_values(self):
        values = super()._random_values()
        if values is None:
            left = [
                values
                for values in map(self.hypermodel.values, self.hypermodel.configurations())
                if not self._duplicate(values)
            ]
            values = random.Random(self._seed_state).choice(left) if left else None
        return values

    def populate_space(self, trial_id: str) -> dict:
        response = super().populate_space(trial_id)
        # Bayesian optimization may suggest a network again.
        if response["status"] == "RUNNING" and self._duplicate(response["values"]):
            values = self._random_values()
            response = {"status": "RUNNING" if values else "STOPPED", "values": values}
        return response

    @synchronized
    def create_trial(self, tuner_id: str) -> trial_module.Trial:
        self._heard[tuner_id] = time.monotonic()
        if self._retry_queue and time.monotonic() < self._hold_until:
            self.tuner_ids.add(tuner_id)
            return trial_module.Trial(self.get_space(), status="IDLE")
        trial = super().create_trial(tuner_id)
        if trial.status == "STOPPED" and self.ongoing_trials:
            # Stay at hand: the worker of an ongoing trial may die.
            trial.status = "IDLE"
            self.tuner_ids.add(tuner_id)
        return trial

    @synchronized
    def update_trial(self, trial_id: str, metrics: dict, step: int = 0) -> trial_module.Trial:
        return super().update_trial(trial_id, metrics, step)

    @synchronized
    def end_trial(self, trial: trial_module.Trial) -> None:
        super().end_trial(trial)

    # Workers call it over and over while they run a trial, as a sign of life.
    @synchronized
    def get_trial(self, trial_id: str) -> trial_module.Trial:
        if trial_id in self._retry_queue:
            # This chief was started again while a worker went on with the trial.
            worker = f"the worker of trial {trial_id}"
            self._retry_queue.remove(trial_id)
            self.ongoing_trials[worker] = self.trials[trial_id]
            self.tuner_ids.add(worker)
        for worker, trial in self.ongoing_trials.items():
            if trial.trial_id == trial_id:
                self._heard[worker] = time.monotonic()
        return super().get_trial(trial_id)

    @synchronized
    def drop_silent_workers(self, silence: float) -> None:
        """Gives the trials of workers that were not heard of for `silence` seconds to others."""
        now = time.monotonic()
        for worker in list(self.tuner_ids):
            if now - self._heard.setdefault(worker, now) <= silence:
                continue
            self.tuner_ids.discard(worker)
            trial = self.ongoing_trials.get(worker)
            print(f"Nothing heard of {worker} for {silence:g} s.", flush=True)
            if trial is None:
                continue
            self._deaths[trial.trial_id] += 1
            if self._deaths[trial.trial_id] < MOST_DEATHS:
                print(f"Its trial {trial.trial_id} goes to another worker.", flush=True)
                del self.ongoing_trials[worker]
                self._retry_queue.append(trial.trial_id)
                self.save()
            else:
                trial.status = "FAILED"
                trial.message = (
                    f"{MOST_DEATHS} workers died in this trial; the next start tries it again"
                )
                self.end_trial(trial)

    def hold(self, seconds: float) -> None:
        """Hands out no trial that was begun before for a while: its worker may live, and say so."""
        self._hold_until = time.monotonic() + seconds


class GridOracle(WholeSearch, keras_tuner.Oracle):
    """Every configuration that builds another network, in order."""

    def populate_space(self, trial_id: str) -> dict:
        for settings in self.hypermodel.configurations():
            values = self.hypermodel.values(settings)
            if not self._duplicate(values):
                return {"status": "RUNNING", "values": values}
        return {"status": "STOPPED", "values": None}


class RandomOracle(WholeSearch, keras_tuner.oracles.RandomSearchOracle):
    """Configurations at random, each network once."""


class BayesianOracle(WholeSearch, keras_tuner.oracles.BayesianOptimizationOracle):
    """Configurations that a Gaussian process expects to be good, each network once."""


class HyperbandOracle(WholeSearch, keras_tuner.oracles.HyperbandOracle):
    """Many configurations for few epochs, the best of them again for more."""

    # Keras Tuner's brackets would wait for more configurations than there are, and never go on.
    def _get_size(self, bracket_num, round_num):
        networks = len(self.hypermodel.configurations())
        return min(
            super()._get_size(bracket_num, round_num),
            math.ceil(networks / self.factor**round_num),
        )


ORACLES = {
    "grid": GridOracle,
    "random": RandomOracle,
    "bayesian": BayesianOracle,
    "hyperband": HyperbandOracle,
}


def make_oracle(search: SearchSettings, hypermodel: ReductionHyperModel) -> keras_tuner.Oracle:
    """The oracle that a search's settings name.

    Args:
        search: `settings.SearchSettings`.
        hypermodel: `ReductionHyperModel`.
    """
    direction = "min" if search.objective.endswith("loss") else "max"
    options = {
        "objective": keras_tuner.Objective(search.objective, direction),
        "seed": search.seed + 1,  # Keras Tuner takes 0 for no seed.
        # Trials that diverge are results too.
        "max_consecutive_failed_trials": 10**9,
    }
    if search.tuner == "hyperband":
        options["max_epochs"] = search.epochs
    oracle = ORACLES[search.tuner](hypermodel, **options)
    oracle.max_trials = search.max_trials
    return oracle
