"""The shortcut without weights of the smaller residual networks (type A)."""

import typing

import keras

from keras_seattn import arguments
from keras_seattn.errors import InputError


@keras.saving.register_keras_serializable(package="keras_seattn")
class ZeroPaddedShortcut(keras.layers.Layer):
    """Takes every `strides`-th position and appends channels of zeros.

    This is shortcut A of residual networks: it brings a block's input to the
    shape of its output without weights.

    Args:
        filters: int, the number of output channels, no fewer than the input's.
        strides: int, the step along frames, height and width.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    Input shape:
        `(batch, frames, height, width, channels)` for `channels_last`,
        `(batch, channels, frames, height, width)` for `channels_first`.

    Output shape:
        The input's, with ceil(n / strides) in place of n for frames, height
        and width, and `filters` channels.

    Raises:
        ValueError: `filters` is below the input's number of channels, or the
            input is not 5D.

    Source:
        He et al. 2016, Section 3.3, option (A).

    Example:

    >>> features = np.ones((1, 8, 28, 28, 64), "float32")
    >>> tuple(ZeroPaddedShortcut(128, strides=2)(features).shape)
    (1, 4, 14, 14, 128)
    """

    def __init__(
        self, filters: int, strides: int = 1, data_format: str | None = None, **kwargs: typing.Any
    ):
        super().__init__(**kwargs)
        self.filters = arguments.positive_integer(filters, "filters")
        self.strides = arguments.positive_integer(strides, "strides")
        self.data_format = arguments.standard_data_format(data_format)
        self._channel_axis = 4 if self.data_format == "channels_last" else 1

    def build(self, input_shape):
        channels = arguments.feature_shape(input_shape, "ZeroPaddedShortcut")[self._channel_axis]
        if self.filters < channels:
            raise InputError(
                f"`filters` must be no fewer than the input's {channels} channels. "
                f"Received: filters={self.filters}"
            )
        self._padding = [(0, 0)] * 5
        self._padding[self._channel_axis] = (0, self.filters - channels)

    def call(self, inputs):
        every = slice(None, None, self.strides)
        steps = [slice(None), every, every, every]
        steps.insert(self._channel_axis, slice(None))
        return keras.ops.pad(inputs[tuple(steps)], self._padding)

    def compute_output_shape(self, input_shape):
        shape = [size if size is None else -(-size // self.strides) for size in input_shape]
        shape[0] = input_shape[0]
        shape[self._channel_axis] = self.filters
        return tuple(shape)

    def get_config(self):
        config = super().get_config()
        config.update(filters=self.filters, strides=self.strides, data_format=self.data_format)
        return config
