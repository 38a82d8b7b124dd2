"""What is trained, on what and how, as plain values, and how two of these differ."""

import dataclasses
import hashlib
import json
import typing

import keras

from keras_seattn.data.catalogs import Catalog, summary
from keras_seattn.data.records.manifest import Records
from keras_seattn.settings import FitSettings, NetworkSettings, RunSettings
from keras_seattn.training.recipe import Recipe

# The videos are compared by name: they may lie elsewhere. More epochs may follow.
FREE = (
    "data_dir",
    "splits_dir",
    "test_dir",
    "list",
    "test_list",
    "class_list",
    "epochs",
    "save_every",
)


def describe(
    model: keras.Model,
    recipe: Recipe,
    train_catalog: Catalog | Records,
    test_catalog: Catalog | Records,
    settings: FitSettings,
    config: dict | None = None,
    validation_catalog: Catalog | Records | None = None,
) -> dict:
    """All that must be the same for a training to be gone on with.

    Args:
        model, recipe, train_catalog, test_catalog, settings: of the training,
            which has not begun.
        config: dict, whose settings of a network count; or None.
        validation_catalog: None if the test videos are validated on.

    Returns:
        dict of str to what JSON takes.
    """
    network = {field.name for field in dataclasses.fields(NetworkSettings)}
    run = {field.name for field in dataclasses.fields(RunSettings)}.difference(FREE)
    description = {
        **{name: value for name, value in (config or {}).items() if name in network},
        **{name: value for name, value in dataclasses.asdict(settings).items() if name in run},
        "backend": keras.backend.backend(),
        "optimizer": {"class": type(recipe.optimizer).__name__, **recipe.optimizer.get_config()},
        "callbacks": {str(i): _plain(callback) for i, callback in enumerate(recipe.callbacks)},
        "network": f"{model.count_params():,} parameters, digest {_digest(_layers(model))}",
        "classes": ", ".join(train_catalog.class_names),
        **{
            f"{name} videos": f"{type(catalog).__name__} of {summary(catalog)}"
            for name, catalog in (
                ("training", train_catalog),
                ("validation", validation_catalog),
                ("test", test_catalog),
            )
            if catalog is not None
        },
    }
    return json.loads(_as_json(description))


def differences(then: dict, now: dict) -> list[str]:
    """What differs between two descriptions, a line each: `"batch_size: 16 then, 32 now"`."""
    then, now = _flat(then), _flat(now)
    return [
        f"{name}: {then.get(name)} then, {now.get(name)} now"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]


def _flat(content, prefix=""):
    """A nested dict as one, with names such as `optimizer.momentum`."""
    flat: dict[str, typing.Any] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        elif name != "name":  # Keras counts objects by it
            flat[prefix + name] = value
    return flat


def _plain(thing):
    """The class of an object, and those of its public attributes that are plain values."""
    return {"class": type(thing).__name__} | {
        name: value
        for name, value in vars(thing).items()
        if not name.startswith("_") and isinstance(value, int | float | str)
    }


def _layers(model):
    """What the layers of a model are made with, but for their names, which Keras counts."""
    return [
        _layers(layer)
        if isinstance(layer, keras.Model)
        else [type(layer).__name__, {**layer.get_config(), "name": None}]
        for layer in model.layers
    ]


def _digest(content):
    return hashlib.sha256(_as_json(content).encode()).hexdigest()[:16]


def _as_json(content):
    """JSON of plain values and NumPy's; of other objects the name of the class."""
    return json.dumps(
        content, default=lambda value: getattr(value, "tolist", type(value).__name__.__str__)()
    )
