"""The class of the networks: a functional Keras model that takes the data sets as they are."""

import keras


@keras.saving.register_keras_serializable(package="keras_seattn")
class VideoNetwork(keras.Model):
    """A functional model of one input, which it also finds in a dictionary.

    `data.test_clips` delivers clips together with their videos' indices, as a
    dictionary. This model takes the clips from it, so that `fit`, `evaluate`
    and `predict` accept the data set; otherwise it is any functional model.

    Args:
        inputs: the `keras.Input`; its name is the dictionary's key.
        outputs: the output tensor.
        name: str.
        **kwargs: as for `keras.Model`.
    """

    def __init__(self, inputs, outputs, name=None, **kwargs):
        super().__init__(inputs, outputs, name=name, **kwargs)

    def call(self, inputs, training=None, mask=None, **kwargs):
        if isinstance(inputs, dict) and self.inputs[0].name in inputs:
            inputs = inputs[self.inputs[0].name]
        return super().call(inputs, training=training, mask=mask, **kwargs)
