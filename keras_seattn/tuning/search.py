"""A search for reductions, from a catalog to the best model and the trade-off."""

import dataclasses
import json
import os
import shutil
import typing
import warnings
from collections.abc import Callable

import keras

from keras_seattn.configuration import fit_settings
from keras_seattn.data.catalogs import Catalog, match_classes, summary
from keras_seattn.data.holding_out import hold_out
from keras_seattn.data.records.manifest import Records
from keras_seattn.data.sources import source_of
from keras_seattn.errors import ExistingFileError, InputError
from keras_seattn.evaluation import evaluate, write_report
from keras_seattn.files import replacing, write_json
from keras_seattn.folder_lock import FolderLock
from keras_seattn.prediction import load_model
from keras_seattn.settings import SearchSettings
from keras_seattn.training.recipe import Recipe, paper_recipe
from keras_seattn.tuning import oracles
from keras_seattn.tuning.cost import Cost, measure_cost
from keras_seattn.tuning.hypermodel import ReductionHyperModel
from keras_seattn.tuning.reading import SearchError, read_part
from keras_seattn.tuning.report import write_search_report
from keras_seattn.tuning.result import SearchResult, TestResult, TrialResult
from keras_seattn.tuning.tuner import ReductionTuner, best_execution, role


def search_reductions(
    hypermodel: ReductionHyperModel,
    train_catalog: Catalog | Records,
    test_catalog: Catalog | Records,
    output_dir: str | os.PathLike,
    settings: SearchSettings | None = None,
    *,
    recipe: Callable[[int, int, float | None], Recipe] | None = None,
    config: dict | None = None,
    command: str | None = None,
    full_training: Callable[[dict], str] | None = None,
    **changes: typing.Any,
) -> SearchResult | None:
    """Searches the reductions of a network's modules with Keras Tuner.

    Part of the training videos is held out, by group, to compare trials on
    (`data.hold_out`). The test videos are seen once, by the best trial's
    model, and again only if going on finds a better one. A trial's score is
    that of its last epoch, so nothing within a trial is picked by the
    validation videos.

    Called again with the same arguments and `output_dir`, after a kill at any
    moment, it goes on where it was; `max_trials` may then be larger. With
    Keras Tuner's variables `KERASTUNER_TUNER_ID`, `KERASTUNER_ORACLE_IP` and
    `KERASTUNER_ORACLE_PORT` set, the process is the chief or a worker of a
    search that many share; `output_dir` must be the same folder for all.

    Writes to `output_dir`:

    - `search.html`, `trials.csv`, `trade_off.png`, `heat_map.png`: the result;
    - `model.keras`: the best trial's model, and `test/report.html`, how it
      does on the test videos;
    - `executions/`: result and model of every training; `keras_tuner/`: what
      Keras Tuner keeps; `search.json`: what is searched.

    Args:
        hypermodel: `ReductionHyperModel`.
        train_catalog, test_catalog: `data.Catalog`s or `data.records.Records`
            with the same classes; the second may lack some.
        output_dir: str, a folder; made where missing.
        settings: `settings.SearchSettings`; None means its defaults.
        recipe: function of the epochs, the number of videos trained on and a
            learning rate (None unless it is searched) that returns a
            `training.Recipe`; None means the paper's.
        config, command: for the report; see `evaluation.write_report`.
        full_training: function of settings that returns the command that
            trains them fully, for the report; or None.
        **changes: fields of `SearchSettings` to change: `tuner=`, `epochs=`,
            `max_trials=`, `executions_per_trial=` and so on.

    Returns:
        A `SearchResult`; None in a worker.

    Raises:
        ValueError: An argument outside of what is said above, or a folder that
            holds a search of something else, or that another one is at work in.
        FileExistsError: `output_dir` holds a model that no search made.
        data.VideoError: Videos cannot be read; the message lists them.
        SearchError: No trial was finished; or a file of the search is damaged,
            and the message names it.
        OSError: A result cannot be written; its trial is run again next time.

    Source:
        Anvarov, Kim, Song 2020, Section 4.1 ("r = 16 and d = 2").

    Example:

    >>> hypermodel = keras_seattn.tuning.ReductionHyperModel(
    ...     channel_reductions=(8, 16),
    ...     sequence_reductions=(2,),
    ...     input_shape=(8, 64, 64, 3),
    ...     classes=len(train_catalog.class_names),
    ... )
    >>> result = keras_seattn.tuning.search_reductions(
    ...     hypermodel, train_catalog, test_catalog, "runs/tuning", epochs=10
    ... )
    >>> result.best.settings["channel_reduction"]
    16
    """
    search = fit_settings(SearchSettings, settings, changes)
    match_classes(test_catalog, train_catalog.class_names, "the training data")
    part = role()
    training, validation = hold_out(train_catalog, search.validation_share, seed=search.seed)
    if part != "worker":
        # Now, not when all trials are done.
        source_of(train_catalog, search.unreadable)
        source_of(test_catalog, search.unreadable)
    if len(hypermodel.configurations()) == 1:
        # The others need something to choose from.
        search = dataclasses.replace(search, tuner="grid")
    _claim(
        output_dir,
        {
            **{name: list(values) for name, values in hypermodel.choices.items()},
            "network": {"builder": hypermodel.builder.__name__, **hypermodel.network},
            "tuner": search.tuner,
            "objective": search.objective,
            "epochs": search.epochs,
            "executions_per_trial": search.executions_per_trial,
            "batch_size": search.batch_size,
            "seed": search.seed,
            "precision": keras.config.dtype_policy().name,
            "crop_scales": list(search.crop_scales),
            "class_names": list(train_catalog.class_names),
            "training_videos": summary(training),
            "validation_videos": summary(validation),
            "test_videos": summary(test_catalog),
        },
    )
    if recipe is None:

        def recipe(epochs, training_videos, learning_rate):
            return paper_recipe(hypermodel.frames, search.batch_size, learning_rate)

    def run():
        keras.utils.set_random_seed(search.seed)
        oracle = oracles.make_oracle(search, hypermodel)
        oracle.verbose = 0  # The tuner says what matters.
        runner = ReductionTuner(oracle, hypermodel, output_dir, search)
        runner.search(recipe=recipe, train_catalog=training, validation_catalog=validation)
        return runner

    if part == "worker":
        run()
        return None
    with FolderLock(output_dir, "a search"):
        trials = _collect(run())
        if not any(trial.status == "completed" for trial in trials):
            reasons = "; ".join(sorted({trial.message for trial in trials}))
            raise SearchError(
                f"No trial was finished, of {len(trials)}: {reasons}. Try a lower learning "
                f"rate, or other settings, in another folder than {output_dir}."
            )
        trials = _measure(trials, hypermodel, os.path.join(output_dir, "costs.json"))
        result = SearchResult(trials, search.objective, len(validation))
        test = _test(result.best, test_catalog, output_dir, search)
        result = dataclasses.replace(result, test=test)
        full = full_training and full_training(result.best.settings)
        write_search_report(
            result, hypermodel, output_dir, config=config, command=command, full=full
        )
        return result


def _claim(output_dir, search):
    """Writes what is searched to a folder, or compares it with what is there."""
    path = os.path.join(output_dir, "search.json")
    # As it is read later: paths as text, numbers of NumPy as Python's.
    search = json.loads(
        json.dumps(search, default=lambda value: getattr(value, "tolist", value.__str__)())
    )
    if not os.path.exists(path):
        if os.path.exists(os.path.join(output_dir, "executions")):
            warnings.warn(
                f"{path} is not there. What was trained in that folder is taken for a part of this "
                "search.",
                stacklevel=3,
            )
        elif os.path.exists(model := os.path.join(output_dir, "model.keras")):
            raise ExistingFileError(
                f"`output_dir` holds a model that no search made: {model}. Name another folder, or "
                "remove that one."
            )
        os.makedirs(output_dir, exist_ok=True)
        write_json(path, search)
        return

    def parse(content):
        missing = search.keys() - content.keys()
        if missing:
            raise KeyError(*sorted(missing))
        return content

    before = read_part(
        path,
        parse,
        "Remove it and start again with the same arguments as before; no finished training is "
        "lost.",
    )
    for name in sorted(before.keys() | search.keys()):
        if before.get(name) != search.get(name):
            raise InputError(
                f"`output_dir` holds a search of something else: in {path}, {name} is "
                f"{before.get(name)}, and now {search.get(name)}. To resume that search, give the "
                "same arguments as then; to start afresh, name another folder or remove that one."
            )


def _collect(runner):
    """The `TrialResult`s of a tuner's trials, without costs."""
    results = []
    for number in runner.oracle.start_order:
        trial = runner.oracle.trials[number]
        settings, epochs = runner.configuration(trial)
        found = runner.results(trial)
        failures = [one["failed"] for one in found if one and "failed" in one]
        completed = all(found) and not failures
        objective = runner.settings.objective
        scores = [one["metrics"][objective] for one in found] if completed else []
        message = failures[0] if failures else trial.message or "not finished"
        best = best_execution(scores, objective) if scores else None
        results.append(
            TrialResult(
                number,
                settings,
                epochs,
                "completed" if completed else "failed",
                scores,
                "" if completed else message,
                runner.hypermodel.also(settings),
                model_path=runner.kept.path(settings, epochs, best, ".keras") if scores else None,
            )
        )
    return results


def _measure(trials, hypermodel, path):
    """The trials with the costs of their networks, each measured once and one after another."""
    costs = {}
    if os.path.exists(path):
        costs = read_part(
            path,
            lambda content: {name: Cost(*cost) for name, cost in content.items()},
            "Remove it and start again: costs are measured anew.",
        )
    measured = []
    for trial in trials:
        if trial.status == "completed":
            name = str({key: v for key, v in trial.settings.items() if key != "learning_rate"})
            if name not in costs:
                keras.utils.clear_session()
                costs[name] = measure_cost(hypermodel.build_network(trial.settings))
                write_json(path, costs)
            trial = dataclasses.replace(trial, cost=costs[name])
        measured.append(trial)
    return measured


def _test(best, test_catalog, output_dir, search):
    """Copies the best trial's model to `output_dir` and scores the test videos with it, once."""
    path, seen = os.path.join(output_dir, "test.json"), 0
    model = os.path.relpath(best.model_path, output_dir)
    if os.path.exists(path):
        tested, test = read_part(
            path,
            lambda content: (content.pop("model"), TestResult(**content)),
            "Remove it and start again: the test videos are scored anew.",
        )
        if tested == model:
            return test
        seen = test.seen
    print(f"\nScoring the test videos with the model of trial {best.number}", flush=True)
    keras.utils.clear_session()
    with replacing(os.path.join(output_dir, "model.keras")) as partial:
        shutil.copyfile(best.model_path, partial)
    result = evaluate(
        load_model(best.model_path),
        test_catalog,
        search.batch_size,
        unreadable=search.unreadable,
    )
    title = f"Trial {best.number}: {result.headline}"
    write_report(result, os.path.join(output_dir, "test"), title=title)
    test = TestResult(result.top1, *result.intervals["top1"], result.videos, seen + 1)
    write_json(path, {"model": model, **test._asdict()})
    return test
