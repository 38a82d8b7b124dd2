"""The grouped 3D convolution of the ResNeXts, on every backend's fastest path."""

import typing
from collections.abc import Sequence

import keras

from keras_seattn import arguments
from keras_seattn.errors import InputError
from keras_seattn.layers.padded_conv import PaddedConv3D


@keras.saving.register_keras_serializable(package="keras_seattn")
class GroupedConv3D(PaddedConv3D):
    """A 3D convolution of channels in separate groups, padded by kernel_size // 2 on both sides.

    Channels and filters are cut into `groups` equal parts in their order, and
    each part of the filters sees its part of the channels alone. The weights
    are the same on every backend: one kernel of shape `(kT, kH, kW, channels
    // groups, filters)`.

    Args:
        filters: int, the number of output channels, divisible by `groups`.
        kernel_size: int or 3 ints, each odd.
        groups: int; the input's channels must be divisible by it.
        strides: int or 3 ints.
        use_bias: bool.
        **kwargs: As for `PaddedConv3D`.

    Input shape:
        `(batch, frames, height, width, channels)` for `channels_last`,
        `(batch, channels, frames, height, width)` for `channels_first`.

    Output shape:
        The input's, with `filters` channels, and ceil(n / stride) in place of
        n for frames, height and width.

    Raises:
        ValueError: Channels or filters that are not divisible by `groups`, or
            an even `kernel_size`.

    Source:
        Xie et al. 2017, Section 3; Hara et al. 2018, ResNeXt-101.

    Example:

    >>> features = np.zeros((1, 8, 28, 28, 128), "float32")
    >>> tuple(GroupedConv3D(128, 3, groups=32, strides=2)(features).shape)
    (1, 4, 14, 14, 128)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        groups: int,
        strides: int | Sequence[int] = 1,
        use_bias: bool = False,
        **kwargs: typing.Any,
    ):
        filters = arguments.positive_integer(filters, "filters")
        groups = arguments.positive_integer(groups, "groups")
        if filters % groups:
            raise InputError(
                f"`filters` must be divisible by `groups`. Received: filters={filters}, "
                f"groups={groups}"
            )
        super().__init__(
            filters, kernel_size, strides=strides, groups=groups, use_bias=use_bias, **kwargs
        )

    def build(self, input_shape):
        arguments.feature_shape(input_shape, "GroupedConv3D")
        channels = input_shape[-1 if self.data_format == "channels_last" else 1]
        if channels is not None and channels % self.groups:
            raise InputError(
                f"The input's channels must be divisible by groups={self.groups}. Received: "
                f"{channels} channels, input_shape={tuple(input_shape)}"
            )
        super().build(input_shape)
