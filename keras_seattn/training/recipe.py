"""How to train: the paper's optimizer and schedule, and a quicker one for the demo."""

import copy
import math
import typing
from collections.abc import Sequence

import keras

from keras_seattn import arguments
from keras_seattn.errors import InputError
from keras_seattn.settings import NetworkSettings, RunSettings

MOMENTUM = 0.9
# The paper trained with the code of Hara et al., whose optimizer has a dampening of 0.9: its
# velocity is v <- 0.9 v + (1 - 0.9) g, where that of Keras' SGD is v <- 0.9 v + g. The paper's
# learning rates are meant for the former; Keras' SGD needs a tenth of them for the same steps.
DAMPENING = 0.9
RECIPE_BATCH_SIZE = 128
FINE_TUNING_LEARNING_RATE = 0.001
FROM_SCRATCH_WEIGHT_DECAY, FINE_TUNING_WEIGHT_DECAY = 1e-3, 1e-5
# No weight decay for batch normalization, biases and the scalars gamma and beta of the modules.
NOT_DECAYED = ("gamma", "beta", "bias")


@keras.saving.register_keras_serializable(package="keras_seattn")
class SGD(keras.optimizers.SGD):
    """`keras.optimizers.SGD` whose exclusions from the weight decay are saved with it.

    Args:
        *args, **kwargs: as for `keras.optimizers.SGD`.
        not_decayed: sequence of str; variables with one of these in their
            names are excluded.
    """

    def __init__(self, *args: typing.Any, not_decayed: Sequence[str] = (), **kwargs: typing.Any):
        super().__init__(*args, **kwargs)
        self.not_decayed = list(not_decayed)
        self.exclude_from_weight_decay(var_names=self.not_decayed)

    def get_config(self) -> dict:
        return {**super().get_config(), "not_decayed": self.not_decayed}


class Recipe(typing.NamedTuple):
    """What a model is trained with. Each training makes its own of it, so one serves many models.

    Attributes:
        optimizer: `keras.optimizers.Optimizer` that has trained nothing yet.
        callbacks: list of `keras.callbacks.Callback` that belong to it.
    """

    optimizer: keras.optimizers.Optimizer
    callbacks: list

    def fresh(self) -> "Recipe":
        """A `Recipe` of copies, for one training.

        Raises:
            ValueError: The optimizer has trained a model.
        """
        if self.optimizer.built:
            raise InputError(
                "`recipe` has an optimizer that has trained a model, and keeps its state. Make a "
                "new recipe."
            )
        return Recipe(*copy.deepcopy(tuple(self)))


def paper_learning_rate(frames: int = 16, batch_size: int = RECIPE_BATCH_SIZE) -> float:
    """The paper's learning rate, in the units of Keras' SGD.

    The paper's 0.1 for 16 frames and 0.01 for 64 are multiplied by
    1 - dampening = 0.1, because Keras' SGD does not dampen gradients, and by
    batch_size / 128, the usual rule for other batch sizes.

    Args:
        frames: int, the number of frames of a clip; 0.01 from 64 on.
        batch_size: int.

    Returns:
        float.

    Source:
        Anvarov, Kim, Song 2020, Section 4.1; the linear rule: Goyal et al. 2017.

    Example:

    >>> round(paper_learning_rate(frames=16), 6)
    0.01
    """
    published = 0.01 if arguments.positive_integer(frames, "frames") >= 64 else 0.1
    return _for_keras(published, batch_size)


def paper_recipe(
    frames: int = 16,
    batch_size: int = RECIPE_BATCH_SIZE,
    learning_rate: float | None = None,
    weight_decay: float = FROM_SCRATCH_WEIGHT_DECAY,
) -> Recipe:
    """SGD with momentum whose learning rate falls when the validation loss stalls.

    The learning rate is divided by 10 when `val_loss` has not improved for 10
    epochs.

    Args:
        frames: int, the number of frames of a clip.
        batch_size: int.
        learning_rate: float, as Keras' SGD takes it; None means
            `paper_learning_rate(frames, batch_size)`.
        weight_decay: float, of the kernels, as PyTorch's SGD takes it: the
            gradient of weight_decay / 2 times the squared kernels.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: `learning_rate` is not above 0, or `weight_decay` below 0.

    Source:
        Anvarov, Kim, Song 2020, Section 4.1; Hara et al. 2018, Section 3.2.

    Example:

    >>> recipe = paper_recipe(frames=16, batch_size=32)
    >>> model.compile(recipe.optimizer, "sparse_categorical_crossentropy")
    """
    if learning_rate is None:
        learning_rate = paper_learning_rate(frames, batch_size)
    _check_learning_rate(learning_rate)
    if weight_decay < 0:
        raise InputError(
            f"`weight_decay` must not be below 0. Received: weight_decay={weight_decay}"
        )
    # PyTorch adds the decay to the gradient, so that the velocity multiplies it by
    # 1 / (1 - momentum). Keras applies it beside the velocity, once.
    optimizer = SGD(
        learning_rate,
        momentum=MOMENTUM,
        weight_decay=weight_decay / (1 - MOMENTUM) or None,
        not_decayed=NOT_DECAYED,
    )
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, patience=10, verbose=1)
    return Recipe(optimizer, [plateau])


def fine_tuning_recipe(
    batch_size: int = RECIPE_BATCH_SIZE, learning_rate: float | None = None
) -> Recipe:
    """The recipe for the last stages of a pretrained network; see `freeze_before`.

    As `paper_recipe`, with the learning rate of 0.001 and the weight decay of
    1e-5 that Hara et al. use for it, the former in the units of Keras' SGD as
    in `paper_learning_rate`.

    Args:
        batch_size: int.
        learning_rate: float, as Keras' SGD takes it; None means 0.001 / 10 *
            batch_size / 128.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: `learning_rate` is not above 0.

    Source:
        Hara et al. 2018, fine-tuning.

    Example:

    >>> recipe = fine_tuning_recipe(batch_size=32)
    >>> model.compile(recipe.optimizer, "sparse_categorical_crossentropy")
    """
    if learning_rate is None:
        learning_rate = _for_keras(FINE_TUNING_LEARNING_RATE, batch_size)
    return paper_recipe(learning_rate=learning_rate, weight_decay=FINE_TUNING_WEIGHT_DECAY)


def quick_recipe(steps: int, learning_rate: float = 3e-3) -> Recipe:
    """Adam with a warm-up and a cosine decay: learns most in a few minutes.

    Not the paper's recipe. It is for small networks, small data sets and a
    number of steps that is known beforehand, like the demo's.

    Args:
        steps: int, the number of batches of the whole training run.
        learning_rate: float, the highest, reached after a tenth of the steps.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: `steps` is not a whole number of 1 or more, or
            `learning_rate` not above 0.

    Example:

    >>> recipe = quick_recipe(steps=720)
    >>> model.compile(recipe.optimizer, "sparse_categorical_crossentropy")
    """
    steps = arguments.positive_integer(steps, "steps")
    _check_learning_rate(learning_rate)
    warmup = -(-steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20,
        decay_steps=max(1, steps - warmup),
        warmup_target=learning_rate,
        warmup_steps=warmup,
    )
    return Recipe(keras.optimizers.Adam(schedule), [])


def make_recipe(run: RunSettings, network: NetworkSettings, training_videos: int) -> Recipe:
    """The recipe that a run's settings name.

    Args:
        run: `settings.RunSettings`.
        network: `settings.NetworkSettings`.
        training_videos: int, how many there are.

    Returns:
        A `Recipe`.
    """
    rate = run.learning_rate
    recipe = run.recipe or ("fine-tuning" if run.train_from_stage else "paper")
    if recipe == "quick":
        clips = run.clips_per_open * training_videos
        steps = math.ceil(run.epochs * clips / min(run.batch_size, clips))
        return quick_recipe(steps, 3e-3 if rate is None else rate)
    if recipe == "fine-tuning":
        return fine_tuning_recipe(run.batch_size, rate)
    decay = FINE_TUNING_WEIGHT_DECAY if network.weights else FROM_SCRATCH_WEIGHT_DECAY
    return paper_recipe(network.frames, run.batch_size, rate, weight_decay=decay)


def _for_keras(published, batch_size):
    """A learning rate of the upstream code, for Keras' SGD and another batch size."""
    batch_size = arguments.positive_integer(batch_size, "batch_size")
    return published * (1 - DAMPENING) * batch_size / RECIPE_BATCH_SIZE


def _check_learning_rate(learning_rate):
    if not learning_rate > 0:
        raise InputError(
            f"`learning_rate` must be above 0. Received: learning_rate={learning_rate}"
        )
