"""Makes a builder of a `Design`: its arguments and what they mean, said once for all."""

import functools
import inspect
import os
import typing
from collections.abc import Callable, Iterable, Sequence

import keras

from keras_seattn.applications.trunk import Design, build_network
from keras_seattn.applications.weights import published
from keras_seattn.checkpoints import Published
from keras_seattn.preprocessing import Preprocessing

_ARGUMENTS = """
    Args:
        include_top: bool, whether to end in the dense layer over the classes.
        weights: None (random initialization); {names}; or the path of a
            `.weights.h5` or `.keras` file of such a network, or of a `.pth`
            or `.safetensors` file of PyTorch's, which needs that package, of
            the code that the network comes from{images}.
            It may lack modules, which then start as the identity, and have
            another number of classes or of frames; see "Start from
            a Kinetics checkpoint" in the documentation. A name's file is
            fetched once; `weights_table` says what there is.
        input_tensor: A Keras tensor to build on, `keras.Input(...)` or another
            model's output; None makes an input named `"{name}_clip"`.
        input_shape: tuple of 4, a clip without its batch axis:
            `(frames, height, width, 3)` for `channels_last`, `(3, frames,
            height, width)` for `channels_first`; None means 16 frames of 112 x
            112 pixels. Height and width may be None.
            The frames may be None only with `se_stages=()`. Not used with
            `input_tensor`.
        pooling: For `include_top=False`: None returns the features of stage 4,
            `"avg"` and `"max"` pool them globally.
        classes: int, the number of classes.
        classifier_activation: `"softmax"`, None for logits, or any activation.
        se_stages: the stages, of 1 to 4, that end in squeeze-and-excitation.
        sa_stages: the stages, of 1 to 4, that end in self-attention;
            `(3, 4)` is the paper's "SA **" (Table 6).
        channel_reduction: int, the paper's r.
        sequence_reduction: int, the paper's d.
        attention_reduction: int, how many times fewer channels the queries,
            keys and values of the self-attention have than its input.
        width: float, a factor on every number of filters.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.{shortcut}
        cache_dir: str, the folder where `weights` given by name are kept;
            None means `$KERAS_SEATTN_CACHE`, or without it
            `~/.cache/keras_seattn`.
        name: str, the model's name.
        preprocessing: `preprocessing.Preprocessing`, what its clips are; None
            means that of `weights`, or `HARA_2018`.

    Returns:
        A `keras.Model` from preprocessed float clips (see `preprocess_input`)
        of shape `(batch, *input_shape)` to `(batch, classes)` scores, float32
        under every mixed-precision policy.

    Raises:
        ValueError: An argument outside of what is said above, by name; or a
            file of `weights` that is damaged, or that holds other weights.
        FileNotFoundError: `weights` names a file that is not there, or that
            cannot be fetched.
        ImportError: `weights` needs a package that is not installed.
"""
_IMAGES = ", or of the 2D network of\n            the same blocks"
_SHORTCUT = """
        shortcut: what brings a block's input to the shape of its output:
            `"A"` subsamples and pads with zeros, `"B"` is a convolution; None
            means that of `weights`, or `"B"`."""


class Builder(typing.Protocol):
    """A function that builds networks; see `SEAResNet18_3D` for its arguments.

    Attributes:
        design: `Design`, its base network.
        published: dict of str to `Published`, what `weights` knows by name.
    """

    __name__: str
    __signature__: inspect.Signature
    design: Design
    published: dict[str, Published]

    def __call__(
        self,
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
        name: str = "",
        preprocessing: Preprocessing | None = None,
    ) -> keras.Model: ...


def builder(function: Callable[[], Design]) -> Builder:
    """A decorator: makes a builder of a function that returns the `Design` of its base network.

    The function's name is the builder's. In its docstring, `{arguments}` stands
    for what all builders take, return and raise.

    Example:

    >>> from keras_seattn.applications.blocks import basic
    >>> @builder
    ... def SEAResNet10_3D():
    ...     return Design("resnet-10", basic, (1, 1, 1, 1))
    """
    design, known = function(), published(function.__name__)
    defaults = {
        "name": function.__name__.replace("SEA", "sea_", 1).lower(),
        "sa_stages": design.sa_stages,
    }
    parameters = dict(inspect.signature(Builder.__call__).parameters)
    del parameters["self"]
    if len(design.shortcuts) == 1:
        del parameters["shortcut"]
    signature = inspect.Signature(
        [
            parameter.replace(default=defaults.get(name, parameter.default))
            for name, parameter in parameters.items()
        ],
        return_annotation=keras.Model,
    )

    @functools.wraps(function)
    def build(*args, **kwargs):
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{function.__name__}() {error}") from None
        given.apply_defaults()
        return build_network(design, known, **given.arguments)

    del build.__wrapped__  # type: ignore[attr-defined]
    built = typing.cast(Builder, build)
    built.__signature__, built.design, built.published = signature, design, known
    if built.__doc__:  # python -OO removes it
        built.__doc__ = _documented(built.__doc__, design, known)
    return built


def _documented(text, design, known):
    """A docstring with the arguments that all builders have, behind its first paragraphs."""
    names = ", ".join(f'`"{name}"`' for name in known)
    arguments = _ARGUMENTS.replace("{names}; ", f"{names}; " if names else "")
    arguments = arguments.replace("{shortcut}", _SHORTCUT if len(design.shortcuts) > 1 else "")
    arguments = arguments.replace("{images}", _IMAGES if design.stem_pools else "")
    return text.replace("\n    {arguments}\n", f"\n{arguments}\n")
