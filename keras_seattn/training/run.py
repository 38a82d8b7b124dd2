"""A training run: from two catalogs to a saved model with its metrics and pictures."""

import dataclasses
import os
import typing

import keras

from keras_seattn.configuration import fit_settings
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.records.manifest import Records
from keras_seattn.data.sources import source_of
from keras_seattn.errors import ExistingFileError
from keras_seattn.evaluation import EvaluationResult, evaluate, write_report
from keras_seattn.evaluation.figures import plot_clips
from keras_seattn.folder_lock import FolderLock
from keras_seattn.preprocessing import clip_shape, preprocessing_of, restored_pixels
from keras_seattn.settings import FitSettings
from keras_seattn.training.differences import describe
from keras_seattn.training.fitting import check_classes, clips_of, fit_from, stoppable
from keras_seattn.training.recipe import Recipe
from keras_seattn.training.run_folder import RunFolder, SaveModel
from keras_seattn.training.state import TrainingState

STATE, STEPS = "state.npz", "steps.csv"
_DRAWN = 16  # clips


def train(
    model: keras.Model,
    recipe: Recipe,
    train_catalog: Catalog | Records,
    test_catalog: Catalog | Records,
    output_dir: str | os.PathLike,
    settings: FitSettings | int | None = None,
    *,
    validation_catalog: Catalog | Records | None = None,
    config: dict | None = None,
    command: str | None = None,
    **changes: typing.Any,
) -> EvaluationResult:
    """Trains a model on the videos of one catalog and evaluates it on another.

    The validation catalog is scored after each epoch: `recipe` may lower the
    learning rate by its loss, and `best.keras` is picked by it. Without one the
    test catalog serves as such, as in the code of Hara et al. The metrics
    returned and written are of the test catalog after the last epoch, which was
    not picked by them. The report names what was validated on.

    Stopped at any moment, by Ctrl-C, a kill or a full disk, the same call goes
    on from the last state that it wrote, every `save_every` seconds and after
    each epoch, and comes to the same result. More epochs may be given then,
    where the recipe does not depend on their number.

    Writes to `output_dir`:

    - `state.npz`: all that is needed to go on;
    - `UNFINISHED.txt`: until the run is finished;
    - `model.keras`: the model, with its class names, after the last epoch, written after each;
    - `best.keras`: the model of the epoch with the lowest validation loss;
    - `clips.png`: the first 16 clips that it is trained on, as the network gets them;
    - `history.csv`, `tensorboard/`: the epochs; `steps.csv`: the loss of each step, as Keras
      shows it, and a digest of its clips;
    - `resumptions.csv`: when the run was begun and gone on with, where, and at which step;
    - `report.html`, its pictures, `metrics.json`, `per_class.csv`, `videos.csv`,
      `scores.npz`: the result; see `evaluation.write_report`.

    Args:
        model: a `keras.Model` from preprocessed clips to probabilities.
        recipe: `Recipe`.
        train_catalog: `data.Catalog`.
        test_catalog: `data.Catalog` with the same classes, or some of them;
            they are matched by name.
        output_dir: str, a folder; made where missing.
        settings: `settings.FitSettings`, or an int, the epochs; None means the
            defaults.
        validation_catalog: `data.Catalog`, like `test_catalog`, such as
            `data.hold_out` makes of the training videos: no test video is
            scored before the end. None means `test_catalog`.
        config, command: for the report; see `evaluation.write_report`.
        **changes: fields of `FitSettings` to change: `epochs=`, `batch_size=`,
            `clips_per_open=`, `seed=`, `unreadable=`, `crop_scales=`, `save_every=`.

    Returns:
        An `evaluation.EvaluationResult` of the test catalog.

    Raises:
        ValueError: The second catalog has classes that the first does not
            have, or the model does not fit them; `output_dir` holds another
            training, or one that another process is at work on.
        FileExistsError: `output_dir` holds a model of something else.
        stopping.Stopped: Ctrl-C was pressed, or SIGTERM came.
        OSError: The disk is full, or the folder cannot be written to.
        data.VideoError: Videos cannot be read; the message lists them.

    Example:

    >>> recipe = keras_seattn.training.paper_recipe(frames=16, batch_size=32)
    >>> result = keras_seattn.training.train(
    ...     model, recipe, train_catalog, test_catalog, "runs/first", epochs=100
    ... )
    """
    output_dir = os.fspath(output_dir)

    def file(name):
        return os.path.join(output_dir, name)

    settings = fit_settings(FitSettings, settings, changes)
    # What `fit` checks too, before a folder is made.
    clip_shape(model)
    scored = test_catalog if validation_catalog is None else validation_catalog
    for catalog in (test_catalog, scored):
        check_classes(model, train_catalog, catalog)
    check_output(output_dir)
    with FolderLock(output_dir, "training"):
        description = describe(
            model, recipe, train_catalog, test_catalog, settings, config, validation_catalog
        )
        state = TrainingState(file(STATE), description, settings.seed, file(STEPS))
        if state.is_over(settings.epochs) and state.result:
            print(f"This run is finished: {file('report.html')}", flush=True)
            fit_from(state, model, recipe, train_catalog, scored, settings)
            return state.result
        state.result = None  # It may be that of fewer epochs.
        with stoppable(state):
            folder = RunFolder(output_dir, state, settings.epochs, config, command)
            callbacks = [
                SaveModel(file("model.keras"), state),
                SaveModel(file("best.keras"), state, best_only=True),
                folder,
            ]
            batch_size, unreadable = settings.batch_size, settings.unreadable
            for catalog in (test_catalog, scored):
                source_of(catalog, unreadable)  # Now, not after the first epoch or the last.
            if not os.path.exists(file("clips.png")):
                _draw_clips(model, train_catalog, settings, state.seed, file("clips.png"))
            fit_from(state, model, recipe, train_catalog, scored, settings, callbacks)
            result = evaluate(model, test_catalog, batch_size, unreadable=unreadable)
            # A stop that is requested from here on finds the run finished.
            write_report(
                result,
                output_dir,
                title=f"{model.name}: {result.headline}",
                history_csv=file("history.csv"),
                clips_png=file("clips.png"),
                validation=validated_on(validation_catalog),
                config=config,
                command=command,
                resumptions=folder.resumptions(),
            )
            folder.finish()
            state.finish(result)
    return result


def _draw_clips(model, train_catalog, settings, seed, path):
    """Draws the first clips of a training, which are the same in batches of another size."""
    at_once = settings.clips_per_open
    settings = dataclasses.replace(settings, batch_size=max(1, _DRAWN // at_once) * at_once)
    clips, labels = next(iter(clips_of(model, train_catalog, settings, seed, first_step=0)))
    *_, data_format = clip_shape(model)
    frames = restored_pixels(clips.numpy(), data_format, preprocessing_of(model))
    plot_clips(frames, [train_catalog.class_names[label] for label in labels.numpy()], path)


def validated_on(validation_catalog: Catalog | Records | None) -> str:
    """Which videos `train` validates on, for people."""
    if validation_catalog is None:
        return "the test videos, as in the code of Hara et al."
    return f"{len(validation_catalog)} videos held apart from the test videos"


def check_output(output_dir: str | os.PathLike) -> None:
    """Raises a FileExistsError if a folder holds a model that no training here can go on with."""
    path = os.path.join(output_dir, "model.keras")
    if os.path.exists(path) and not os.path.exists(os.path.join(output_dir, STATE)):
        raise ExistingFileError(
            f"`output_dir` holds a trained model, and no {STATE} to go on from: {path}. Name "
            "another folder, or remove that one."
        )
