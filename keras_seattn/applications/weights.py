"""Files of weights: checked before a network is built, loaded into it after."""

import os


def check(weights):
    """Raises if `weights` is neither None nor the path of a file that can be loaded.

    Args:
        weights: None, or a path that ends in `.weights.h5` or `.keras`.

    Raises:
        ValueError: Another kind of value or of file.
        FileNotFoundError: There is no such file.
    """
    if weights is None:
        return
    try:
        path = os.fspath(weights)
    except TypeError:
        path = ""
    if not path.endswith((".weights.h5", ".keras")):
        raise ValueError(
            "`weights` must be None or the path of a `.weights.h5` or `.keras` file. "
            f"Received: weights={weights!r}"
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f"`weights` names a file that does not exist: {path}")


def load(model, weights):
    """Loads the file `weights`, or nothing for None, into `model`.

    Args:
        model: a built `keras.Model`.
        weights: None, or a path that `check` has passed.

    Raises:
        ValueError: The file does not hold the weights of such a model.
    """
    if weights is None:
        return
    path = os.fspath(weights)
    try:
        model.load_weights(path)
    except Exception as error:
        raise ValueError(
            f"{path} does not hold weights for {model.name} as it was asked for. Build it with "
            "the arguments that the weights were saved with (classes, input_shape, se_stages, "
            f"sa_stages, reductions, width, shortcut). Keras says: {error}"
        ) from error
