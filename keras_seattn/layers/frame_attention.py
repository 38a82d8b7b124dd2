"""Self-attention between the positions of each frame of a video."""

import typing

import keras

from keras_seattn import arguments
from keras_seattn.errors import InputError
from keras_seattn.layers.inner_dense import LayerOfDense


@keras.saving.register_keras_serializable(package="keras_seattn")
class FrameSelfAttention(LayerOfDense):
    """Self-attention between all positions of a frame, for each frame alone.

    With x the N = height * width positions of one frame, C channels each, and
    c = max(1, C // reduction) (paper Section 3.2, Figure 4):

        q, k, v = x Wq, x Wk, x Wv        1x1x1 convolutions from C to c channels
        A = softmax(q k^T)                (N, N), each row sums to 1
        y = gamma * (A v) Wo + x          Wo from c to C channels

    gamma is a trainable scalar that starts at 0, so the layer starts as the
    identity. Frames never mix. As in the paper that this one extends, the
    products are not scaled by 1 / sqrt(c) and the projections have no bias.

    Args:
        reduction: int, how many times fewer channels the projections have.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    Input shape:
        `(batch, frames, height, width, channels)` for `channels_last`,
        `(batch, channels, frames, height, width)` for `channels_first`.

    Output shape:
        The input's. `call(x, return_attention=True)` returns a pair of it and
        of A, float32, of shape `(batch, frames, N, N)`: entry (i, j) is how
        much position i attends to position j, positions counted row by row.

    Raises:
        ValueError: A wrong `reduction`, an input that is not 5D, or one whose
            number of channels is not known.

    Source:
        Anvarov, Kim, Song 2020, Section 3.2; Zhang et al. 2019 (self-attention
        GAN), Section 3.

    Example:

    >>> features = np.random.normal(size=(2, 4, 7, 7, 64)).astype("float32")
    >>> outputs, attention = FrameSelfAttention()(features, return_attention=True)
    >>> tuple(outputs.shape), tuple(attention.shape)
    ((2, 4, 7, 7, 64), (2, 4, 49, 49))
    """

    def __init__(self, reduction: int = 8, data_format: str | None = None, **kwargs: typing.Any):
        super().__init__(**kwargs)
        self.reduction = arguments.positive_integer(reduction, "reduction")
        self.data_format = arguments.standard_data_format(data_format)

    def build(self, input_shape):
        arguments.feature_shape(input_shape, "FrameSelfAttention")
        channel_axis = 4 if self.data_format == "channels_last" else 1
        channels = input_shape[channel_axis]
        if channels is None:
            raise InputError(
                "FrameSelfAttention needs to know the number of channels when it is built. "
                f"Received: input_shape={input_shape}"
            )
        reduced = max(1, channels // self.reduction)
        self.query = self._projection(channels, reduced, "query")
        self.key = self._projection(channels, reduced, "key")
        self.value = self._projection(channels, reduced, "value")
        self.output_projection = self._projection(reduced, channels, "output_projection")
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")
        self.input_spec = keras.layers.InputSpec(ndim=5, axes={channel_axis: channels})

    def _projection(self, inputs, outputs, name):
        """A 1x1x1 convolution, written as what it is: one matrix for all positions."""
        return self.dense((None, None, inputs), outputs, use_bias=False, name=name)

    def call(self, inputs, return_attention=False):
        x = inputs
        if self.data_format == "channels_first":
            x = keras.ops.moveaxis(x, 1, -1)
        batch, frames, height, width, channels = features_shape = keras.ops.shape(x)
        positions = height * width
        # Frames of all clips in one axis: TensorFlow's matrix products on a CPU are wrong, or write
        # where they should not, if the left side has 4 axes and the second one is of size 1.
        x = keras.ops.reshape(x, (-1, positions, channels))

        # In float32: unscaled products overflow float16, and half precision is too coarse for a
        # sum over hundreds of positions.
        query = keras.ops.cast(self.query(x), "float32")
        key = keras.ops.cast(self.key(x), "float32")
        scores = keras.ops.matmul(query, keras.ops.swapaxes(key, -1, -2))
        if isinstance(positions, int) and positions == 1:
            # It attends to itself. This is its softmax, of which Keras would warn, in full: 1, with
            # gradients of 0.
            attention = keras.ops.exp(scores - scores)
        else:
            attention = keras.ops.softmax(scores, axis=-1)
        attended = keras.ops.matmul(keras.ops.cast(attention, self.compute_dtype), self.value(x))
        # gamma scales the c channels and not the C: passes over features of the input's size cost
        # more (5 of 58 ms of a training step for 2 x 8 x 28 x 28 positions).
        attended = self.output_projection(self.gamma * attended)
        attended = keras.ops.reshape(attended, features_shape)

        if self.data_format == "channels_first":
            attended = keras.ops.moveaxis(attended, -1, 1)
        outputs = attended + inputs
        if not return_attention:
            return outputs
        return outputs, keras.ops.reshape(attention, (batch, frames, positions, positions))

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs, return_attention=False):
        outputs = keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)
        if not return_attention:
            return outputs
        first = 1 if self.data_format == "channels_last" else 2
        frames, height, width = inputs.shape[first : first + 3]
        positions = None if None in (height, width) else height * width
        shape = (inputs.shape[0], frames, positions, positions)
        return outputs, keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        config = super().get_config()
        config.update(reduction=self.reduction, data_format=self.data_format)
        return config
