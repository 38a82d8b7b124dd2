"""Checks a run: draws some of its clips anew, and trains its first steps anew."""

import dataclasses
import os
import typing

import keras
import numpy as np

from keras_seattn import files
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.records.manifest import Records
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.settings import FitSettings
from keras_seattn.training.fitting import clips_of, fit_from
from keras_seattn.training.recipe import Recipe
from keras_seattn.training.run import STEPS
from keras_seattn.training.state import TrainingState


@dataclasses.dataclass(frozen=True)
class Verification:
    """What came of trying steps of a run again.

    Attributes:
        drawn: int, the number of steps whose clips were drawn anew.
        trained: int, the number of steps that were trained anew.
        step: int, the first step that differs, from 0; None if none does.
        then, now: float, its losses, if it differs in the loss; None if it
            differs in the clips.
    """

    drawn: int
    trained: int
    step: int | None = None
    then: float | None = None
    now: float | None = None

    def __str__(self):
        if self.step is None:
            return (
                f"equal: the clips of {self.drawn} random steps, and clips and losses of the first "
                f"{self.trained} steps"
            )
        where = f"differs first at step {self.step}: in the"
        if self.then is None or self.now is None:
            return f"{where} clips"
        by = abs(self.now - self.then)
        return f"{where} loss, by {by:.3g} ({self.then!r} then, {self.now!r} now)"


def verify(
    model: keras.Model,
    recipe: Recipe,
    train_catalog: Catalog | Records,
    test_catalog: Catalog | Records,
    output_dir: str | os.PathLike,
    settings: FitSettings,
    steps: int = 20,
    *,
    validation_catalog: Catalog | Records | None = None,
) -> Verification:
    """Tries steps of a run again, on the machine that it ran on or on another.

    The clips of random steps are drawn anew and compared by their digests. The
    first steps are trained anew, and their clips and losses compared, to the
    last bit.

    Args:
        model: a `keras.Model`, as it was when the run began.
        recipe, train_catalog, test_catalog, settings: as they were given to
            `train`.
        output_dir: str, the folder of the run, finished or not.
        steps: int, how many steps of either kind.
        validation_catalog: as it was given to `train`.

    Returns:
        A `Verification`.

    Raises:
        FileNotFoundError: No steps are recorded in `output_dir`.
        ValueError: What is recorded is damaged, or `settings` have no seed.

    Example:

    >>> def a_run():
    ...     keras.utils.set_random_seed(0)
    ...     model = keras_seattn.applications.SEAResNet18_3D(classes=len(catalog.class_names))
    ...     return model, keras_seattn.training.paper_recipe(), catalog, test_catalog
    >>> settings = keras_seattn.settings.FitSettings(epochs=1, batch_size=8, seed=0)
    >>> result = keras_seattn.training.train(*a_run(), "runs/first", settings)
    >>> print(keras_seattn.training.verify(*a_run(), "runs/first", settings, steps=1))
    equal: the clips of 1 random steps, and clips and losses of the first 1 steps
    """
    if settings.seed is None:
        raise InputError("`settings` must have the seed of the run. Received: seed=None")
    recorded = _recorded(os.path.join(output_dir, STEPS))
    chosen = sorted(np.random.default_rng().permutation(len(recorded))[:steps].tolist())
    trained = min(steps, len(recorded))
    found = Verification(len(chosen), trained)
    scored = test_catalog if validation_catalog is None else validation_catalog
    again = _train_again(model, recipe, train_catalog, scored, settings, trained)
    for step, (then, now) in enumerate(zip(recorded, again, strict=False)):
        if then != now:
            losses = {"then": then.loss, "now": now.loss} if then.clips == now.clips else {}
            return dataclasses.replace(found, step=step, **losses)
    for step in chosen:
        clips = clips_of(model, train_catalog, settings, settings.seed, first_step=step)
        next(iter(clips))
        if clips.taken(step) != recorded[step].clips:
            return dataclasses.replace(found, step=step)
    return found


class _Step(typing.NamedTuple):
    """A line of `steps.csv`."""

    loss: float
    clips: str

    @classmethod
    def of(cls, line: str) -> "_Step":
        _, loss, clips = line.split(",")
        return cls(float(loss), clips)


def _recorded(path):
    """The steps of a run."""
    lines = files.read_lines(path)[1:]
    if not lines:
        raise MissingFileError(
            f"No steps are recorded in {path}. Name the folder of a run that has come to its first "
            "state."
        )
    try:
        return [_Step.of(line) for line in lines]
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}. The run cannot be checked.") from error


def _train_again(model, recipe, train_catalog, validation_catalog, settings, steps):
    """The first steps of a training."""
    state = TrainingState(None, {}, settings.seed)
    state.new_steps = []
    try:
        fit_from(
            state, model, recipe, train_catalog, validation_catalog, settings,
            callbacks=[_EndAfter(state, steps)], verbose=0,
        )  # fmt: skip
    except _EndError:
        pass
    return [_Step.of(line) for line in state.new_steps]


class _EndError(Exception):
    """Enough was trained."""


class _EndAfter(keras.callbacks.Callback):
    def __init__(self, state, steps):
        super().__init__()
        self.state, self.steps = state, steps

    def on_train_batch_begin(self, batch, logs=None):
        if self.state.step == self.steps:
            raise _EndError
