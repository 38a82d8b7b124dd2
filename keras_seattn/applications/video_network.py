"""The class of the networks: a functional Keras model that knows its classes and its input."""

import json

import h5py
import keras

from keras_seattn.preprocessing import HARA_2018, Preprocessing
from keras_seattn.raised import as_raised

# The name of a dataset in `.weights.h5` files, for what Keras keeps in `.keras` files only.
DESCRIPTION = "keras_seattn"


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
        inputs: the `keras.Input`; its name is the dictionary's key.
        outputs: the output tensor.
        name: str.
        **kwargs: as for `keras.Model`.

    Attributes:
        class_names: tuple of str in the order of the outputs; None where they
            are not known. May be set to any list of as many.
        preprocessing: `preprocessing.Preprocessing`, what the input is.
    """

    # Keras before 3.15 loads a class as a functional model only if it takes these arguments.
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._class_names = None
        self.preprocessing = HARA_2018

    @property
    def class_names(self):
        return self._class_names

    @class_names.setter
    def class_names(self, names):
        if names is not None and len(names) != self.output_shape[-1]:
            raise ValueError(
                f"`class_names` must hold {self.output_shape[-1]} names, one for each output of "
                f"the model. Received: {len(names)} names"
            )
        self._class_names = None if names is None else tuple(str(name) for name in names)

    def call(self, inputs, training=None, mask=None, **kwargs):
        if isinstance(inputs, dict) and self.inputs[0].name in inputs:
            inputs = inputs[self.inputs[0].name]
        return super().call(inputs, training=training, mask=mask, **kwargs)

    def fit(self, *args, **kwargs):
        with as_raised():
            return super().fit(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        with as_raised():
            return super().evaluate(*args, **kwargs)

    def predict(self, *args, **kwargs):
        with as_raised():
            return super().predict(*args, **kwargs)

    def save_weights(self, filepath, *args, **kwargs):
        super().save_weights(filepath, *args, **kwargs)
        if str(filepath).endswith(".weights.h5"):
            with h5py.File(filepath, "a") as file:
                file[DESCRIPTION] = json.dumps(self._description(), ensure_ascii=False)

    def get_config(self):
        return {**super().get_config(), **self._description()}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        description = {key: config.pop(key, None) for key in ("class_names", "preprocessing")}
        model = super().from_config(config, custom_objects)
        model.class_names = description["class_names"]
        if description["preprocessing"]:
            model.preprocessing = Preprocessing(*map(tuple, description["preprocessing"]))
        return model

    def _description(self):
        return {
            "class_names": self.class_names and list(self.class_names),
            "preprocessing": [list(values) for values in self.preprocessing],
        }
