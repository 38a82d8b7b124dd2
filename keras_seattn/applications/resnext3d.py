"""SEAResNeXt101_3D: the trunk with grouped bottleneck blocks."""

import os
from collections.abc import Callable, Iterable, Sequence

import keras

from keras_seattn import checkpoints
from keras_seattn.applications.documenting import document
from keras_seattn.applications.resnet3d import (
    PAGE_2018,
    build_network,
    conv_norm,
    residual,
    scaled,
)
from keras_seattn.checkpoints import Published
from keras_seattn.errors import InputError
from keras_seattn.preprocessing import HARA_2018, Preprocessing

GROUPS = 32
BLOCK_WIDTHS = (128, 256, 512, 1024)
PUBLISHED = {
    "kinetics400": Published("resnext-101-kinetics.pth", PAGE_2018, "kinetics400", HARA_2018),
    "kinetics400-64f": Published(
        "resnext-101-64f-kinetics.pth", PAGE_2018, "kinetics400", HARA_2018, frames=64
    ),
}


def SEAResNeXt101_3D(
    include_top: bool = True,
    weights: str | os.PathLike | None = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 400,
    classifier_activation: str | Callable | None = "softmax",
    se_stages: Iterable[int] = (1, 2, 3, 4),
    sa_stages: Iterable[int] = (1, 2, 3, 4),
    channel_reduction: int = 16,
    sequence_reduction: int = 2,
    attention_reduction: int = 8,
    width: float = 1.0,
    data_format: str | None = None,
    cache_dir: str | os.PathLike | None = None,
    name: str = "sea_resnext101_3d",
    preprocessing: Preprocessing | None = None,
) -> keras.Model:
    """A 3D ResNeXt-101 (32x4d) with squeeze-and-excitation and self-attention.

    Without modules, `se_stages=()` and `sa_stages=()`, it is the network of
    Hara et al. 2018, with 47,728,165 trainable parameters for 101 classes.
    Every block width times `width` must be divisible by the 32 groups.
    {arguments}
    Source:
        Anvarov, Kim, Song 2020, Figure 1 and Tables 1, 2, 4; Hara et al. 2018;
        Xie et al. 2017 (ResNeXt).

    Example:

    >>> model = SEAResNeXt101_3D(input_shape=(16, 112, 112, 3), classes=101)
    >>> model.output_shape
    (None, 101)
    """
    if width > 0 and any(scaled(filters, width) % GROUPS for filters in BLOCK_WIDTHS):
        raise InputError(
            f"`width` times each of {BLOCK_WIDTHS} must be divisible by the {GROUPS} groups, as "
            f"0.25, 0.5, 1 and 2 are. Received: width={width}"
        )
    checkpoint = checkpoints.read(weights, PUBLISHED, cache_dir)

    def block(x, filters, stride, data_format, name):
        y = conv_norm(x, filters, 1, 1, data_format, f"{name}_1")
        y = keras.layers.ReLU(name=f"{name}_1_relu")(y)
        y = conv_norm(y, filters, 3, stride, data_format, f"{name}_2", groups=GROUPS)
        y = keras.layers.ReLU(name=f"{name}_2_relu")(y)
        y = conv_norm(y, 2 * filters, 1, 1, data_format, f"{name}_3")
        return residual(x, y, 2 * filters, stride, data_format, name)

    return build_network(
        block,
        (3, 4, 23, 3),
        BLOCK_WIDTHS,
        include_top=include_top,
        checkpoint=checkpoint,
        input_tensor=input_tensor,
        input_shape=input_shape,
        pooling=pooling,
        classes=classes,
        classifier_activation=classifier_activation,
        se_stages=se_stages,
        sa_stages=sa_stages,
        channel_reduction=channel_reduction,
        sequence_reduction=sequence_reduction,
        attention_reduction=attention_reduction,
        width=width,
        data_format=data_format,
        name=name,
        preprocessing=preprocessing,
    )


document(SEAResNeXt101_3D, PUBLISHED)
