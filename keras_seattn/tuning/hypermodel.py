"""What is searched: the reductions of a network's modules, as a Keras Tuner `HyperModel`."""

import functools
import itertools
import typing
from collections.abc import Callable, Sequence

import keras
import keras_tuner

from keras_seattn import arguments
from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.errors import InputError
from keras_seattn.preprocessing import clip_shape
from keras_seattn.settings import STAGES, checked_stages, parse_stages, stages_as_text
from keras_seattn.training.fitting import compile_model
from keras_seattn.training.recipe import paper_recipe

# The reductions and what they are called in texts.
LETTERS = {
    "channel_reduction": "r",
    "sequence_reduction": "d",
    "attention_reduction": "attention reduction",
}


class ReductionHyperModel(keras_tuner.HyperModel):
    """Networks of all combinations of reductions, and optionally of more.

    Each argument that holds several values becomes a hyperparameter of the
    same name in the singular (`channel_reduction`, ...; stages keep theirs,
    written like `"1,2,3,4"`, `"3,4"` or `"none"`). One with a single value is
    not searched.

    Different reductions may build the same network: a gate keeps at least one
    hidden unit, so with 8 frames or fewer d = 8 and d = 16 are the same.
    `distinct` tells; the package's own search runs such a network once.

    Args:
        builder: `SEAResNet18_3D`, `SEAResNeXt101_3D` or the like.
        channel_reductions: sequence of int, values of the paper's r.
        sequence_reductions: sequence of int, values of the paper's d.
        attention_reductions: sequence of int.
        se_stages, sa_stages: sequence of sequences of stages, 1 to 4.
        learning_rates: sequence of float, as Keras' SGD takes them; `(None,)`
            means the paper's.
        batch_size: int, for the paper's learning rate in `build`.
        **network: the builder's other arguments, such as `classes`,
            `input_shape`, `width` and `weights`.

    Raises:
        ValueError: A list without values, or values that are not allowed.

    Source:
        Anvarov, Kim, Song 2020, Section 4.1: "r = 16 and d = 2".

    Example:

    >>> hypermodel = ReductionHyperModel(classes=101, channel_reductions=(8, 16))
    >>> tuner = keras_tuner.RandomSearch(hypermodel, objective="val_loss", max_trials=4)
    """

    def __init__(
        self,
        builder: Callable[..., keras.Model] = SEAResNet18_3D,
        *,
        channel_reductions: Sequence[int] = (2, 4, 8, 16, 32, 64),
        sequence_reductions: Sequence[int] = (1, 2, 4, 8),
        attention_reductions: Sequence[int] = (8,),
        se_stages: Sequence[Sequence[int]] = (STAGES,),
        sa_stages: Sequence[Sequence[int]] = (STAGES,),
        learning_rates: Sequence[float | None] = (None,),
        batch_size: int = 32,
        **network: typing.Any,
    ):
        super().__init__()
        self.builder, self.network, self.batch_size = builder, network, batch_size
        # What each setting may be; a grid goes through the last one fastest.
        self.choices = {
            "channel_reduction": _choices(channel_reductions, "channel_reductions"),
            "sequence_reduction": _choices(sequence_reductions, "sequence_reductions"),
            "attention_reduction": _choices(attention_reductions, "attention_reductions"),
            "se_stages": _choices(se_stages, "se_stages", checked_stages),
            "sa_stages": _choices(sa_stages, "sa_stages", checked_stages),
            "learning_rate": _choices(learning_rates, "learning_rates", _learning_rate),
        }

    @property
    def searched(self) -> list[str]:
        """The names of the settings that have several values, a list of str."""
        return [name for name, values in self.choices.items() if len(values) > 1]

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds and compiles the network of one configuration, with the paper's recipe.

        Args:
            hp: `keras_tuner.HyperParameters`.

        Returns:
            A compiled `keras.Model` with the metric `clip_top1`.
        """
        for name in self.searched:
            values = self.choices[name]
            if name.endswith("stages"):
                hp.Choice(name, [setting_as_text(stages) for stages in values])
            else:
                hp.Choice(name, list(values), ordered=True)
        settings = self.settings(hp.values)
        model = self.build_network(settings)
        compile_model(model, paper_recipe(self.frames, self.batch_size, settings["learning_rate"]))
        return model

    def settings(self, values: dict) -> dict:
        """All settings of a configuration.

        Args:
            values: dict, the values that Keras Tuner chose, by name; others
                in it are left out.

        Returns:
            dict of the six settings, searched or not; stages as tuples.
        """
        settings = {}
        for name, choices in self.choices.items():
            value = values.get(name, choices[0])
            settings[name] = parse_stages(value) if isinstance(value, str) else value
        return settings

    def values(self, settings: dict) -> dict:
        """The other way round: what Keras Tuner's values are for `settings`, a dict."""
        return {
            name: setting_as_text(value)
            for name, value in settings.items()
            if name in self.searched
        }

    def build_network(self, settings: dict) -> keras.Model:
        """Builds the network of `settings`, not compiled."""
        modules = {name: value for name, value in settings.items() if name != "learning_rate"}
        return self.builder(**modules, **self.network)

    def distinct(self, settings: dict) -> dict:
        """The settings that stand for all that build the same network.

        Args:
            settings: dict, as `settings` returns it.

        Returns:
            dict, `settings` with each reduction replaced by the smallest one
            of those searched that gives the same numbers of hidden units: past
            it, nothing is left to reduce.
        """
        settings = dict(settings)
        for name, stages, axis in (
            ("channel_reduction", settings["se_stages"], 1),
            ("sequence_reduction", settings["se_stages"], 0),
            ("attention_reduction", settings["sa_stages"], 1),
        ):
            sizes = [self._probe[1][stage][axis] for stage in stages]
            same = [
                reduction
                for reduction in self.choices[name]
                if all(
                    max(1, size // reduction) == max(1, size // settings[name]) for size in sizes
                )
            ]
            settings[name] = min(same)
        return settings

    @functools.cache  # noqa: B019 (a hypermodel lives as long as its search)
    def configurations(self) -> list[dict]:
        """All settings that build different networks, a list of dict, in the order of the grid."""
        found = []
        for values in itertools.product(*self.choices.values()):
            settings = self.distinct(dict(zip(self.choices, values, strict=True)))
            if settings not in found:
                found.append(settings)
        return found

    def also(self, settings: dict) -> str:
        """The reductions searched that build the same network as `settings`, as text."""
        parts = []
        for name, letter in LETTERS.items():
            same = [
                str(value)
                for value in self.choices[name]
                if self.distinct({**settings, name: value}) == self.distinct(settings)
            ]
            if len(same) > 1:
                parts.append(f"{letter} = {', '.join(same)}")
        return f"the same network: {'; '.join(parts)}" if parts else ""

    @property
    def frames(self) -> int:
        """int, the number of frames of a clip."""
        return self._probe[0]

    @functools.cached_property
    def _probe(self):
        """The frames of a clip, and the frames and the channels behind each stage."""
        network = {**self.network, "weights": None}
        model = self.builder(se_stages=STAGES, sa_stages=(), **network)
        return clip_shape(model)[0], {
            number: tuple(gate.expand.units for gate in (stage.sequence_gate, stage.channel_gate))
            for number, stage in model.parts().stages.items()
        }


def build_model(hp: keras_tuner.HyperParameters, **options: typing.Any) -> keras.Model:
    """Builds and compiles a network with reductions that Keras Tuner chooses.

    Args:
        hp: `keras_tuner.HyperParameters`.
        **options: as for `ReductionHyperModel`: `classes=101`,
            `channel_reductions=(8, 16)`, ...

    Returns:
        A compiled `keras.Model`.

    Raises:
        ValueError: See `ReductionHyperModel`.

    Example:

    >>> build = functools.partial(keras_seattn.tuning.build_model, classes=101)
    >>> tuner = keras_tuner.RandomSearch(build, objective="val_loss", max_trials=2)
    >>> tuner.search(training_clips, validation_data=validation_clips, epochs=10)
    """
    return ReductionHyperModel(**options).build(hp)


def setting_as_text(value: typing.Any) -> typing.Any:
    """A setting as a number or text: stages as `"1,2,3,4"`, or `"none"`."""
    return stages_as_text(value) if isinstance(value, tuple) else value


def _choices(values, name, check=arguments.positive_integer):
    """`values` as a tuple, each checked and once."""
    checked = tuple(dict.fromkeys(check(value, name) for value in values))
    if not checked:
        raise InputError(f"`{name}` must hold at least one value.")
    if None in checked and len(checked) > 1:
        raise InputError(f"`{name}` must hold either numbers or None. Received: {checked}")
    return tuple(sorted(checked)) if check is arguments.positive_integer else checked


def _learning_rate(value, name):
    if value is not None and not value > 0:
        raise InputError(f"`{name}` must hold numbers above 0. Received: {value}")
    return value if value is None else float(value)
