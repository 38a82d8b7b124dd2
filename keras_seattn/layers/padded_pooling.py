"""The max pooling behind the stem of the base networks: symmetric padding, any precision."""

import typing

import keras

from keras_seattn import arguments
from keras_seattn.layers import tensorflow_cpu


@keras.saving.register_keras_serializable(package="keras_seattn")
class PaddedMaxPooling3D(keras.layers.Layer):
    """Max pooling 3x3x3, stride 2, of features padded by zeros on both sides.

    The features must not be negative, as behind a ReLU: then zeros pad a
    maximum as well as minus infinity does.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    Input shape:
        `(batch, frames, height, width, channels)` for `channels_last`,
        `(batch, channels, frames, height, width)` for `channels_first`.

    Output shape:
        The input's, with ceil(n / 2) in place of n for frames, height and
        width.

    Raises:
        ValueError: An input that is not 5D, or a wrong `data_format`.

    Example:

    >>> features = np.ones((1, 16, 56, 56, 64), "float32")
    >>> tuple(PaddedMaxPooling3D()(features).shape)
    (1, 8, 28, 28, 64)
    """

    def __init__(self, data_format: str | None = None, **kwargs: typing.Any):
        super().__init__(**kwargs)
        self.data_format = arguments.standard_data_format(data_format)
        self._channel_axis = 4 if self.data_format == "channels_last" else 1

    def build(self, input_shape):
        arguments.feature_shape(input_shape, "PaddedMaxPooling3D")

    def call(self, inputs):
        if tensorflow_cpu.on_tensorflow_cpu():
            x = inputs if self._channel_axis == 4 else keras.ops.moveaxis(inputs, 1, -1)
            return keras.ops.moveaxis(tensorflow_cpu.max_pooling(x), -1, self._channel_axis)
        x = keras.ops.pad(
            inputs, [(0, 0) if axis in (0, self._channel_axis) else (1, 1) for axis in range(5)]
        )
        return keras.ops.max_pool(x, 3, strides=2, padding="valid", data_format=self.data_format)

    def compute_output_shape(self, input_shape):
        return tuple(
            size if size is None or axis in (0, self._channel_axis) else -(-size // 2)
            for axis, size in enumerate(input_shape)
        )

    def get_config(self):
        config = super().get_config()
        config.update(data_format=self.data_format)
        return config
