"""Settings made of others: some fields changed, or read from a run's config.json."""

import dataclasses
import json
import typing

from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.settings import (
    DataSettings,
    FitSettings,
    NetworkSettings,
    RunSettings,
    SearchSettings,
)

Settings = typing.TypeVar(
    "Settings", NetworkSettings, DataSettings, FitSettings, RunSettings, SearchSettings
)


def changed(settings: Settings, values: dict) -> Settings:
    """`settings` with those of `values`, a dict, that are among its fields."""
    names = {field.name for field in dataclasses.fields(settings)}
    return dataclasses.replace(settings, **{n: x for n, x in values.items() if n in names})


def fit_settings(kind: type[Settings], settings: Settings | int | None, values: dict) -> Settings:
    """The settings that a function takes whole, or by the names of their fields.

    Args:
        kind: the class: `FitSettings` or one made of it.
        settings: such settings, None for the defaults, or an int, the epochs.
        values: dict of fields to change.

    Raises:
        TypeError: There is no such field, or `settings` are none.
    """
    if isinstance(settings, int):
        settings, values = None, {"epochs": settings, **values}
    if settings is not None and not isinstance(settings, kind):
        raise TypeError(f"Give `{kind.__name__}`, or epochs= and the like by name, not {settings}")
    return dataclasses.replace(settings or kind(), **values)


def read_config(path: str) -> tuple[NetworkSettings, RunSettings]:
    """The settings of a run, of its `config.json`.

    Args:
        path: str.

    Returns:
        `(NetworkSettings, RunSettings)`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not of a run, or a value cannot be.
    """
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except FileNotFoundError as error:
        raise MissingFileError(f"There is no configuration of a run: {path}") from error
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}. Correct it.") from error
    kinds = (NetworkSettings, RunSettings)
    names = [[field.name for field in dataclasses.fields(kind)] for kind in kinds]
    known = config if isinstance(config, dict) else {}
    missing = [name for own in names for name in own if name not in known]
    if missing:
        raise InputError(
            f"{path} is not the config.json of a run of this version: it lacks "
            f"{', '.join(missing)}. Give the settings as flags."
        )
    try:
        return tuple(
            kind(**{name: config[name] for name in own})
            for kind, own in zip(kinds, names, strict=True)
        )
    except (InputError, TypeError) as error:
        raise InputError(f"{path}: {error}") from error
