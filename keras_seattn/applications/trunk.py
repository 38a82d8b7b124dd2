"""The trunk that all networks share: stem, four stages with their modules, head."""

import os
import re
import typing
from collections.abc import Callable, Iterable, Sequence

import keras

from keras_seattn import arguments, checkpoints
from keras_seattn.applications.blocks import Kernels, conv_norm, scaled
from keras_seattn.applications.video_network import VideoNetwork
from keras_seattn.checkpoints import Checkpoint, Published
from keras_seattn.errors import InputError
from keras_seattn.layers import (
    ClipDescription,
    FrameSelfAttention,
    PaddedMaxPooling3D,
    ScaledResidual,
    SqueezeExcite3D,
)
from keras_seattn.preprocessing import Preprocessing
from keras_seattn.settings import STAGES, checked_stages

FULL: Kernels = ((3, 3, 3),)
STEM_FILTERS, STEM_MIDDLE = 64, 45


class Design(typing.NamedTuple):
    """What a base network is: all that differs from one to another.

    Attributes:
        arch: str, what the code of the network's authors calls it.
        block: function of `(design, x, filters, kernels, strides, data_format,
            name, shortcut)` that returns the output of one block, as
            `blocks.basic` does.
        blocks: 4 ints, the number of blocks of each stage.
        filters: 4 ints, those of the blocks of each stage.
        expansion: int, how many times `filters` a block puts out.
        groups: int, of a bottleneck's middle convolution.
        stem: `Kernels` of the stem.
        stem_pools: bool, whether a maximum is taken behind the stem.
        kernels: 4 `Kernels`, of the convolutions in each stage.
        shortcuts: what may bring a block's input to the shape of its output:
            `"B"`, a convolution; `"A"`, subsampling and zeros. The first one is
            the default.
    """

    arch: str
    block: Callable[..., keras.KerasTensor]
    blocks: tuple[int, int, int, int]
    filters: tuple[int, int, int, int] = (64, 128, 256, 512)
    expansion: int = 1
    groups: int = 1
    stem: Kernels = ((7, 7, 7),)
    stem_pools: bool = True
    kernels: tuple[Kernels, Kernels, Kernels, Kernels] = (FULL, FULL, FULL, FULL)
    shortcuts: tuple[str, ...] = ("B",)

    @property
    def sa_stages(self) -> tuple[int, ...]:
        """The stages that end in self-attention unless others are asked for.

        Behind a stem that does not pool, frames of stage 1 have 56 x 56 positions: the attention
        of all to all takes 0.6 GB a clip.
        """
        return STAGES if self.stem_pools else STAGES[1:]

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint has the blocks and kernels of this network, of whatever width."""
        shapes = {key: array.shape for key, array in checkpoint.arrays.items()}
        if ("stage1_block1_3_conv/kernel" in shapes) != (self.expansion > 1):
            return False
        for stage, blocks, kernels in zip(STAGES, self.blocks, self.kernels, strict=True):
            found = [
                key for key in shapes if re.fullmatch(rf"stage{stage}_block\d+_2_conv/kernel", key)
            ]
            first = shapes.get(f"stage{stage}_block1_2_conv/kernel", ())
            if len(found) != blocks or first[:3] != kernels[-1]:
                return False
            if self.expansion > 1 and first[3] * self.groups != first[4]:
                return False
        stem = shapes.get("stem_conv/kernel", self.stem[-1])
        spatial = any("_spatial_conv" in key for key in shapes)
        return stem[:3] == self.stem[-1] and spatial == (len(self.stem) > 1)

    def width(self, checkpoint: Checkpoint) -> float:
        """The factor on all filters, by the layers of all widths; 1 if there are none.

        Filters are rounded down, so it is the largest that one of them asks for.
        """
        if not self.fits(checkpoint):
            return 1.0
        whole = {f"stage{s}_block1_2_conv": n for s, n in zip(STAGES, self.filters, strict=True)}
        whole |= {"stem_conv": STEM_FILTERS, "stem_spatial_conv": STEM_MIDDLE}
        kernels = {layer: checkpoint.arrays.get(f"{layer}/kernel") for layer in whole}
        found = {layer: kernel.shape[-1] for layer, kernel in kernels.items() if kernel is not None}
        # One filter is also what all smaller widths have, in the widest layer hardly.
        return max(
            count / whole[layer]
            for layer, count in found.items()
            if count > 1 or layer.startswith("stage4")
        )


def build_network(
    design: Design,
    published: dict[str, Published] | None = None,
    *,
    include_top: bool,
    weights: str | os.PathLike | None,
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
    cache_dir: str | os.PathLike | None,
    name: str,
    preprocessing: Preprocessing | None,
    shortcut: str | None = None,
) -> keras.Model:
    """Builds a 3D residual network: stem, four stages each with its modules, head.

    Args:
        design: `Design`, the base network.
        published: dict of str to `Published`, what `weights` knows by name.
        The others: see `SEAResNet18_3D`.

    Returns:
        A `keras.Model`.

    Source:
        Hara et al. 2018 for the base networks; Anvarov, Kim, Song 2020,
        Figure 1 and Table A1, for the modules behind each stage.
    """
    data_format = arguments.standard_data_format(data_format)
    arguments.one_of(pooling, (None, "avg", "max"), "pooling")
    arguments.one_of(shortcut, (None, *sorted(design.shortcuts)), "shortcut")
    classes = arguments.positive_integer(classes, "classes")
    se_stages = checked_stages(se_stages, "se_stages")
    sa_stages = checked_stages(sa_stages, "sa_stages")
    channel_reduction = arguments.positive_integer(channel_reduction, "channel_reduction")
    sequence_reduction = arguments.positive_integer(sequence_reduction, "sequence_reduction")
    attention_reduction = arguments.positive_integer(attention_reduction, "attention_reduction")
    _check_width(width, design)
    inputs = _input(input_tensor, input_shape, data_format, se_stages, name)
    checkpoint = checkpoints.read(weights, published, cache_dir)
    if shortcut is None:
        told = checkpoint.shortcut if checkpoint else None
        shortcut = told if told in design.shortcuts else design.shortcuts[0]

    x = ClipDescription(name="clip_description")(inputs)
    x = conv_norm(
        x,
        scaled(STEM_FILTERS, width),
        design.stem,
        (1, 2, 2),
        data_format,
        "stem",
        middle=scaled(STEM_MIDDLE, width),
    )
    x = keras.layers.ReLU(name="stem_relu")(x)
    if design.stem_pools:
        x = PaddedMaxPooling3D(data_format, name="stem_pool")(x)

    for stage, repeats, filters, kernels in zip(
        STAGES, design.blocks, design.filters, design.kernels, strict=True
    ):
        filters = scaled(filters, width)
        for i in range(repeats):
            strides = (1, 1, 1)
            if stage > 1 and i == 0:  # of frames too, where kernels are over frames
                strides = (2 if kernels[-1][0] > 1 else 1, 2, 2)
            block = f"stage{stage}_block{i + 1}"
            x = design.block(design, x, filters, kernels, strides, data_format, block, shortcut)
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


def _check_width(width, design):
    if not (isinstance(width, int | float) and 0 < width < float("inf")):
        raise InputError(f"`width` must be a number greater than 0. Received: width={width!r}")
    if any(scaled(filters, width) % design.groups for filters in design.filters):
        raise InputError(
            f"`width` times each of {design.filters} must be divisible by the {design.groups} "
            f"groups, as 0.25, 0.5, 1 and 2 are. Received: width={width}"
        )


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
