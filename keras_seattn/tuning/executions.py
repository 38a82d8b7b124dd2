"""The trainings of a search, kept on disk: what is finished is never trained again."""

import math
import os
import warnings

import keras

from keras_seattn.files import replacing, write_json
from keras_seattn.tuning.hypermodel import setting_as_text
from keras_seattn.tuning.reading import SearchError, read_part


class Executions:
    """A folder with the result and the model of each finished training, the state of others.

    It is what makes a search survive a kill at any moment: a result appears
    whole or not at all, is found by what was trained, not by a trial's number,
    and does not depend on the files of Keras Tuner.

    Args:
        folder: str; made where missing.
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = folder

    def path(self, settings: dict, epochs: int, execution: int, suffix: str) -> str:
        """The file for an execution of a configuration, by what it is trained with."""
        rate = settings["learning_rate"]
        name = (
            f"r{settings['channel_reduction']}-d{settings['sequence_reduction']}"
            f"-a{settings['attention_reduction']}-se{setting_as_text(settings['se_stages'])}"
            f"-sa{setting_as_text(settings['sa_stages'])}"
            + (f"-lr{rate:g}" if rate is not None else "")
            + f"-{epochs}epochs"
        )
        return os.path.join(self.folder, name, f"{execution + 1}{suffix}")

    def read(self, settings: dict, epochs: int, execution: int) -> dict | None:
        """The result of a finished execution, a dict, or None; a damaged one is as none."""
        path = self.path(settings, epochs, execution, ".json")
        if not os.path.exists(path):
            return None
        try:
            return read_part(path, finite, "It counts as not there: this is trained again.")
        except SearchError as error:
            warnings.warn(f"{error}", stacklevel=2)
            return None

    def state_file(self, settings: dict, epochs: int, execution: int) -> str:
        """The file for the state of an execution that is not finished; its folder is made."""
        path = self.path(settings, epochs, execution, ".state.npz")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(
        self,
        settings: dict,
        epochs: int,
        execution: int,
        result: dict,
        model: keras.Model | None = None,
    ) -> None:
        """Keeps the result of an execution, and its model, in place of its state."""
        path = self.path(settings, epochs, execution, ".json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if model is not None:
            with replacing(self.path(settings, epochs, execution, ".keras")) as partial:
                model.save(partial)
        write_json(path, result)
        _remove(self.path(settings, epochs, execution, ".state.npz"))

    def keep_only(self, settings: dict, epochs: int, execution: int, executions: int) -> None:
        """Removes the models of all executions of a configuration but one."""
        for other in set(range(executions)) - {execution}:
            _remove(self.path(settings, epochs, other, ".keras"))


def finite(result: dict) -> dict:
    """The result of an execution, which has failed if a metric is not a finite number."""
    if "failed" in result:
        return result
    for name, value in result["metrics"].items():
        if not math.isfinite(value):
            return {"failed": f"{name} was {value} after the last epoch"}
    return result


def _remove(path):
    """Removes a file that may not be there."""
    if os.path.exists(path):
        os.remove(path)
