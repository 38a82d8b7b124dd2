"""What must be known of a model to use it: how its clips are preprocessed, what its scores mean.

Our networks and what is made of them keep it in a layer, `layers.ClipDescription`; exported
models, and models that it was set on, in their attributes.
"""

import dataclasses
import typing
from collections.abc import Iterable

import keras

from keras_seattn.errors import InputError


@dataclasses.dataclass
class Description:
    """What a model knows of itself.

    Attributes:
        preprocessing: `preprocessing.Preprocessing`, what its clips are.
        class_names: tuple of str in the order of the scores, or None.
        head: str, the name of the layer that gives these scores, or None.
    """

    preprocessing: tuple | None
    class_names: tuple[str, ...] | None = None
    head: str | None = None


def class_names_of(model: typing.Any) -> tuple[str, ...] | None:
    """The names of a model's classes.

    Args:
        model: a `keras.Model` or an `export.ExportedModel`.

    Returns:
        tuple of str in the order of the scores; None if it does not know them.
    """
    names = getattr(model, "class_names", None)
    if names is not None:
        return tuple(names)
    description = description_of(model)
    if description is None or description.head != head_of(model):
        return None
    return description.class_names


def set_class_names(model: keras.Model, names: Iterable[str] | None) -> None:
    """Tells a `keras.Model` the names of its classes; None takes them away.

    Raises:
        ValueError: They are not as many as the model's outputs.
    """
    if names is not None:
        names = tuple(str(name) for name in names)
        if len(names) != model.output_shape[-1]:
            raise InputError(
                f"`class_names` must hold {model.output_shape[-1]} names, one for each output of "
                f"the model. Received: {len(names)} names"
            )
    description = description_of(model)
    if description is None:
        model.class_names = names
    else:
        description.class_names, description.head = names, head_of(model)


def description_of(model: typing.Any) -> Description | None:
    """The `Description` that a model keeps in itself or in a model inside; None without one.

    Where other layers come first, which change the clips, it is not this model's. Random ones do
    not, outside of training.
    """
    for layer in getattr(model, "layers", ()):
        if isinstance(layer, keras.Model):
            return description_of(layer)
        if hasattr(layer, "description"):
            return layer.description
        if not (isinstance(layer, keras.layers.InputLayer) or "Random" in type(layer).__name__):
            break
    return getattr(model, "description", None)


def head_of(model: keras.Model) -> str | None:
    """The name of the last layer with weights of a model or of a model inside; None without any."""
    for layer in reversed(model.layers):
        if isinstance(layer, keras.Model):
            return head_of(layer)
        if layer.weights:
            return layer.name
    return None
