"""The class of the networks: a functional Keras model that knows its classes and its input."""

import json
import os
import typing
from collections.abc import Iterable

import h5py
import keras

from keras_seattn.applications.parts import Parts, parts_of
from keras_seattn.checkpoints import untrusted
from keras_seattn.checkpoints.description import DESCRIPTION, read_description
from keras_seattn.description import Description, description_of, head_of, set_class_names
from keras_seattn.preprocessing import (
    HARA_2018,
    Preprocessing,
    checked_description,
    description_as_json,
)
from keras_seattn.raised import as_raised


@keras.saving.register_keras_serializable(package="keras_seattn")
class VideoNetwork(keras.Model):
    """A functional model of one input that carries what its user must know.

    It is saved with the names of its classes and with the preprocessing of its
    input, in `.keras` and in `.weights.h5` files. The length and size of its
    clips are in `input_shape`.

    `data.test_clips` delivers clips together with their videos' indices, as a
    dictionary. This model takes the clips from it, so that `fit`, `evaluate`
    and `predict` accept the data set. Errors of data sets of this package
    arrive in them as they were raised. Otherwise it is any functional model.

    Args:
        inputs: the `keras.Input`.
        outputs: the output tensor.
        name: str.
        **kwargs: as for `keras.Model`.

    Attributes:
        class_names: tuple of str in the order of the outputs; None where they
            are not known. May be set to any list of as many.
        preprocessing: `preprocessing.Preprocessing`, what the input is; None
            where the file of the weights does not say it.
    """

    # Keras before 3.15 loads a class as a functional model only if it takes these arguments.
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Of models without a `ClipDescription`, such as those that earlier versions saved.
        self.description = Description(HARA_2018)

    @property
    def preprocessing(self) -> Preprocessing | None:
        return self._known().preprocessing

    @preprocessing.setter
    def preprocessing(self, preprocessing: Preprocessing | None) -> None:
        self._known().preprocessing = preprocessing

    @property
    def class_names(self) -> tuple[str, ...] | None:
        description = self._known()
        return description.class_names if description.head == head_of(self) else None

    @class_names.setter
    def class_names(self, names: Iterable[str] | None) -> None:
        set_class_names(self, names)

    def parts(self) -> Parts:
        """The `Parts` that the network is made of: stem, stages with their modules, head."""
        return parts_of(self)

    def __call__(self, inputs, *args, **kwargs):
        return super().__call__(self._clips(inputs), *args, **kwargs)

    def call(
        self,
        inputs: typing.Any,
        training: bool | None = None,
        mask: typing.Any = None,
        **kwargs: typing.Any,
    ) -> typing.Any:
        inputs = self._clips(inputs)  # JAX comes here directly.
        return super().call(inputs, training=training, mask=mask, **kwargs)

    def _clips(self, inputs):
        """The clips out of a batch of `data.test_clips`, whatever the model's input is called."""
        if isinstance(inputs, dict) and len(self.inputs) == 1:
            return inputs.get(self.inputs[0].name, inputs.get("clip", inputs))
        return inputs

    def fit(self, *args: typing.Any, **kwargs: typing.Any) -> keras.callbacks.History:
        clips: typing.Any = args[0] if args else kwargs.get("x")
        callbacks = kwargs.get("callbacks") or []
        are_ready = len(args) > 5 or isinstance(callbacks, keras.callbacks.CallbackList)
        if hasattr(clips, "callbacks_of_epochs") and not are_ready:
            kwargs["callbacks"] = clips.callbacks_of_epochs(keras.tree.flatten(callbacks))
        with as_raised():
            return super().fit(*args, **kwargs)

    def evaluate(self, *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        with as_raised():
            return super().evaluate(*args, **kwargs)

    def predict(self, *args: typing.Any, **kwargs: typing.Any) -> typing.Any:
        with as_raised():
            return super().predict(*args, **kwargs)

    def save_weights(
        self, filepath: str | os.PathLike, *args: typing.Any, **kwargs: typing.Any
    ) -> None:
        super().save_weights(filepath, *args, **kwargs)
        if str(filepath).endswith(".weights.h5"):
            self.describe_weights(filepath)

    def describe_weights(self, file: str | os.PathLike | typing.BinaryIO) -> None:
        """Adds the preprocessing and the class names to a `.weights.h5` file."""
        with h5py.File(file, "a") as content:
            content[DESCRIPTION] = json.dumps(self._description(), ensure_ascii=False)

    def load_weights(
        self, filepath: str | os.PathLike, skip_mismatch: bool = False, **kwargs: typing.Any
    ) -> None:
        """As that of `keras.Model`, with the preprocessing and the class names of the file.

        With `skip_mismatch` the class names stay the model's own, for the head
        may be another; so they do where the file has none.
        """
        path, said = os.fspath(filepath), None
        if path.endswith((".weights.h5", ".keras")) and os.path.isfile(path):
            with untrusted.reading(path), untrusted.open_keras(path) as (file, config):
                said = read_description(file, config)
        super().load_weights(filepath, skip_mismatch, **kwargs)
        if said is not None:
            class_names, self.preprocessing = said
            if class_names and not skip_mismatch:
                self.class_names = class_names

    def get_config(self) -> dict:
        return {**super().get_config(), **self._description()}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "VideoNetwork":
        config = dict(config)
        description = {key: config.pop(key, None) for key in ("class_names", "preprocessing")}
        model = super().from_config(config, custom_objects)
        model.class_names, model.preprocessing = checked_description(description)
        return model

    def _known(self):
        """Its `Description`: there always is one."""
        return description_of(self)

    def _description(self):
        return description_as_json(self.class_names, self.preprocessing)
