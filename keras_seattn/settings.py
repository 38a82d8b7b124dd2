"""What a network and a run are made with: from flags, from a run's config.json, or by hand.

They are handed down whole, and nothing here loads Keras: commands read their flags first.
"""

import dataclasses
from collections.abc import Iterable

from keras_seattn import arguments
from keras_seattn.errors import InputError

STAGES = (1, 2, 3, 4)
# The networks, and their builders in `keras_seattn.applications`.
MODELS = {
    "resnet18": "SEAResNet18_3D",
    "resnet34": "SEAResNet34_3D",
    "resnet50": "SEAResNet50_3D",
    "resnet101": "SEAResNet101_3D",
    "resnext101": "SEAResNeXt101_3D",
    "r3d_18": "SEAR3D_18",
    "mc3_18": "SEAMC3_18",
    "r2plus1d_18": "SEAR2Plus1D_18",
}
# The kinds of data sets, and the settings without which there is none.
DATASETS = {
    "motions": (),
    "parts": (),
    "ucf101": ("data_dir", "splits_dir"),
    "hmdb51": ("data_dir", "splits_dir"),
    "kinetics": ("data_dir", "splits_dir"),
    "folder": ("data_dir", "test_dir"),
    "list": ("list",),
    "records": ("data_dir",),
}
# And those that it can have besides; any other is of another kind.
OF_DATASETS = {
    "motions": ("split",),
    "parts": ("split",),
    "ucf101": ("split",),
    "hmdb51": ("split",),
    "list": ("data_dir", "test_list", "class_list"),
}
PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")
PREPROCESSINGS = ("hara2018", "hara2020", "torchvision", "imagenet")
SAMPLINGS = ("consecutive", "spread")
RECIPES = ("paper", "fine-tuning", "quick")
# The sides of training crops, as shares of the shorter side (Hara et al. 2018, Section 3.2).
CROP_SCALES = tuple(2 ** (-quarter / 4) for quarter in range(5))


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Which network.

    Attributes:
        model: str, one of `MODELS`.
        frames: int, of a clip.
        size: int, the side of a clip in pixels.
        width: float, the factor on all filters; None means that of `weights`,
            or 1.
        weights: str, as for the builders, or None.
        preprocessing: str, what `weights` were trained with, a name of
            `preprocessing.PREPROCESSINGS`; None means what they say.
        sampling: `"consecutive"` or `"spread"`, the frames of a clip; see
            `preprocessing.Sampling`, also for the next two. Where all three are
            None, they are those of `weights`.
        frame_stride: int, or None.
        frame_rate: float, or None.
        se_stages, sa_stages: tuples of the stages with modules; None means
            those of the builder, but of frozen stages those of `weights`.
        channel_reduction, sequence_reduction, attention_reduction: int.
    """

    model: str = "resnet18"
    frames: int = 16
    size: int = 112
    width: float | None = None
    weights: str | None = None
    preprocessing: str | None = None
    sampling: str | None = None
    frame_stride: int | None = None
    frame_rate: float | None = None
    se_stages: tuple | None = None
    sa_stages: tuple | None = None
    channel_reduction: int = 16
    sequence_reduction: int = 2
    attention_reduction: int = 8

    def __post_init__(self):
        arguments.one_of(self.model, tuple(MODELS), "model")
        arguments.one_of(self.preprocessing, (None, *PREPROCESSINGS), "preprocessing")
        arguments.one_of(self.sampling, (None, *SAMPLINGS), "sampling")
        told = (
            self.sampling == "spread",
            self.frame_stride is not None,
            self.frame_rate is not None,
        )
        if sum(told) > 1:
            raise InputError(
                'Give one of sampling="spread", `frame_stride` and `frame_rate`: each says which '
                "frames a clip has."
            )
        if self.frame_stride is not None:
            _set(self, frame_stride=arguments.positive_integer(self.frame_stride, "frame_stride"))
        if self.frame_rate is not None and not (
            isinstance(self.frame_rate, int | float) and 0 < self.frame_rate < float("inf")
        ):
            raise InputError(
                "`frame_rate` must be a number of frames a second above 0. Received: "
                f"{self.frame_rate!r}"
            )
        if self.width is not None and not (
            isinstance(self.width, int | float) and 0 < self.width < float("inf")
        ):
            raise InputError(f"`width` must be a number above 0. Received: width={self.width!r}")
        for name in (
            "frames", "size", "channel_reduction", "sequence_reduction", "attention_reduction",
        ):  # fmt: skip
            _set(self, **{name: arguments.positive_integer(getattr(self, name), name)})
        for name in ("se_stages", "sa_stages"):
            if getattr(self, name) is not None:
                _set(self, **{name: checked_stages(getattr(self, name), name)})


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Which videos.

    Attributes:
        dataset: str, one of `DATASETS`.
        data_dir: str, the folder of videos or records.
        splits_dir: str, that of the lists.
        test_dir: str, that of the test videos, for `"folder"`.
        list: str, the list of videos, for `"list"`; see `data.load_list`.
        test_list: str, that of the test videos; None where `list` has both.
        class_list: str, the file of the names of their classes, or None.
        split: int, from 1 to 3.
        unreadable: `"stop"` or `"skip"`; see `data.train_clips`.
    """

    dataset: str = "motions"
    data_dir: str | None = None
    splits_dir: str | None = None
    test_dir: str | None = None
    list: str | None = None
    test_list: str | None = None
    class_list: str | None = None
    split: int = 1
    unreadable: str = "stop"

    def __post_init__(self):
        arguments.one_of(self.dataset, tuple(DATASETS), "dataset")
        arguments.one_of(self.split, (1, 2, 3), "split")
        arguments.one_of(self.unreadable, ("stop", "skip"), "unreadable")
        if self.list and self.list == self.test_list:
            raise InputError(
                f"`list` and `test_list` are the same file: {self.list}. Leave out `test_list` if "
                "it has a column split; else name another list."
            )
        missing = [name for name in DATASETS[self.dataset] if not getattr(self, name)]
        if missing:
            raise InputError(
                f'dataset="{self.dataset}" needs {" and ".join(f"`{name}`" for name in missing)}.'
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How a model is fitted to the videos of a catalog.

    Attributes:
        epochs: int; each shows one clip of every training video, or
            `clips_per_open`.
        batch_size: int, the clips of a training step.
        seed: int, of the sampling of clips; None for other clips each time.
        crop_scales: tuple of float in (0, 1]; see `data.train_clips`.
        unreadable: `"stop"` or `"skip"`; see `data.train_clips`.
        clips_per_open: int; see `data.train_clips`.
        save_every: float, the seconds after which the state of a training is
            written again, to go on from.
    """

    epochs: int = 100
    batch_size: int = 32
    clips_per_open: int = 1
    seed: int | None = None
    crop_scales: tuple = CROP_SCALES
    unreadable: str = "stop"
    save_every: float = 300

    def __post_init__(self):
        _set(
            self,
            epochs=arguments.positive_integer(self.epochs, "epochs"),
            batch_size=arguments.positive_integer(self.batch_size, "batch_size"),
            clips_per_open=arguments.positive_integer(self.clips_per_open, "clips_per_open"),
            seed=arguments.seed(self.seed),
            crop_scales=tuple(self.crop_scales),
        )
        _check_seconds(self, "save_every")
        arguments.one_of(self.unreadable, ("stop", "skip"), "unreadable")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSettings(DataSettings, FitSettings):
    """A training run: its data, how a model is fitted to them, and the recipe.

    Attributes:
        recipe: `"paper"`, `"fine-tuning"` or `"quick"`; None means the second
            with `train_from_stage`, else the first; see `training.make_recipe`.
        learning_rate: float, as Keras takes it; None means the recipe's.
        train_from_stage: int, the first stage that is trained; None for all.
        hold_out: float, the share of the training videos to validate on in
            place of the test videos; see `data.hold_out`. None for none.
        mixed_precision: str, a policy of Keras, or `"auto"`.
    """

    seed: int | None = 0
    recipe: str | None = None
    learning_rate: float | None = None
    train_from_stage: int | None = None
    hold_out: float | None = None
    mixed_precision: str = "auto"

    def __post_init__(self):
        DataSettings.__post_init__(self)
        FitSettings.__post_init__(self)
        arguments.one_of(self.mixed_precision, PRECISIONS, "mixed_precision")
        arguments.one_of(self.train_from_stage, (None, *STAGES, 5), "train_from_stage")
        arguments.one_of(self.recipe, (None, *RECIPES), "recipe")
        if self.hold_out is not None:
            arguments.half_at_most(self.hold_out, "hold_out")
        _refuse_no_seed(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings(FitSettings):
    """A search for reductions; see `tuning.search_reductions`.

    Attributes:
        tuner: `"grid"`, `"random"`, `"bayesian"` or `"hyperband"`.
        objective: one of `tuning.OBJECTIVES`.
        max_trials: int, the most; None for as many as `tuner` has.
        executions_per_trial: int, how often each configuration is trained,
            each time with another seed.
        validation_share: float, see `data.hold_out`.
        worker_timeout: float, seconds without a sign of life after which a
            worker's trial is given to another one.
    """

    epochs: int = 20
    seed: int = 0
    tuner: str = "grid"
    objective: str = "val_top1"
    max_trials: int | None = None
    executions_per_trial: int = 1
    validation_share: float = 0.2
    worker_timeout: float = 60

    def __post_init__(self):
        super().__post_init__()
        _refuse_no_seed(self)
        arguments.half_at_most(self.validation_share, "validation_share")
        arguments.one_of(self.tuner, TUNERS, "tuner")
        arguments.one_of(self.objective, OBJECTIVES, "objective")
        executions = arguments.positive_integer(self.executions_per_trial, "executions_per_trial")
        _set(self, executions_per_trial=executions)
        if self.max_trials is not None:
            _set(self, max_trials=arguments.positive_integer(self.max_trials, "max_trials"))
        _check_seconds(self, "worker_timeout")


TUNERS = ("grid", "random", "bayesian", "hyperband")
OBJECTIVES = ("val_top1", "val_clip_top1", "val_loss", "clip_top1", "loss")


def checked_stages(stages: Iterable[int] | int, name: str) -> tuple:
    """`stages` as a sorted tuple, or a ValueError that names the argument."""
    stages = tuple(stages) if hasattr(stages, "__iter__") else (stages,)
    if len(set(stages)) < len(stages) or any(stage not in STAGES for stage in stages):
        raise InputError(
            f"`{name}` must hold stages of 1, 2, 3, 4, each at most once. Received: {name}={stages}"
        )
    return tuple(sorted(stages))


def stages_as_text(stages: tuple) -> str:
    """Stages as `"1,2,3,4"`, or `"none"`."""
    return ",".join(map(str, stages)) or "none"


def parse_stages(text: str) -> tuple:
    """The stages of a text that `stages_as_text` wrote, as a tuple, or a ValueError."""
    if text == "none":
        return ()
    numbers = text.split(",")
    if not all(number in map(str, STAGES) for number in numbers):
        raise InputError(f"stages must be like 1,2,3,4 or 3,4 or none, not {text!r}")
    return checked_stages(map(int, numbers), "stages")


def _check_seconds(settings, name):
    seconds = getattr(settings, name)
    if not (isinstance(seconds, int | float) and 0 < seconds < float("inf")):
        raise InputError(f"`{name}` must be a number of seconds above 0. Received: {seconds!r}")


def _refuse_no_seed(settings):
    if settings.seed is None:
        raise InputError("`seed` must be a whole number from 0 to 2**32 - 1. Received: seed=None")


def _set(settings, **values):
    for name, value in values.items():
        object.__setattr__(settings, name, value)
