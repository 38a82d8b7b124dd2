"""Fine-tuning: which part of a network keeps its weights."""

import keras

from keras_seattn import arguments
from keras_seattn.applications.parts import parts_of
from keras_seattn.settings import STAGES

HEAD = 5


def freeze_before(model: keras.Model, stage: int) -> keras.Model:
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
    for number, layers in enumerate(parts_of(model).sections):
        for layer in layers:
            layer.trainable = number >= stage
    return model


def frozen_as_text(stage: int) -> str:
    """What `freeze_before` leaves as it is, and what is trained, as text."""
    parts = ["the stem", *(f"stage {number}" for number in STAGES), "the head"]
    frozen, trained = ", ".join(parts[:stage]), ", ".join(parts[stage:])
    return f"frozen: {frozen}; trained: {trained}"
