"""Checks of arguments: each error names the argument, what came and what is allowed."""

import operator
import typing
from collections.abc import Collection

from keras_seattn.errors import InputError


def positive_integer(value: typing.Any, name: str) -> int:
    """Returns `value` as an int, or raises a ValueError that names the argument.

    Args:
        value: What the caller passed.
        name: str, the argument's name, as the caller wrote it.

    Returns:
        `value` as an int of 1 or more.

    Raises:
        ValueError: `value` is not a whole number of 1 or more.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise InputError(
            f"`{name}` must be a whole number of 1 or more. Received: {name}={value!r}"
        )
    return number


def whole_number(value: typing.Any, name: str) -> int:
    """Returns `value` as an int of 0 or more, or raises a ValueError that names the argument."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0 or isinstance(value, bool):
        raise InputError(
            f"`{name}` must be a whole number of 0 or more. Received: {name}={value!r}"
        )
    return number


def seed(value: typing.Any, name: str = "seed") -> int | None:
    """Returns `value` if it is what every generator of random numbers takes, or None, as an int.

    Raises:
        ValueError: It is no whole number from 0 to 2**32 - 1.
    """
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number < 2**32 or isinstance(value, bool):
        raise InputError(
            f"`{name}` must be a whole number from 0 to 2**32 - 1. Received: {name}={value!r}"
        )
    return number


def half_at_most(value: typing.Any, name: str) -> float:
    """Returns `value` if it is a share above 0 and at most 0.5, or raises a ValueError."""
    if not isinstance(value, int | float) or not 0 < value <= 0.5:
        raise InputError(
            f"`{name}` must be a number above 0 and at most 0.5. Received: {name}={value!r}"
        )
    return value


def one_of(value: typing.Any, allowed: Collection, name: str) -> typing.Any:
    """Returns `value` if `allowed` holds it, or raises a ValueError that names the argument."""
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise InputError(f"`{name}` must be one of {choices}. Received: {name}={value!r}")
    return value


def standard_data_format(value: str | None) -> str:
    """Returns `value`, or Keras' own setting for None, or raises a ValueError."""
    if value is None:
        import keras  # Here, for commands check their flags before it is loaded.

        return keras.config.image_data_format()
    return one_of(value, ("channels_last", "channels_first"), "data_format")


def feature_shape(shape: tuple, layer_name: str) -> tuple:
    """Returns `shape` if it is one of video features, or raises a ValueError.

    Args:
        shape: tuple, the shape of a layer's input.
        layer_name: str, for the message.

    Returns:
        `shape`, unchanged.

    Raises:
        ValueError: `shape` does not have 5 dimensions.
    """
    if len(shape) != 5:
        raise InputError(
            f"The input of {layer_name} must have 5 dimensions, (batch, frames, height, width, "
            "channels) or (batch, channels, frames, height, width). "
            f"Received: input_shape={tuple(shape)}"
        )
    return shape
