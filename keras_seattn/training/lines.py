"""A training told in lines, for files and pipes, where a bar would be drawn a thousand times."""

import time

import keras

from keras_seattn.progress import MINUTE
from keras_seattn.training.state import TrainingState


class EpochLines(keras.callbacks.Callback):
    """Prints a line for each epoch, and one a minute of a long one.

    Args:
        state: `TrainingState`, which knows the step.
    """

    def __init__(self, state: TrainingState):
        super().__init__()
        self.state = state

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._begun = self._told = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict) -> None:
        if time.monotonic() - self._told >= MINUTE:
            self._tell(self.state.epoch, f", step {self.state.step}", logs)

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        self._tell(epoch, f", {time.monotonic() - self._begun:.0f} s", logs)

    def _tell(self, epoch, where, logs):
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in logs.items())
        print(f"Epoch {epoch + 1} of {self.params['epochs']}{where}: {metrics}", flush=True)
        self._told = time.monotonic()
