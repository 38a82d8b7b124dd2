"""What a network is made of: reads the names of its layers, as `checkpoints` those in files."""

import re
import typing

import keras

from keras_seattn.errors import InputError
from keras_seattn.layers import FrameSelfAttention, ScaledResidual, SqueezeExcite3D
from keras_seattn.settings import STAGES


class Stage(typing.NamedTuple):
    """A stage of a network. What it does not have is None.

    Attributes:
        blocks: tuple of tuples of layers, its residual blocks in their order.
        channel_gate, sequence_gate: `SqueezeExcite3D`.
        gate_residual: `ScaledResidual`, which adds what the gates let through.
        attention: `FrameSelfAttention`.
    """

    blocks: tuple
    channel_gate: SqueezeExcite3D | None
    sequence_gate: SqueezeExcite3D | None
    gate_residual: ScaledResidual | None
    attention: FrameSelfAttention | None

    @property
    def layers(self) -> list:
        """All layers, in their order."""
        modules = (self.channel_gate, self.sequence_gate, self.gate_residual, self.attention)
        return [layer for block in self.blocks for layer in block] + [
            layer for layer in modules if layer is not None
        ]

    @property
    def output(self) -> keras.KerasTensor:
        """What comes out of it, its modules included."""
        return self.layers[-1].output


class Parts(typing.NamedTuple):
    """What a network is made of.

    Attributes:
        stem: list of layers, in front of stage 1.
        stages: dict of int to `Stage`.
        head: the dense layer over the classes, or None.
    """

    stem: list
    stages: dict
    head: keras.layers.Layer | None

    @property
    def sections(self) -> list:
        """Six lists of layers: the stem, stages 1 to 4, and the head."""
        head = [] if self.head is None else [self.head]
        return [self.stem, *(stage.layers for stage in self.stages.values()), head]

    @property
    def gates(self) -> list:
        """All `SqueezeExcite3D`, in their order."""
        return [layer for x in self.sections for layer in x if isinstance(layer, SqueezeExcite3D)]

    @property
    def attentions(self) -> dict:
        """Dict of int to `FrameSelfAttention`: that of each stage that has it."""
        return {number: x.attention for number, x in self.stages.items() if x.attention}


def is_network(model: keras.Model) -> bool:
    """Whether a model has the layers of a network of `keras_seattn.applications` itself."""
    return any(layer.name.startswith("stage1_") for layer in model.layers)


def parts_of(model: keras.Model) -> Parts:
    """The parts of a network.

    Args:
        model: a network of `keras_seattn.applications`, or a functional model
            that holds its layers, such as one with another head.

    Returns:
        `Parts`.

    Raises:
        ValueError: It is another model.

    Example:

    >>> model = keras_seattn.applications.SEAResNet18_3D(width=0.1, sa_stages=(3, 4))
    >>> list(parts_of(model).attentions)
    [3, 4]
    """
    if not is_network(model):
        raise InputError(
            "`model` must be a network of keras_seattn.applications, or hold its layers, "
            f"stem_conv, stage1_... Received: {model.name}"
        )
    layers = {layer.name: layer for layer in model.layers}
    stages = {}
    for stage in STAGES:
        blocks = {}
        for name, layer in layers.items():
            if block := re.match(rf"stage{stage}_block(\d+)_", name):
                blocks.setdefault(int(block[1]), []).append(layer)
        modules = ("se_channel", "se_sequence", "se_residual", "attention")
        stages[stage] = Stage(
            tuple(tuple(blocks[number]) for number in sorted(blocks)),
            *(layers.get(f"stage{stage}_{module}") for module in modules),
        )
    stem = [layer for name, layer in layers.items() if name.startswith("stem_")]
    return Parts(stem, stages, layers.get("predictions"))
