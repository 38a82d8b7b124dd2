"""The Keras Tuner `Tuner` that trains on catalogs and keeps each execution."""

import contextlib
import dataclasses
import os
import threading
import time
import typing
from collections.abc import Callable, Sequence

import grpc
import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from keras_tuner.engine.trial import Trial

from keras_seattn import stopping
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.records.manifest import Records
from keras_seattn.errors import DivergedError, InputError
from keras_seattn.settings import SearchSettings
from keras_seattn.training.fitting import fit
from keras_seattn.training.recipe import Recipe
from keras_seattn.tuning.executions import Executions, finite
from keras_seattn.tuning.hypermodel import LETTERS, ReductionHyperModel, setting_as_text
from keras_seattn.tuning.oracles import WholeSearch
from keras_seattn.tuning.reading import SearchError

VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


class ReductionTuner(keras_tuner.Tuner):
    """Runs the trials of an oracle of `tuning.oracles`.

    Args:
        oracle: one of `oracles.ORACLES`.
        hypermodel: `ReductionHyperModel`.
        output_dir: str, the folder of the search.
        settings: `settings.SearchSettings`.
    """

    def __init__(
        self,
        oracle: WholeSearch,
        hypermodel: ReductionHyperModel,
        output_dir: str | os.PathLike,
        settings: SearchSettings,
    ):
        self.kept = Executions(os.path.join(output_dir, "executions"))
        self.settings = settings
        super().__init__(
            oracle,
            hypermodel,
            directory=output_dir,
            project_name="keras_tuner",
        )

    def search(self, **training: typing.Any) -> None:
        """Runs trials until there are no more; a chief has its workers run them.

        Args:
            **training: see `train_once`.
        """
        address = ":".join(os.environ.get(name, "") for name in VARIABLES[1:])
        if role() == "chief":
            self._lead(address)
            return
        try:
            super().search(**training)
        except grpc.RpcError as error:
            reason = error.details().removeprefix("Exception calling application: ")
            raise SearchError(
                f"The chief at {address} does not go on: {reason} Start it, then this worker again."
            ) from error

    def _lead(self, address):
        """Hands out trials, in a thread, and meanwhile notices workers that are gone."""

        def serve():
            try:
                super(ReductionTuner, self).search()
            except Exception as error:
                self.oracle.failure = error

        silence = self.settings.worker_timeout
        self.oracle.hold(silence / 2)
        server = threading.Thread(target=serve, daemon=True)
        server.start()
        try:
            with stopping.StopRequest() as stop:
                while server.is_alive() and not stop.made:
                    server.join(min(1, silence / 4))
                    self.oracle.drop_silent_workers(silence)
            if self.oracle.failure:
                raise self.oracle.failure
        except SearchError:
            raise
        except RuntimeError as error:  # of gRPC
            raise SearchError(
                f"The chief cannot listen on {address}: {error}. Set KERASTUNER_ORACLE_IP to "
                "an address of this machine and KERASTUNER_ORACLE_PORT to a free port."
            ) from error
        if stop.status is not None:
            raise stopping.Stopped(stop.status, "Stopped. The same command goes on.")

    # A tuner's own file, in which there is nothing, is the oracle's here.
    def _get_tuner_fname(self):
        return os.path.join(self.project_dir, "oracle.json")

    def save(self) -> None:
        if role() != "worker":
            self.oracle.save()

    def reload(self) -> None:
        if role() == "worker":
            return
        self.oracle.reload()
        for number in [*self.oracle.end_order]:
            if not all(self.results(self.oracle.trials[number])):
                self.oracle.open_again(number)

    def pre_create_trial(self) -> None:
        # Keras Tuner asks again at once when there is nothing to do yet.
        time.sleep(0.2)

    # Keras Tuner's own notes a trial as failed whatever went wrong, and then the next.
    def _try_run_and_update_trial(self, trial, **training):
        try:
            self._run_and_update_trial(trial, **training)
            trial.status = "COMPLETED"
        except keras_tuner.errors.FailedTrialError as error:
            trial.status, trial.message = "FAILED", str(error)

    def run_trial(self, trial: Trial, **training: typing.Any) -> dict[str, float]:
        """Trains one configuration, as often as was asked for, or finds that it was.

        Args:
            trial: `keras_tuner` trial; Hyperband's say for how many epochs.
            **training: see `train_once`.

        Returns:
            dict of the metrics of the last epochs, means over the executions.
        """
        settings, epochs = self.configuration(trial)
        print(f"\nTrial {trial.trial_id}: {describe(settings, self.hypermodel)}", flush=True)
        with self._sign_of_life(trial.trial_id), stopping.StopRequest():
            results = [
                result or self.train_once(settings, epochs, execution, **training)
                for execution, result in enumerate(self.results(trial))
            ]
            stopping.check()
        failures = [result["failed"] for result in results if "failed" in result]
        if failures:
            raise keras_tuner.errors.FailedTrialError(failures[0])
        objective = self.oracle.objective.name
        best = best_execution([result["metrics"][objective] for result in results], objective)
        self.kept.keep_only(settings, epochs, best, len(results))
        metrics = {
            name: float(np.mean([result["metrics"][name] for result in results]))
            for name in results[0]["metrics"]
        }
        print(f"Trial {trial.trial_id}: {objective} {metrics[objective]:.4g}", flush=True)
        return metrics

    def configuration(self, trial: Trial) -> tuple[dict, int]:
        """The settings of a trial, a dict as of `ReductionHyperModel.distinct`, and its epochs."""
        values = trial.hyperparameters.values
        settings = self.hypermodel.distinct(self.hypermodel.settings(values))
        return settings, values.get("tuner/epochs", self.settings.epochs)

    def results(self, trial: Trial) -> list[dict | None]:
        """The results that are kept of a trial's executions, None for each that is not there."""
        return [
            self.kept.read(*self.configuration(trial), execution)
            for execution in range(self.settings.executions_per_trial)
        ]

    def train_once(
        self,
        settings: dict,
        epochs: int,
        execution: int,
        *,
        recipe: Callable[[int, int, float | None], Recipe],
        train_catalog: Catalog | Records,
        validation_catalog: Catalog | Records,
    ) -> dict:
        """Trains a configuration, from where it was stopped, and keeps the result.

        Args:
            settings: dict, as `ReductionHyperModel.distinct` returns it.
            epochs: int.
            execution: int, its number i, from 0; its seed is that of the
                search plus i.
            recipe: function of epochs, the number of training videos and a
                learning rate or None that returns a `training.Recipe`.
            train_catalog, validation_catalog: `data.Catalog`s.

        Returns:
            dict with `metrics`, those of the last epoch, `history` and
            `seconds`; or with `failed`, the reason.
        """
        keras.utils.clear_session()
        seed = self.settings.seed + execution
        keras.utils.set_random_seed(seed)
        start = time.monotonic()
        try:
            model = self.hypermodel.build_network(settings)
            history = fit(
                model,
                recipe(epochs, len(train_catalog), settings["learning_rate"]),
                train_catalog,
                validation_catalog,
                settings=dataclasses.replace(self.settings, epochs=epochs, seed=seed),
                verbose=2,
                state_file=self.kept.state_file(settings, epochs, execution),
            ).history
            result = {
                "metrics": {name: float(values[-1]) for name, values in history.items()},
                "history": {name: list(map(float, values)) for name, values in history.items()},
                "seconds": time.monotonic() - start,
            }
            result = finite(result)
        except (DivergedError, MemoryError, tf.errors.ResourceExhaustedError) as error:
            # What concerns this configuration; others may do.
            result = {"failed": str(error) or "not enough memory"}
        if "failed" in result:
            print(f"This training has failed: {result['failed']}", flush=True)
            model = None
        self.kept.write(settings, epochs, execution, result, model)
        return result

    @contextlib.contextmanager
    def _sign_of_life(self, trial_id):
        """Lets the chief hear of this worker while it trains."""
        if role() != "worker":
            yield
            return
        done = threading.Event()

        def call():
            while not done.wait(self.settings.worker_timeout / 6):
                with contextlib.suppress(grpc.RpcError):  # The next call finds out.
                    self.oracle.get_trial(trial_id)

        threading.Thread(target=call, daemon=True).start()
        try:
            yield
        finally:
            done.set()


def role() -> str:
    """What Keras Tuner's variables make of this process: `"chief"`, `"worker"` or `"single"`.

    Raises:
        ValueError: Some of the variables are set, and others are not.
    """
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if len(missing) == len(VARIABLES):
        return "single"
    if missing:
        raise InputError(
            f"A search that many processes share needs {', '.join(VARIABLES)}. Not set: "
            f"{', '.join(missing)}. Set them, or none of them."
        )
    return "chief" if "chief" in os.environ["KERASTUNER_TUNER_ID"] else "worker"


def best_execution(scores: Sequence[float], objective: str) -> int:
    """The index of the best of some scores."""
    return scores.index((min if objective.endswith("loss") else max)(scores))


def describe(settings: dict, hypermodel: ReductionHyperModel) -> str:
    """A configuration as text: the settings that are searched."""
    return (
        ", ".join(
            f"{LETTERS.get(name, name.replace('_', ' '))} = {setting_as_text(value)}"
            for name, value in settings.items()
            if name in hypermodel.searched
        )
        or "the only configuration"
    )
