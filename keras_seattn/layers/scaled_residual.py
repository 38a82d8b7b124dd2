"""The residual sum around squeeze-and-excitation, with a trainable weight."""

import typing

import keras


@keras.saving.register_keras_serializable(package="keras_seattn")
class ScaledResidual(keras.layers.Layer):
    """Adds a branch to its input, times a trainable scalar: y = x + beta * u.

    The paper adds the output of its squeeze-and-excitation modules to their
    input (end of Section 3.1), which is beta = 1. With beta = 0 the branch is
    absent at the start of training, and a network that was trained without it
    still computes what it did.

    Args:
        initial_value: float, beta before training.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    Input shape:
        A list `[x, u]` of two tensors of one shape, any rank.

    Output shape:
        That of x.

    Example:

    >>> x = np.ones((2, 8, 7, 7, 64), "float32")
    >>> float(ScaledResidual(initial_value=0.5)([x, x])[0, 0, 0, 0, 0])
    1.5
    """

    def __init__(self, initial_value: float = 1.0, **kwargs: typing.Any):
        super().__init__(**kwargs)
        self.initial_value = float(initial_value)

    def build(self, input_shape):
        initializer = keras.initializers.Constant(self.initial_value)
        self.beta = self.add_weight(shape=(), initializer=initializer, name="beta")

    def call(self, inputs):
        x, branch = inputs
        return x + keras.ops.cast(self.beta, self.compute_dtype) * branch

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        config = super().get_config()
        config.update(initial_value=self.initial_value)
        return config
