"""Squeeze-and-excitation over the channels or the frames of a video."""

import typing

import keras

from keras_seattn import arguments
from keras_seattn.errors import InputError
from keras_seattn.layers.inner_dense import LayerOfDense


@keras.saving.register_keras_serializable(package="keras_seattn")
class SqueezeExcite3D(LayerOfDense):
    """Squeeze-and-excitation of video features, over channels or over frames.

    Each channel (or frame) is scaled by a gate between 0 and 1 that depends on
    the means of all of them (paper Section 3.1):

        squeeze:  z = mean of the features over every other axis     (Eq. 1, 3)
        excite:   s = sigmoid(W2 relu(W1 z + b1) + b2)               (Eq. 2, 4)
        scale:    y = s * x                                          (Eq. 6)

    The paper leaves the biases out of its notation. Its transposes around the
    gate of the frames are not needed here.

    Args:
        axis: `"channel"` or `"sequence"`: what the gates scale. A sequence
            gate has weights whose shapes depend on the number of frames.
        reduction: int, how many times fewer hidden units than gates (r of the
            paper for channels, d for the sequence); at least one is kept.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    Input shape:
        `(batch, frames, height, width, channels)` for `channels_last`,
        `(batch, channels, frames, height, width)` for `channels_first`.

    Output shape:
        The input's.

    Raises:
        ValueError: A wrong `axis` or `reduction`, an input that is not 5D, or
            one whose gated axis has no known size.

    Source:
        Anvarov, Kim, Song 2020, Section 3.1; after Hu et al. 2018.

    Example:

    >>> features = np.random.normal(size=(2, 8, 28, 28, 64)).astype("float32")
    >>> tuple(SqueezeExcite3D(axis="sequence", reduction=2)(features).shape)
    (2, 8, 28, 28, 64)
    """

    def __init__(
        self,
        axis: str = "channel",
        reduction: int = 16,
        data_format: str | None = None,
        **kwargs: typing.Any,
    ):
        super().__init__(**kwargs)
        self.axis = arguments.one_of(axis, ("channel", "sequence"), "axis")
        self.reduction = arguments.positive_integer(reduction, "reduction")
        self.data_format = arguments.standard_data_format(data_format)
        if self.data_format == "channels_last":
            self._gated_axis = 4 if axis == "channel" else 1
        else:
            self._gated_axis = 1 if axis == "channel" else 2
        self._squeezed_axes = [i for i in range(1, 5) if i != self._gated_axis]

    def build(self, input_shape):
        gates = arguments.feature_shape(input_shape, "SqueezeExcite3D")[self._gated_axis]
        if gates is None:
            counted = "channels" if self.axis == "channel" else "frames"
            raise InputError(
                f'SqueezeExcite3D(axis="{self.axis}") needs to know the number of {counted} when '
                f"it is built, for its weights depend on it. Received: input_shape={input_shape}. "
                f"Give the model an input shape with a fixed number of {counted}."
            )
        hidden = max(1, gates // self.reduction)
        self.reduce = self.dense((None, gates), hidden, activation="relu", name="reduce")
        self.expand = self.dense((None, hidden), gates, activation="sigmoid", name="expand")
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={self._gated_axis: gates})

    def gates(self, inputs):
        """The gates s (Equations 2, 4) for features: `(batch, channels)` or `(batch, frames)`."""
        squeezed = keras.ops.mean(inputs, axis=self._squeezed_axes)
        return self.expand(self.reduce(squeezed))

    def call(self, inputs):
        return inputs * keras.ops.expand_dims(self.gates(inputs), self._squeezed_axes)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config.update(axis=self.axis, reduction=self.reduction, data_format=self.data_format)
        config["gated"] = self.axis  # Keras' older format, .h5, drops an `axis` that is no number.
        return config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        gated = config.pop("gated", None)
        return super().from_config({**config, "axis": gated} if gated else config)
