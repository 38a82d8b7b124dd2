"""What files of weights say of their network beside its weights."""

import json

import h5py

from keras_seattn.preprocessing import Preprocessing, checked_description

# The name of a dataset in `.weights.h5` files, for what Keras keeps in `.keras` files only.
DESCRIPTION = "keras_seattn"


def read_description(
    file: h5py.File, config: dict
) -> tuple[list[str] | None, Preprocessing | None] | None:
    """What a file says of the model that was saved in it.

    Args:
        file, config: what `untrusted.open_keras` yields.

    Returns:
        `(class_names, preprocessing)` as `checked_description` returns them;
        None if the file says nothing of the kind.

    Raises:
        As `checked_description`.
    """
    if DESCRIPTION in file:
        return checked_description(json.loads(file[DESCRIPTION][()]))
    config = config.get("config", {})
    # The network's own, or that of a `ClipDescription` in another model.
    for part in (config, *(layer["config"] for layer in config.get("layers", ()))):
        if "preprocessing" in part:
            return checked_description(part)
    return None
