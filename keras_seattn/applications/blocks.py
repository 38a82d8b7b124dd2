"""What the trunk is made of: convolutions with their normalization, shortcuts, residual blocks."""

import functools
import typing

import keras

from keras_seattn.layers import (
    FusedBatchNormalization,
    GroupedConv3D,
    PaddedConv3D,
    ZeroPaddedShortcut,
)

if typing.TYPE_CHECKING:
    from keras_seattn.applications.trunk import Design

# A convolution by its kernels, (frames, height, width): one, or two with a normalization between.
Kernels = tuple[tuple[int, int, int], ...]


def basic(
    design: "Design",
    x: keras.KerasTensor,
    filters: int,
    kernels: Kernels,
    strides: tuple[int, int, int],
    data_format: str,
    name: str,
    shortcut: str,
) -> keras.KerasTensor:
    """The block of ResNets of 18 and 34 layers: two convolutions and the shortcut."""
    middle = factorized_filters(channels_of(x, data_format), filters)
    y = conv_norm(x, filters, kernels, strides, data_format, f"{name}_1", middle=middle)
    y = keras.layers.ReLU(name=f"{name}_1_relu")(y)
    y = conv_norm(y, filters, kernels, 1, data_format, f"{name}_2", middle=middle)
    return residual(x, y, filters, strides, data_format, name, shortcut)


def bottleneck(
    design: "Design",
    x: keras.KerasTensor,
    filters: int,
    kernels: Kernels,
    strides: tuple[int, int, int],
    data_format: str,
    name: str,
    shortcut: str,
) -> keras.KerasTensor:
    """The block of deeper networks: pointwise, 3x3x3 (with groups or not), pointwise."""
    outputs = design.expansion * filters
    y = conv_norm(x, filters, 1, 1, data_format, f"{name}_1")
    y = keras.layers.ReLU(name=f"{name}_1_relu")(y)
    y = conv_norm(y, filters, kernels, strides, data_format, f"{name}_2", groups=design.groups)
    y = keras.layers.ReLU(name=f"{name}_2_relu")(y)
    y = conv_norm(y, outputs, 1, 1, data_format, f"{name}_3")
    return residual(x, y, outputs, strides, data_format, name, shortcut)


def conv_norm(
    x: keras.KerasTensor,
    filters: int,
    kernels: Kernels | int,
    strides: int | tuple[int, int, int],
    data_format: str,
    name: str,
    groups: int = 1,
    middle: int = 0,
) -> keras.KerasTensor:
    """A convolution and its batch normalization, `{name}_conv` and `{name}_bn`.

    Of two kernels the first one, over height and width, puts out `middle`
    channels, and is followed by a normalization and ReLU of its own
    (`{name}_spatial_conv` and so on); the second is over frames. That is the
    (2+1)D convolution of Tran et al. 2018.
    """
    kernels = ((kernels,) * 3,) if isinstance(kernels, int) else kernels
    strides = (strides,) * 3 if isinstance(strides, int) else strides
    if len(kernels) == 2:
        x = conv_norm(x, middle, kernels[:1], (1, *strides[1:]), data_format, f"{name}_spatial")
        x = keras.layers.ReLU(name=f"{name}_spatial_relu")(x)
        strides = (strides[0], 1, 1)
    layer = functools.partial(GroupedConv3D, groups=groups) if groups > 1 else PaddedConv3D
    x = layer(
        filters,
        kernels[-1],
        strides=strides,
        data_format=data_format,
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0, mode="fan_out", distribution="untruncated_normal"
        ),
        name=f"{name}_conv",
    )(x)
    channel_axis = -1 if data_format == "channels_last" else 1
    return FusedBatchNormalization(
        axis=channel_axis, momentum=0.9, epsilon=1e-5, name=f"{name}_bn"
    )(x)


def residual(
    x: keras.KerasTensor,
    branch: keras.KerasTensor,
    filters: int,
    strides: tuple[int, int, int],
    data_format: str,
    name: str,
    shortcut: str = "B",
) -> keras.KerasTensor:
    """The end of a block: relu(branch + shortcut of x)."""
    if max(strides) > 1 or channels_of(x, data_format) != filters:
        if shortcut == "A":
            x = ZeroPaddedShortcut(filters, strides[0], data_format, name=f"{name}_shortcut")(x)
        else:
            x = conv_norm(x, filters, 1, strides, data_format, f"{name}_shortcut")
    x = keras.layers.Add(name=f"{name}_add")([branch, x])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def factorized_filters(inputs: int, outputs: int) -> int:
    """The middle channels with which a (2+1)D convolution has the parameters of a 3x3x3 one.

    Source:
        Tran et al. 2018, Section 3.5.
    """
    return 27 * inputs * outputs // (9 * inputs + 3 * outputs)


def channels_of(x: keras.KerasTensor, data_format: str) -> int:
    """The number of channels of features."""
    return x.shape[-1 if data_format == "channels_last" else 1]


def scaled(filters: int, width: float) -> int:
    """`filters` times `width`, in whole filters, at least one."""
    return max(1, int(filters * width))
