"""What the user of a model must know, kept among the model's layers."""

import typing
from collections.abc import Sequence

import keras

from keras_seattn.description import Description
from keras_seattn.preprocessing import (
    HARA_2018,
    Preprocessing,
    checked_description,
    description_as_json,
)


@keras.saving.register_keras_serializable(package="keras_seattn")
class ClipDescription(keras.layers.Layer):
    """The identity, behind the input: knows the preprocessing and the names of the classes.

    Layers travel with whatever is done to a model: into models that are built
    on its tensors, into clones, into models that hold it, and into files. So
    does what this one knows. The networks of `applications` begin with it, and
    so may any model of clips.

    Args:
        preprocessing: `Preprocessing`, what has been done to the clips; None
            where it is not known.
        class_names: sequence of str, in the order of the scores; None where
            they are not known.
        head: str, the name of the layer that gives these scores; under
            another head the names do not count.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    Input shape, output shape:
        Any, the same.

    Example:

    >>> clips = keras.Input((16, 112, 112, 3))
    >>> x = ClipDescription(keras_seattn.preprocessing.HARA_2020)(clips)
    """

    def __init__(
        self,
        preprocessing: Preprocessing | None = HARA_2018,
        class_names: Sequence[str] | None = None,
        head: str | None = None,
        **kwargs: typing.Any,
    ):
        super().__init__(**kwargs)
        names, preprocessing = checked_description(description_as_json(class_names, preprocessing))
        self.description = Description(preprocessing, None if names is None else tuple(names), head)

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(
            description_as_json(self.description.class_names, self.description.preprocessing),
            head=self.description.head,
        )
        return config
