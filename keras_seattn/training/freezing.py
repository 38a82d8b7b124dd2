"""Fine-tuning: which part of a network keeps its weights."""

import re

from keras_seattn import arguments
from keras_seattn.errors import InputError

HEAD = 5


def freeze_before(model, stage):
    """Freezes all that comes before a stage, so that training changes the rest alone.

    The stem, the earlier stages and the modules behind them are set to
    `trainable=False`; their batch normalization then uses its moving
    statistics in training too. The rest is set to `trainable=True`. Compile
    the model afterwards.

    Modules that start as the identity stay that in frozen stages: build the
    network with `se_stages` and `sa_stages` from `stage` on.

    Args:
        model: a network of `keras_seattn.applications`, or a functional model
            that holds its layers.
        stage: int from 1 to 5, the first to be trained; 5 is the head.

    Returns:
        `model`.

    Raises:
        ValueError: Another `stage`, or a model without such layers.

    Source:
        Hara et al. 2018, who train stage 4 and the head on UCF-101 and HMDB51.

    Example:

    >>> model = keras_seattn.applications.SEAResNet18_3D(
    ...     weights="resnet-18-kinetics.pth", classes=101
    ... )
    >>> model = keras_seattn.training.freeze_before(model, 4)
    >>> recipe = keras_seattn.training.fine_tuning_recipe()
    >>> model.compile(recipe.optimizer, "sparse_categorical_crossentropy")
    """
    arguments.one_of(stage, range(1, HEAD + 1), "stage")
    stages = {layer.name: _stage(layer.name) for layer in model.layers}
    if 0 not in stages.values():
        raise InputError(
            f"`model` must be a network of keras_seattn.applications, with layers stem_conv, "
            f"stage1_..., to be frozen by stage. Received: {model.name}"
        )
    for layer in model.layers:
        if stages[layer.name] is not None:
            layer.trainable = stages[layer.name] >= stage
    return model


def _stage(name):
    """The stage that a layer belongs to: 0 the stem, `HEAD` the head, None no part of these."""
    if name.startswith("stem_"):
        return 0
    if name == "predictions":
        return HEAD
    match = re.match(r"stage([1-4])_", name)
    return match and int(match.group(1))
