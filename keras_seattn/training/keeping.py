"""The callback that keeps the state of a training, and ends it when it is asked to."""

import time
from collections.abc import Sequence

import keras
import numpy as np

from keras_seattn import stopping
from keras_seattn.data.training_clips import TrainingClips
from keras_seattn.training.state import TrainingState


class KeepState(keras.callbacks.Callback):
    """Keeps a state while a model is fitted, and has callbacks go on from it; the last of them.

    The state is written at the end of each epoch's steps, which its validation
    does not change, after that, and every so often in between.

    Args:
        state: `TrainingState`, whose variables the model has.
        callbacks: sequence of the `keras.callbacks.Callback`s to keep.
        save_every: float, in seconds.

    Attributes:
        clips: what `data.train_clips` made, to set before the model is fitted.
    """

    clips: TrainingClips

    def __init__(
        self,
        state: TrainingState,
        callbacks: Sequence[keras.callbacks.Callback],
        save_every: float,
    ):
        super().__init__()
        self.state, self.kept, self.save_every = state, callbacks, save_every

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.state.give_callbacks(self.kept)
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if not self.state.validating:
            self.clips.begin_epoch(epoch)
        if self.state.begun:
            self.state.give_metrics(self.model)

    def on_train_batch_end(self, batch: int, logs: dict) -> None:
        self.state.add_step(logs["loss"], self.clips.taken(self.state.step))
        self.state.validating = self.state.step == self.clips.steps(self.state.epoch).stop
        due = time.monotonic() - self._saved >= self.save_every
        stop = stopping.requested()
        if due or self.state.validating or stop:
            self._save(logs)
        if stop:
            self.state.wait()
            stopping.check()

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        row = {"epoch": epoch, **{name: float(logs[name]) for name in logs}}
        self.state.end_epoch(row, over=self.model.stop_training)
        self._save(logs)

    def _save(self, logs):
        if np.isfinite(logs["loss"]):  # There is no going on from a training that diverged.
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()
            self.state.save(self.model, self.kept)
            self._saved = time.monotonic()
