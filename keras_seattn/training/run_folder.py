"""The folder of a run: the files beside its state, which tell of its epochs, and its models."""

import contextlib
import csv
import datetime
import io
import os
import shutil

import keras
import numpy as np
import tensorflow as tf

from keras_seattn import files
from keras_seattn.errors import StorageError
from keras_seattn.prediction.models import UNFINISHED
from keras_seattn.processes import this_process
from keras_seattn.training.differences import FREE
from keras_seattn.training.state import TrainingState


class SaveModel(keras.callbacks.Callback):
    """Saves a model after each epoch, or after those with the lowest validation loss.

    Args:
        path: str, the `.keras` file.
        state: `TrainingState`, which is on the disk before a model of later is.
        best_only: bool.
    """

    def __init__(self, path: str, state: TrainingState, best_only: bool = False):
        super().__init__()
        self.path, self.state, self.best_only = path, state, best_only
        self.best = np.inf

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        if not self.best_only or logs["val_loss"] < self.best:
            self.best = logs["val_loss"]
            self.state.wait()
            with files.replacing(self.path) as partial:
                self.model.save(partial)


class RunFolder(keras.callbacks.Callback):
    """Keeps `history.csv`, the curves of TensorBoard and `UNFINISHED.txt` as far as a run is.

    Made anew from the epochs of a state, they have no gap and nothing twice.

    Args:
        path: str, the folder.
        state: `TrainingState`.
        epochs: int, of the whole run.
        config: dict, for `config.json`, which stays as it is unless the epochs
            or the places of the videos are others; or None.
        command: str that goes on, or None.
    """

    def __init__(
        self, path: str, state: TrainingState, epochs: int, config: dict | None, command: str | None
    ):
        super().__init__()
        self.path, self.epochs, self.rows = path, epochs, list(state.rows)
        self.command = command or "the same call of training.train"
        if config is not None:
            self._write_config(config)
        shutil.rmtree(self._file("tensorboard"), ignore_errors=True)
        self._curves = {
            name: tf.summary.create_file_writer(self._file(os.path.join("tensorboard", name)))
            for name in ("train", "validation")
        }
        for row in self.rows:
            self._draw(row)
        self._write()
        self._note_start(state.step)

    def _file(self, name):
        return os.path.join(self.path, name)

    def _write_config(self, config):
        path = self._file("config.json")
        before = files.read_json(path) if os.path.exists(path) else {}
        if any(before.get(name) != config.get(name) for name in FREE) or not before:
            files.write_json(path, config)

    def _note_start(self, step):
        path = self._file("resumptions.csv")
        lines = [] if os.path.exists(path) else ["when,host,step"]
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        files.append_lines(path, [*lines, f"{now},{this_process().host},{step}"])

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        logs.setdefault("learning_rate", float(rate))
        self.rows.append({"epoch": epoch, **logs})
        self._draw(self.rows[-1])
        self._write()

    def _draw(self, row):
        try:
            for name, value in row.items():
                part = "validation" if name.startswith("val_") else "train"
                if name != "epoch":
                    with self._curves[part].as_default():
                        tf.summary.scalar(f"epoch_{name.removeprefix('val_')}", value, row["epoch"])
            for curves in self._curves.values():
                curves.flush()
        except tf.errors.OpError as error:
            raise StorageError(
                f"{self._file('tensorboard')} could not be written: {error.message}. The state of "
                "the run is whole. Make room on the disk, and give the same command again."
            ) from error

    def _write(self):
        if self.rows:
            text = io.StringIO()
            names = ["epoch", *sorted(self.rows[0].keys() - {"epoch"})]
            writer = csv.DictWriter(text, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
            files.write_text(self._file("history.csv"), text.getvalue())
        files.write_text(
            self._file(UNFINISHED),
            f"This run is not finished: {len(self.rows)} of {self.epochs} epochs are trained.\n"
            f"To go on: {self.command}\n",
        )

    def resumptions(self) -> list[str]:
        """When the run was gone on with, and where, as text."""
        starts = [line.split(",") for line in files.read_lines(self._file("resumptions.csv"))[2:]]
        return [f"{when}, at step {step}, on {host}" for when, host, step in starts]

    def finish(self) -> None:
        """Ends what says that the run is not finished."""
        for curves in self._curves.values():
            curves.close()
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._file(UNFINISHED))
