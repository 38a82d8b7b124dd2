"""The class of the networks: a functional Keras model that knows its classes and its input."""

import json

import h5py
import keras

from keras_seattn.description import Description, description_of, head_of, set_class_names
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
        inputs: the `keras.Input`.
        outputs: the output tensor.
        name: str.
        **kwargs: as for `keras.Model`.

    Attributes:
        class_names: tuple of str in the order of the outputs; None where they
            are not known. May be set to any list of as many.
        preprocessing: `preprocessing.Preprocessing`, what the input is.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Of models without a `ClipDescription`, such as those that earlier versions saved.
        self.description = Description(HARA_2018)

    @property
    def preprocessing(self):
        return description_of(self).preprocessing

    @preprocessing.setter
    def preprocessing(self, preprocessing):
        description_of(self).preprocessing = preprocessing

    @property
    def class_names(self):
        description = description_of(self)
        return description.class_names if description.head == head_of(self) else None

    @class_names.setter
    def class_names(self, names):
        set_class_names(self, names)

    def call(self, inputs, training=None, mask=None, **kwargs):
        if isinstance(inputs, dict) and "clip" in inputs:
            inputs = inputs["clip"]
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
