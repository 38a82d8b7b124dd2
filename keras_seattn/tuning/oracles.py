"""Keras Tuner's oracles, taught which configurations are one network and which workers are gone.

An oracle decides what to try next. Keras Tuner's own do that here, but for the grid: its
`GridSearchOracle` (1.4.8) ends in a KeyError when a search is resumed, and with several workers it
lets most of them wait.
"""

import collections
import threading
import time

import keras_tuner

# A trial whose worker died is given to another one, but not for ever: it may be what kills them.
MOST_DEATHS = 3


class WholeSearch:
    """What every oracle of this package does, as a mixin in front of one of Keras Tuner's.

    Args:
        hypermodel: `ReductionHyperModel`.
        **options: as for the oracle.
    """

    def __init__(self, hypermodel, **options):
        super().__init__(**options)
        self.hypermodel = hypermodel
        self._heard = {}
        self._deaths = collections.Counter()

    # Keras Tuner tells tried configurations by this.
    def _compute_values_hash(self, values):
        distinct = self.hypermodel.distinct(self.hypermodel.settings(values))
        return super()._compute_values_hash({**values, **distinct})

    def populate_space(self, trial_id):
        response = super().populate_space(trial_id)
        # Bayesian optimization may suggest a network again.
        if response["status"] == "RUNNING" and self._duplicate(response["values"]):
            values = self._random_values()
            response = {"status": "RUNNING" if values else "STOPPED", "values": values}
        return response

    @keras_tuner.synchronized
    def create_trial(self, tuner_id):
        self._heard[tuner_id] = time.monotonic()
        trial = super().create_trial(tuner_id)
        if trial.status == "STOPPED" and self.ongoing_trials:
            # Stay at hand: the worker of an ongoing trial may die.
            trial.status = "IDLE"
            self.tuner_ids.add(tuner_id)
        return trial

    # Workers call it over and over while they run a trial, as a sign of life.
    @keras_tuner.synchronized
    def get_trial(self, trial_id):
        for worker, trial in self.ongoing_trials.items():
            if trial.trial_id == trial_id:
                self._heard[worker] = time.monotonic()
        return super().get_trial(trial_id)

    @keras_tuner.synchronized
    def drop_silent_workers(self, silence):
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
                trial.message = f"{MOST_DEATHS} workers died in this trial"
                self.end_trial(trial)

    def watch_workers(self, silence):
        """Calls `drop_silent_workers` from now on, from a thread of its own."""

        def watch():
            while True:
                time.sleep(min(5, silence / 4))
                self.drop_silent_workers(silence)

        threading.Thread(target=watch, daemon=True).start()


class GridOracle(WholeSearch, keras_tuner.Oracle):
    """Every configuration that builds another network, in order."""

    def populate_space(self, trial_id):
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


ORACLES = {
    "grid": GridOracle,
    "random": RandomOracle,
    "bayesian": BayesianOracle,
    "hyperband": HyperbandOracle,
}


def make_oracle(tuner, hypermodel, objective, max_trials, epochs, seed):
    """An oracle by its name in `ORACLES`.

    Args:
        tuner: str.
        hypermodel: `ReductionHyperModel`.
        objective: str, a metric; those that end in `loss` are made small.
        max_trials: int, or None for no limit.
        epochs: int, the most that a trial is trained.
        seed: int.
    """
    direction = "min" if objective.endswith("loss") else "max"
    options = {
        "objective": keras_tuner.Objective(objective, direction),
        "seed": seed + 1,  # Keras Tuner takes 0 for no seed.
        # Trials that diverge are results too.
        "max_consecutive_failed_trials": 10**9,
    }
    if tuner == "hyperband":
        options["max_epochs"] = epochs
    oracle = ORACLES[tuner](hypermodel, **options)
    oracle.max_trials = max_trials
    return oracle
