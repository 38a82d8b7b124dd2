"""Everything that a training is, in one file, so that it can be gone on with from there."""

import concurrent.futures
import dataclasses
import inspect
import json
import os
import secrets
import time
from collections.abc import Sequence

import keras
import numpy as np

from keras_seattn import files
from keras_seattn.errors import InputError
from keras_seattn.evaluation import EvaluationResult
from keras_seattn.training.differences import differences

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


class TrainingState:
    """What a training has come to: enough to go on as if it had never stopped.

    Args:
        path: str, the `.npz` file to keep it in; what it holds is read. None for
            a training that is not gone on with.
        description: dict of what is trained, on what and how; see
            `differences.describe`.
        seed: int of the sampling of clips; None for a random one.
        steps_path: str, a CSV file for the loss and the clips of each step, or
            None.

    Attributes:
        step: int, how many steps were trained.
        rows: list of dict, the epochs that were: `epoch` and its metrics.
        seed: int.
        begun: bool, whether some of the steps of `epoch` were trained.
        validating: bool, whether the steps of the epoch are over, its end is not.
        over: bool, whether a callback ended the training.
        found: str, what was read, for people; None if there was nothing.
        result: `EvaluationResult` of the finished run, or None.

    Raises:
        ValueError: The file is damaged, or of another training; the message
            lists what differs.
    """

    def __init__(
        self,
        path: str | os.PathLike | None,
        description: dict,
        seed: int | None = None,
        steps_path: str | os.PathLike | None = None,
    ):
        self.path, self.steps_path, self.description = path, steps_path, description
        self.seed = secrets.randbelow(2**32) if seed is None else seed
        self.step, self.begun, self.validating, self.over = 0, False, False, False
        self.rows: list[dict] = []
        self.found: str | None = None
        self.result: EvaluationResult | None = None
        self._callbacks: list[dict] = []
        self._variables: dict[str, np.ndarray] = {}
        # Of `steps.csv`, not written yet; None where nobody wants them.
        self.new_steps: list[str] | None = None if steps_path is None else []
        self._clips_before: str | None = None
        self._behind = concurrent.futures.ThreadPoolExecutor(1)
        self._written: concurrent.futures.Future | None = None
        if path is not None and os.path.exists(path):
            self._read()
        if steps_path is not None:
            self._cut_steps()

    @property
    def epoch(self) -> int:
        """The epoch that is trained, from 0; all before it are over."""
        return len(self.rows)

    @property
    def place(self) -> str:
        """Where the training is, such as `"epoch 3, step 120"`, the former from 1."""
        if self.begun or not self.epoch:
            return f"epoch {self.epoch + 1}, step {self.step}"
        return f"the end of epoch {self.epoch}, step {self.step}"

    def is_over(self, epochs: int) -> bool:
        """Whether nothing is left to train of a number of epochs.

        Raises:
            ValueError: More than these were trained already.
        """
        if self.epoch + self.begun > epochs:
            raise InputError(
                f"{self.path} has come to {self.place} already. Give more `epochs` than {epochs}, "
                "or name another folder."
            )
        return self.over or self.epoch == epochs

    def _read(self):
        try:
            content = _load(self.path)
            before = dict(content["description"])
            self._clips_before = before.pop("clips")
            self.step, self.seed = content["step"], content["seed"]
            self.rows, self.over = content["rows"], content["over"]
            self.begun, self.validating = content["begun"], content["validating"]
            self._callbacks, self._variables = content["callbacks"], content["variables"]
            if content["result"]:
                self.result = EvaluationResult(**content["result"])
            age = time.time() - os.path.getmtime(self.path)
        except files.DAMAGED as error:
            raise InputError(
                f"{self.path} is damaged, or not the state of a training: {error}. To train anew, "
                "remove the folder that it is in, or name another one."
            ) from error
        different = differences(before, self.description)
        if different:
            raise InputError(
                f"{self.path} is of another training. Go on with what was given then, or name "
                "another folder. What differs:\n" + "\n".join(different)
            )
        self.description = {**self.description, "clips": self._clips_before}
        self.found = f"{self.place}, saved {_duration(age)} ago"

    def check_clips(self, digest: str) -> None:
        """Raises a ValueError if clips are not those that were trained on; see `Plan.digest`."""
        if self._clips_before not in (None, digest):
            raise InputError(
                f"{self.path} is of a training on other videos: some can be read that could not "
                "then, or the other way round, or have another number of frames. Put them back, "
                "or name another folder."
            )
        self.description = {**self.description, "clips": digest}

    def give(self, model: keras.Model) -> None:
        """Sets the variables of a compiled model, those of its metrics too.

        It builds all of them in any case: a step that TensorFlow has compiled
        with its variables there rounds otherwise than one that makes them.
        """
        variables = _variables_of(model)
        if self._variables:
            self._assign(variables)

    def give_metrics(self, model: keras.Model) -> None:
        """Sets the variables of metrics, which Keras resets when an epoch begins; once."""
        if self._variables:
            known = _variables_of(model)
            self._assign({name: known[name] for name in known if name.startswith("metrics/")})
            self._variables = {}

    def _assign(self, variables):
        try:
            for name, variable in variables.items():
                variable.assign(self._variables[name])
        except (LookupError, ValueError) as error:
            raise InputError(
                f"{self.path} does not fit the model: {error}. Name another folder."
            ) from error

    def give_callbacks(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Sets what callbacks had counted and kept; for `on_train_begin`, where they forget it."""
        for callback, known in zip(callbacks, self._callbacks, strict=False):
            if hasattr(callback, "set_state"):
                callback.set_state(known)
            else:
                vars(callback).update(known)

    def add_step(self, loss: float, clips: str) -> None:
        """Counts a step: its loss, and the digest of its clips."""
        if self.new_steps is not None:
            self.new_steps.append(f"{self.step},{loss!r},{clips}")
        self.step, self.begun = self.step + 1, True

    def end_epoch(self, row: dict, over: bool) -> None:
        """Counts an epoch; `over`: whether it was the last, as a callback says."""
        self.rows.append(row)
        self.begun, self.validating, self.over = False, False, over

    def save(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Copies the state of a model and of callbacks, and has it written behind the training.

        Raises:
            OSError: What was to be written before could not be.
        """
        self._callbacks, self._variables = [_kept(callback) for callback in callbacks], {}
        if self.path is None:
            return
        content = {
            "description": self.description,
            "step": self.step,
            "seed": self.seed,
            "rows": list(self.rows),
            "over": self.over,
            "begun": self.begun,
            "validating": self.validating,
            "callbacks": self._callbacks,
            "variables": {name: _copy(v) for name, v in _variables_of(model).items()},
            "result": None,
        }
        lines = self.new_steps
        if lines is not None:
            self.new_steps = []
        self.wait()
        self._written = self._behind.submit(self._write, content, lines)

    def wait(self) -> None:
        """Returns when all is on the disk; raises an OSError if it could not be written."""
        written, self._written = self._written, None
        if written is not None:
            written.result()

    def _write(self, content, lines):
        if lines:
            files.append_lines(self.steps_path, lines)
        _save(self.path, content)

    def finish(self, result: EvaluationResult) -> None:
        """Adds the result of the run, which is finished with it."""
        self.wait()
        fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
        _save(self.path, {**_load(self.path), "result": fields})
        self.result = result

    def _cut_steps(self):
        """Begins the file of steps, or removes what came after the state was written."""
        lines = files.read_lines(self.steps_path)
        kept = [line for line in lines[1:] if int(line.split(",")[0]) < self.step]
        if len(kept) + 1 != len(lines):
            files.write_text(self.steps_path, "\n".join(["step,loss,clips", *kept]) + "\n")


def _variables_of(model):
    """The variables of a compiled model, its optimizer and its metrics, by name."""
    model.optimizer.build(model.trainable_variables)
    kinds = {
        "metrics": model.metrics_variables,
        "optimizer": model.optimizer.variables,
        "model": model.variables,
    }
    return {
        f"{kind}/{number}": variable
        for kind, variables in kinds.items()
        for number, variable in enumerate(variables)
    }


def _copy(variable):
    """An array of a variable that stays as it is; bfloat16, which NumPy cannot save, as float32."""
    array = keras.ops.convert_to_numpy(variable)
    return array.astype("float32") if array.dtype.kind == "V" else array.copy()


def _kept(callback):
    """What a callback keeps from epoch to epoch: numbers, and lists of arrays such as weights."""
    if hasattr(callback, "get_state"):
        return callback.get_state()
    settings = inspect.signature(type(callback)).parameters
    return {
        name: value
        for name, value in vars(callback).items()
        if not name.startswith("_")
        and name not in settings
        and (
            isinstance(value, int | float | np.number)
            or (isinstance(value, list) and all(isinstance(item, np.ndarray) for item in value))
        )
    }


def _save(path, content):
    """Writes what JSON takes, and arrays in it, to an `.npz` file."""
    arrays: dict[str, np.ndarray] = {}

    def refer(value):
        if np.ndim(value) == 0:
            return value.item()
        name = f"array {len(arrays)}"
        arrays[name] = value
        return {"array": name}

    text = json.dumps(content, default=refer).encode()
    with files.replacing(path, sum(array.nbytes for array in arrays.values())) as partial:
        np.savez(partial, content=np.frombuffer(text, "uint8"), **arrays)


def _load(path):
    """What `_save` wrote."""
    with np.load(path) as file:
        return json.loads(
            bytes(file["content"]),
            object_hook=lambda part: file[part["array"]] if part.keys() == {"array"} else part,
        )


def _duration(seconds):
    """A time as text, such as `"2 minutes"`."""
    unit, length = next(row for row in _UNITS if seconds >= row[1] or row[1] == 1)
    number = max(0, int(seconds // length))
    return f"{number} {unit}{'' if number == 1 else 's'}"
