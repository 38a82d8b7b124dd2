"""The trunk that all networks share, and SEAResNet18_3D."""

import functools
import os
from collections.abc import Callable, Iterable, Sequence

import keras

from keras_seattn import arguments, checkpoints
from keras_seattn.applications.documenting import document
from keras_seattn.applications.video_network import VideoNetwork
from keras_seattn.checkpoints import Checkpoint, Published
from keras_seattn.errors import InputError
from keras_seattn.layers import (
    ClipDescription,
    FrameSelfAttention,
    FusedBatchNormalization,
    GroupedConv3D,
    PaddedConv3D,
    PaddedMaxPooling3D,
    ScaledResidual,
    SqueezeExcite3D,
    ZeroPaddedShortcut,
)
from keras_seattn.preprocessing import HARA_2018, HARA_2020, Preprocessing
from keras_seattn.settings import STAGES, checked_stages

PAGE_2018 = (
    "https://drive.google.com/drive/folders/14KRBqT8ySfPtFSuLsFS2U4I-ihTDs0Y9 (linked from "
    "github.com/kenshohara/3D-ResNets-PyTorch, branch CVPR2018)"
)
PAGE_2020 = (
    "https://drive.google.com/open?id=1xbYbZ7rpyjftI_KCk6YuL-XrfQDz7Yd4 (linked from "
    "github.com/kenshohara/3D-ResNets-PyTorch)"
)
PUBLISHED = {
    "kinetics400": Published("resnet-18-kinetics.pth", PAGE_2018, "kinetics400", HARA_2018),
    "kinetics700": Published("r3d18_K_200ep.pth", PAGE_2020, None, HARA_2020),
}


def build_network(
    block: Callable[..., keras.KerasTensor],
    blocks: Sequence[int],
    block_widths: Sequence[int],
    *,
    include_top: bool,
    checkpoint: Checkpoint | None,
    input_tensor: keras.KerasTensor | None,
    input_shape: Sequence[int | None] | None,
    pooling: str | None,
    classes: int,
    classifier_activation: str | Callable | None,
    se_stages: Iterable[int],
    sa_stages: Iterable[int],
    channel_reduction: int,
    sequence_reduction: int,
    attention_reduction: int,
    width: float,
    data_format: str | None,
    name: str,
    preprocessing: Preprocessing | None,
) -> keras.Model:
    """Builds a 3D residual network: stem, four stages each with its modules, head.

    Args:
        block: function of `(x, filters, stride, data_format, name)` that
            returns the output of one residual block.
        blocks: 4 ints, the number of blocks of each stage.
        block_widths: 4 ints, the `filters` of the blocks of each stage.
        checkpoint: `checkpoints.Checkpoint` to load, or None.
        The others: see `SEAResNet18_3D`.

    Returns:
        A `keras.Model`.

    Source:
        Hara et al. 2018 for the base networks; Anvarov, Kim, Song 2020,
        Figure 1 and Table A1, for the modules behind each stage.
    """
    data_format = arguments.standard_data_format(data_format)
    arguments.one_of(pooling, (None, "avg", "max"), "pooling")
    classes = arguments.positive_integer(classes, "classes")
    se_stages = checked_stages(se_stages, "se_stages")
    sa_stages = checked_stages(sa_stages, "sa_stages")
    channel_reduction = arguments.positive_integer(channel_reduction, "channel_reduction")
    sequence_reduction = arguments.positive_integer(sequence_reduction, "sequence_reduction")
    attention_reduction = arguments.positive_integer(attention_reduction, "attention_reduction")
    if not width > 0:
        raise InputError(f"`width` must be greater than 0. Received: width={width}")
    inputs = _input(input_tensor, input_shape, data_format, se_stages, name)

    x = ClipDescription(name="clip_description")(inputs)
    x = conv_norm(x, scaled(64, width), 7, (1, 2, 2), data_format, "stem")
    x = keras.layers.ReLU(name="stem_relu")(x)
    x = PaddedMaxPooling3D(data_format, name="stem_pool")(x)

    for stage, repeats, filters in zip(STAGES, blocks, block_widths, strict=True):
        for i in range(repeats):
            stride = 2 if stage > 1 and i == 0 else 1
            x = block(x, scaled(filters, width), stride, data_format, f"stage{stage}_block{i + 1}")
        if stage in se_stages:
            u = SqueezeExcite3D(
                "channel", channel_reduction, data_format, name=f"stage{stage}_se_channel"
            )(x)
            u = SqueezeExcite3D(
                "sequence", sequence_reduction, data_format, name=f"stage{stage}_se_sequence"
            )(u)
            x = ScaledResidual(name=f"stage{stage}_se_residual")([x, u])
        if stage in sa_stages:
            x = FrameSelfAttention(
                attention_reduction, data_format, name=f"stage{stage}_attention"
            )(x)

    # Half precision is too coarse for class scores, so the head is float32 under every policy.
    if include_top or pooling == "avg":
        x = keras.layers.GlobalAveragePooling3D(
            data_format=data_format, dtype="float32", name="average_pool"
        )(x)
    elif pooling == "max":
        x = keras.layers.GlobalMaxPooling3D(
            data_format=data_format, dtype="float32", name="max_pool"
        )(x)
    if include_top:
        x = keras.layers.Dense(
            classes, activation=classifier_activation, dtype="float32", name="predictions"
        )(x)

    if input_tensor is not None:
        inputs = keras.utils.get_source_inputs(input_tensor)
        inputs = inputs[0] if len(inputs) == 1 else inputs
    model = VideoNetwork(inputs, x, name=name)
    if preprocessing is not None:
        model.preprocessing = Preprocessing.checked(preprocessing)
        if checkpoint is not None:
            checkpoint.preprocessing = model.preprocessing
    if checkpoint is not None:
        checkpoints.load(model, checkpoint)
    return model


def conv_norm(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int,
    strides: int | tuple[int, int, int],
    data_format: str,
    name: str,
    groups: int | None = None,
) -> keras.KerasTensor:
    """A convolution and its batch normalization, `{name}_conv` and `{name}_bn`."""
    layer = functools.partial(GroupedConv3D, groups=groups) if groups else PaddedConv3D
    x = layer(
        filters,
        kernel_size,
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
    stride: int,
    data_format: str,
    name: str,
    shortcut: str = "B",
) -> keras.KerasTensor:
    """The end of a block: relu(branch + shortcut of x)."""
    channels = x.shape[-1 if data_format == "channels_last" else 1]
    if stride != 1 or channels != filters:
        if shortcut == "A":
            x = ZeroPaddedShortcut(filters, stride, data_format, name=f"{name}_shortcut")(x)
        else:
            x = conv_norm(x, filters, 1, stride, data_format, f"{name}_shortcut")
    x = keras.layers.Add(name=f"{name}_add")([branch, x])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def scaled(filters: int, width: float) -> int:
    """`filters` times `width`, in whole filters, at least one."""
    return max(1, int(filters * width))


def _input(input_tensor, input_shape, data_format, se_stages, name):
    """The tensor that the network is built on, its shape checked."""
    argument = "input_shape" if input_tensor is None else "input_tensor"
    if input_tensor is not None:
        shape = tuple(input_tensor.shape[1:])
    elif input_shape is not None:
        shape = tuple(input_shape)
    else:
        shape = (16, 112, 112, 3) if data_format == "channels_last" else (3, 16, 112, 112)
    order = "(frames, height, width, channels)"
    if data_format == "channels_first":
        order = "(channels, frames, height, width)"
    if len(shape) != 4:
        raise InputError(
            f"`{argument}` must have 4 axes besides the batch, {order}. Received: {shape}"
        )
    channels, frames = shape[-1], shape[0]
    if data_format == "channels_first":
        channels, frames = shape[0], shape[1]
    if channels is None:
        raise InputError(
            f"The number of channels in `{argument}` must be known: {order} for "
            f'data_format="{data_format}". Received: {shape}'
        )
    if frames is None and se_stages:
        raise InputError(
            f"The number of frames in `{argument}` must be known, for the weights of the sequence "
            f"gates depend on it: {order}. Received: {shape}. Give it, or leave the gates out "
            "with se_stages=()."
        )
    if input_tensor is None:
        return keras.Input(shape, name=f"{name}_clip")
    return input_tensor


def SEAResNet18_3D(
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
    shortcut: str | None = None,
    cache_dir: str | os.PathLike | None = None,
    name: str = "sea_resnet18_3d",
    preprocessing: Preprocessing | None = None,
) -> keras.Model:
    """A 3D ResNet-18 with squeeze-and-excitation and self-attention.

    Without modules, `se_stages=()` and `sa_stages=()`, it is the network of
    Hara et al. 2018, with 33,255,717 trainable parameters for 101 classes
    (33,081,893 with shortcut A).
    {arguments}
    Source:
        Anvarov, Kim, Song 2020, Figure 1 and Table 3; Hara et al. 2018.

    Example:

    >>> model = SEAResNet18_3D(input_shape=(8, 64, 64, 3), classes=8, width=0.25)
    >>> model.predict(np.zeros((1, 8, 64, 64, 3)), verbose=0).shape
    (1, 8)
    """
    arguments.one_of(shortcut, (None, "A", "B"), "shortcut")
    checkpoint = checkpoints.read(weights, PUBLISHED, cache_dir)
    if shortcut is None:
        shortcut = checkpoint.shortcut if checkpoint else "B"

    def block(x, filters, stride, data_format, name):
        y = conv_norm(x, filters, 3, stride, data_format, f"{name}_1")
        y = keras.layers.ReLU(name=f"{name}_1_relu")(y)
        y = conv_norm(y, filters, 3, 1, data_format, f"{name}_2")
        return residual(x, y, filters, stride, data_format, name, shortcut)

    return build_network(
        block,
        (2, 2, 2, 2),
        (64, 128, 256, 512),
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


document(
    SEAResNet18_3D,
    PUBLISHED,
    more="""
        shortcut: what brings a block's input to the shape of its output:
            `"A"` subsamples and pads with zeros, `"B"` is a convolution; None
            means that of `weights`, or `"B"`.""",
)
