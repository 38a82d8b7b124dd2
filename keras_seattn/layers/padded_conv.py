"""The 3D convolution of the base networks: symmetric padding, the fastest kernels."""

import typing
from collections.abc import Sequence

import keras

from keras_seattn.errors import InputError
from keras_seattn.layers import tensorflow_cpu


@keras.saving.register_keras_serializable(package="keras_seattn")
class PaddedConv3D(keras.layers.Conv3D):
    """A 3D convolution whose input is padded by kernel_size // 2 on both sides.

    `padding="same"` of Keras pads a strided convolution on one side more than
    on the other where sizes are even. The base networks and their checkpoints
    pad both sides alike, and so does this layer. An axis of n elements comes
    out with ceil(n / stride).

    Args:
        filters: int, the number of output channels.
        kernel_size: int or 3 ints, each odd.
        strides: int or 3 ints.
        use_bias: bool.
        **kwargs: Any other argument of `keras.layers.Conv3D` but `padding`
            and `dilation_rate`. For `groups` see `GroupedConv3D`.

    Input shape:
        `(batch, frames, height, width, channels)` for `channels_last`,
        `(batch, channels, frames, height, width)` for `channels_first`.

    Raises:
        ValueError: An even `kernel_size`, which has no middle.

    Example:

    >>> clip = np.zeros((1, 16, 112, 112, 3), "float32")
    >>> tuple(PaddedConv3D(64, 7, strides=(1, 2, 2))(clip).shape)
    (1, 16, 56, 56, 64)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        use_bias: bool = False,
        **kwargs: typing.Any,
    ):
        # Keras' "same" has the right output shape for odd kernels, so it stands for it.
        kwargs["padding"] = "same"
        super().__init__(filters, kernel_size, strides=strides, use_bias=use_bias, **kwargs)
        if any(size % 2 == 0 for size in self.kernel_size):
            raise InputError(f"`kernel_size` must be odd. Received: kernel_size={kernel_size}")
        # `compile()` asks the layers whether XLA may compile the model. On a CPU, XLA's 3D
        # convolutions take seven times as long as TensorFlow's own (a ResNet-18 training step:
        # 1,904 ms against 286), so there this layer says no, and Keras' jit_compile="auto"
        # chooses the fast way for every model that holds it, loaded or wrapped ones too.
        self.supports_jit = not tensorflow_cpu.on_tensorflow_cpu()

    def convolution_op(self, inputs, kernel):
        channels_last = self.data_format == "channels_last"
        frames = inputs.shape[1 if channels_last else 2]
        if tensorflow_cpu.on_tensorflow_cpu() and (self.groups == 1 or frames is not None):
            x = inputs if channels_last else keras.ops.moveaxis(inputs, 1, -1)
            y = tensorflow_cpu.convolution(x, kernel, self.strides, self.groups)
            return y if channels_last else keras.ops.moveaxis(y, -1, 1)
        # Without a stride, "same" is symmetric for odd kernels and copies nothing.
        if all(stride == 1 for stride in self.strides):
            return super().convolution_op(inputs, kernel)
        padding = [(size // 2, size // 2) for size in self.kernel_size]
        padding = [(0, 0), *padding, (0, 0)] if channels_last else [(0, 0), (0, 0), *padding]
        if any(before for before, _ in padding):
            inputs = keras.ops.pad(inputs, padding)
        return keras.ops.conv(
            inputs,
            kernel,
            strides=list(self.strides),
            padding="valid",
            data_format=self.data_format,
        )

    def get_config(self):
        config = super().get_config()
        del config["padding"], config["dilation_rate"]
        return config
