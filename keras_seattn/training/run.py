"""A training run: from two catalogs to a saved model with its metrics and pictures."""

import os
import typing
from collections.abc import Sequence

import keras
import numpy as np

from keras_seattn.data.catalogs import Catalog, match_classes
from keras_seattn.data.pipeline import train_clips
from keras_seattn.data.records.manifest import Records
from keras_seattn.description import set_class_names
from keras_seattn.errors import DivergedError, ExistingFileError, InputError
from keras_seattn.evaluation import EvaluationResult, evaluate, write_report
from keras_seattn.prediction.models import check_probabilities
from keras_seattn.preprocessing import clip_shape, preprocessing_of
from keras_seattn.raised import as_raised
from keras_seattn.settings import FitSettings, fit_settings
from keras_seattn.training.recipe import Recipe
from keras_seattn.training.video_validation import VideoValidation


def train(
    model: keras.Model,
    recipe: Recipe,
    train_catalog: Catalog | Records,
    test_catalog: Catalog | Records,
    output_dir: str | os.PathLike,
    settings: FitSettings | int | None = None,
    *,
    config: dict | None = None,
    command: str | None = None,
    **changes: typing.Any,
) -> EvaluationResult:
    """Trains a model on the videos of one catalog and evaluates it on another.

    The test catalog serves as validation set after each epoch, as in the code
    of Hara et al.: `recipe` may lower the learning rate by its loss, and
    `best.keras` is picked by it. The metrics returned and written are those of
    the last epoch, which no choice on the test videos has touched.

    Writes to `output_dir`:

    - `model.keras`: the model, with its class names, after the last epoch, written after each;
    - `best.keras`: the model of the epoch with the lowest validation loss;
    - `history.csv`, `tensorboard/`: the epochs;
    - `report.html`, its pictures, `metrics.json`, `per_class.csv`: the result;
      see `evaluation.write_report`.

    Args:
        model: a `keras.Model` from preprocessed clips to probabilities.
        recipe: `Recipe`.
        train_catalog: `data.Catalog`.
        test_catalog: `data.Catalog` with the same classes, or some of them;
            they are matched by name.
        output_dir: str, a folder; made where missing.
        settings: `settings.FitSettings`, or an int, the epochs; None means the
            defaults.
        config, command: for the report; see `evaluation.write_report`.
        **changes: fields of `FitSettings` to change: `epochs=`, `batch_size=`,
            `seed=`, `unreadable=`, `crop_scales=`.

    Returns:
        An `evaluation.EvaluationResult` of the test catalog.

    Raises:
        ValueError: The second catalog has classes that the first does not
            have, or the model does not fit them.
        FileExistsError: `output_dir` holds a model already.
        data.VideoError: Videos cannot be read; the message lists them.

    Example:

    >>> recipe = keras_seattn.training.paper_recipe(frames=16, batch_size=32)
    >>> result = keras_seattn.training.train(
    ...     model, recipe, train_catalog, test_catalog, "runs/first", epochs=100
    ... )
    """

    def file(name):
        return os.path.join(output_dir, name)

    settings = fit_settings(FitSettings, settings, changes)
    # What `fit` checks too, before a folder is made.
    clip_shape(model)
    check_classes(model, train_catalog, test_catalog)
    check_output(output_dir)
    os.makedirs(output_dir, exist_ok=True)
    fit(
        model,
        recipe,
        train_catalog,
        test_catalog,
        settings,
        callbacks=[
            keras.callbacks.ModelCheckpoint(file("model.keras")),
            keras.callbacks.ModelCheckpoint(file("best.keras"), "val_loss", save_best_only=True),
            keras.callbacks.CSVLogger(file("history.csv")),
            keras.callbacks.TensorBoard(file("tensorboard"), write_graph=False),
        ],
    )
    result = evaluate(model, test_catalog, settings.batch_size, unreadable=settings.unreadable)
    write_report(
        result,
        output_dir,
        title=f"{model.name}: {result.top1:.1%} of {result.videos} videos",
        history_csv=file("history.csv"),
        config=config,
        command=command,
    )
    return result


def check_output(output_dir: str | os.PathLike) -> None:
    """Raises a FileExistsError if a folder holds a trained model, which would be overwritten."""
    path = os.path.join(output_dir, "model.keras")
    if os.path.exists(path):
        raise ExistingFileError(
            f"`output_dir` holds a trained model already: {path}. Name another folder, or remove "
            "that one."
        )


def fit(
    model: keras.Model,
    recipe: Recipe,
    train_catalog: Catalog | Records,
    validation_catalog: Catalog | Records,
    settings: FitSettings | int | None = None,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: str | int = "auto",
    **changes: typing.Any,
) -> keras.callbacks.History:
    """Trains a model on the videos of one catalog and scores another after each epoch.

    The part of `train` that writes no files.

    Args:
        model, recipe, train_catalog, settings: see `train`.
        validation_catalog: `data.Catalog` with the same classes, or some of
            them; they are matched by name.
        callbacks: sequence of `keras.callbacks.Callback`, called behind the
            recipe's.
        verbose: as in `keras.Model.fit`.
        **changes: see `train`.

    Returns:
        The `keras.callbacks.History`, whose `history` holds for each epoch
        `loss` and `clip_top1`, of the clips trained on, and `val_loss`,
        `val_clip_top1` and `val_top1`, the last of whole videos.

    Raises:
        ValueError: The second catalog has classes that the first does not
            have, or the model does not fit them.
        evaluation.DivergedError: The loss became NaN.
        data.VideoError: Videos cannot be read; the message lists them.

    Example:

    >>> training, validation = keras_seattn.data.hold_out(catalog)
    >>> history = keras_seattn.training.fit(model, recipe, training, validation, epochs=10)
    >>> history.history["val_top1"][-1]
    0.61
    """
    settings, recipe = fit_settings(FitSettings, settings, changes), recipe.fresh()
    frames, size, data_format = clip_shape(model)
    check_classes(model, train_catalog, validation_catalog)
    clips = train_clips(
        train_catalog,
        frames,
        size,
        settings.batch_size,
        seed=settings.seed,
        unreadable=settings.unreadable,
        crop_scales=settings.crop_scales,
        data_format=data_format,
        preprocessing=preprocessing_of(model),
    )
    set_class_names(model, train_catalog.class_names)
    compile_model(model, recipe)
    with as_raised():
        history = model.fit(
            clips,
            epochs=settings.epochs,
            shuffle=False,  # `train_clips` does it.
            verbose=verbose,
            callbacks=[
                keras.callbacks.TerminateOnNaN(),
                VideoValidation(validation_catalog, settings.batch_size, settings.unreadable),
                *recipe.callbacks,
                *callbacks,
            ],
        )
    if not np.all(np.isfinite(history.history["loss"])):
        raise DivergedError(
            f"The loss was not a finite number in epoch {len(history.epoch)}: the training "
            "diverged. Train again with a lower learning rate."
        )
    return history


def compile_model(model: keras.Model, recipe: Recipe) -> None:
    """Compiles a model with a recipe's optimizer, the cross-entropy and `clip_top1`."""
    model.compile(
        recipe.fresh().optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="clip_top1")],
    )


def check_classes(
    model: keras.Model, train_catalog: Catalog | Records, validation_catalog: Catalog | Records
) -> None:
    """Raises a ValueError unless a model and two catalogs go together."""
    match_classes(validation_catalog, train_catalog.class_names, "the training data")
    if len(train_catalog.class_names) < 2:
        raise InputError(
            f"`train_catalog` has one class, {train_catalog.class_names[0]}: there is nothing to "
            "tell apart. Add a class, such as videos of none."
        )
    if model.output_shape[-1] != len(train_catalog.class_names):
        raise InputError(
            f"`model` has {model.output_shape[-1]} outputs, but the catalogs have "
            f"{len(train_catalog.class_names)} classes. Build it with that many."
        )
    # As each epoch's validation would find, but now.
    noise = np.random.default_rng(0).normal(0, 50, (2, *model.input_shape[1:])).astype("float32")
    check_probabilities(keras.ops.convert_to_numpy(model(noise)))
