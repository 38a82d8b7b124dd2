"""Fitting a model to the clips of a catalog, from the start or from where a state is."""

import contextlib
import os
import sys
import typing
from collections.abc import Iterator, Sequence

import keras
import numpy as np

from keras_seattn import stopping
from keras_seattn.configuration import fit_settings
from keras_seattn.data.catalogs import Catalog, match_classes
from keras_seattn.data.pipeline import train_clips
from keras_seattn.data.records.manifest import Records
from keras_seattn.data.training_clips import TrainingClips
from keras_seattn.description import set_class_names
from keras_seattn.errors import DivergedError, InputError
from keras_seattn.prediction.models import check_probabilities
from keras_seattn.preprocessing import clip_shape, preprocessing_of
from keras_seattn.raised import as_raised
from keras_seattn.settings import FitSettings
from keras_seattn.training.differences import describe
from keras_seattn.training.keeping import KeepState
from keras_seattn.training.lines import EpochLines
from keras_seattn.training.recipe import Recipe
from keras_seattn.training.state import TrainingState
from keras_seattn.training.video_validation import VideoValidation


def fit(
    model: keras.Model,
    recipe: Recipe,
    train_catalog: Catalog | Records,
    validation_catalog: Catalog | Records,
    settings: FitSettings | int | None = None,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: str | int = "auto",
    state_file: str | os.PathLike | None = None,
    **changes: typing.Any,
) -> keras.callbacks.History:
    """Trains a model on the videos of one catalog and scores another after each epoch.

    The part of `train` that writes no files but, if asked to, its state.

    Args:
        model, recipe, train_catalog, settings: see `train`.
        validation_catalog: `data.Catalog` with the same classes, or some of
            them; they are matched by name.
        callbacks: sequence of `keras.callbacks.Callback`, called behind the
            recipe's.
        verbose: as in `keras.Model.fit`; `"auto"` means a bar on a terminal,
            and else a line for each epoch.
        state_file: str, an `.npz` file to keep the state of the training in; a
            later call with the same arguments goes on from it, and comes to the
            same. None means that it cannot be gone on with.
        **changes: see `train`.

    Returns:
        The `keras.callbacks.History`, whose `history` holds for each epoch
        `loss` and `clip_top1`, of the clips trained on, and `val_loss`,
        `val_clip_top1` and `val_top1`, the last of whole videos.

    Raises:
        ValueError: The second catalog has classes that the first does not
            have, or the model does not fit them; or `state_file` is damaged or
            of another training.
        stopping.Stopped: With `state_file`, on Ctrl-C or SIGTERM.
        evaluation.DivergedError: The loss became NaN.
        data.VideoError: Videos cannot be read; the message lists them.

    Example:

    >>> training, validation = keras_seattn.data.hold_out(catalog)
    >>> history = keras_seattn.training.fit(model, recipe, training, validation, epochs=10)
    >>> history.history["val_top1"][-1]
    0.61
    """
    settings = fit_settings(FitSettings, settings, changes)
    check_classes(model, train_catalog, validation_catalog)
    description = describe(model, recipe, train_catalog, validation_catalog, settings)
    state = TrainingState(state_file, description, settings.seed)
    with stoppable(state) if state_file else contextlib.nullcontext():
        return fit_from(
            state, model, recipe, train_catalog, validation_catalog, settings, callbacks, verbose
        )


def fit_from(
    state: TrainingState,
    model: keras.Model,
    recipe: Recipe,
    train_catalog: Catalog | Records,
    validation_catalog: Catalog | Records,
    settings: FitSettings,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: str | int = "auto",
) -> keras.callbacks.History:
    """Fits a model from where a state is; as `fit`."""
    recipe = recipe.fresh()
    set_class_names(model, train_catalog.class_names)
    compile_model(model, recipe)
    state.give(model)
    kept = [*recipe.callbacks, *callbacks]
    keep_state = KeepState(state, kept, settings.save_every)
    callbacks = [
        keras.callbacks.TerminateOnNaN(),
        VideoValidation(validation_catalog, settings.batch_size, settings.unreadable),
        *kept,
        keep_state,
    ]
    if verbose == "auto":
        verbose = 1 if sys.stdout and sys.stdout.isatty() else 2
    if verbose == 2:
        callbacks, verbose = [*callbacks, EpochLines(state)], 0
    if state.found and state.result is None:
        print(f"Going on at {state.found}", flush=True)
    by_hand = keras.callbacks.CallbackList(callbacks, model=model, epochs=settings.epochs)
    with as_raised():
        if state.validating:
            _end_epoch(by_hand, state)
        if state.is_over(settings.epochs):
            _end_training(by_hand)
        else:
            keep_state.clips = clips_of(
                model, train_catalog, settings, state.seed, first_step=state.step
            )
            state.check_clips(keep_state.clips.plan.digest)
            model.fit(
                keep_state.clips,
                initial_epoch=state.epoch,
                epochs=settings.epochs,
                shuffle=False,  # `train_clips` does it.
                verbose=verbose,
                callbacks=keep_state.clips.callbacks_of_epochs(callbacks),
            )
    state.wait()
    if not np.isfinite(state.rows[-1]["loss"]):
        raise DivergedError(
            f"The loss was not a finite number in epoch {state.epoch}: the training diverged. "
            "Train again with a lower learning rate."
        )
    return _history(model, state.rows)


def clips_of(
    model: keras.Model,
    train_catalog: Catalog | Records,
    settings: FitSettings,
    seed: int,
    *,
    first_step: int,
) -> TrainingClips:
    """The clips that a model is trained on."""
    frames, size, data_format = clip_shape(model)
    return train_clips(
        train_catalog,
        frames,
        size,
        settings.batch_size,
        seed=seed,
        unreadable=settings.unreadable,
        crop_scales=settings.crop_scales,
        clips_per_open=settings.clips_per_open,
        data_format=data_format,
        preprocessing=preprocessing_of(model),
        first_step=first_step,
    )


def _end_epoch(callbacks, state):
    """What is left of an epoch whose steps are over: its validation, and what follows from it."""
    callbacks.model.stop_training = False  # as Keras begins
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(state.epoch)
    callbacks.on_epoch_end(state.epoch, callbacks.model.get_metrics_result())


def _end_training(callbacks):
    """What Keras does when a training ends, such as going back to the best weights."""
    callbacks.on_train_begin()
    model = callbacks.model
    model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end()


def _history(model, rows):
    """Keras' history of a training, of all its epochs, whenever they were."""
    history = keras.callbacks.History()
    history.set_model(model)
    history.on_train_begin()
    for row in rows:
        history.on_epoch_end(row["epoch"], {name: row[name] for name in row if name != "epoch"})
    return history


def compile_model(model: keras.Model, recipe: Recipe) -> None:
    """Compiles a model with a recipe's optimizer, the cross-entropy and `clip_top1`."""
    model.compile(
        recipe.fresh().optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="clip_top1")],
    )
    # Keras builds metrics with the first batch, and a state sets them before.
    classes = model.output_shape[-1]
    model.compute_metrics(None, np.zeros(1, "int64"), np.full((1, classes), 1 / classes, "float32"))
    model.reset_metrics()


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


@contextlib.contextmanager
def stoppable(state: TrainingState) -> Iterator[None]:
    """A context that Ctrl-C and SIGTERM end in order, and that says how to go on."""
    try:
        with stopping.StopRequest():
            yield
    except stopping.Stopped as stopped:
        state.wait()
        message = f"Stopped at {state.place}. The same command goes on."
        raise stopping.Stopped(stopped.status, message) from None
