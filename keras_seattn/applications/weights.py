"""Files of weights: checked before a network is built, loaded into it whole or not at all."""

import io
import os
import tempfile
import zipfile

import h5py


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
        ValueError: The file does not hold the weights of just such a model;
            the message names the file and what is missing, unexpected or of
            another shape. The model is untouched.
    """
    if weights is None:
        return
    path = os.fspath(weights)
    try:
        found = _shapes(path)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a file of Keras weights: {error}") from error
    # Keras matches layers by class and order and ignores what is left over, so a file of a network
    # with other modules could be loaded in part. What a file must hold is what Keras would save.
    with tempfile.TemporaryDirectory() as folder:
        own = os.path.join(folder, "own.weights.h5")
        model.save_weights(own)
        expected = _shapes(own)
    problems = [
        f"missing: {_listing(key for key in expected if key not in found)}",
        f"unexpected: {_listing(key for key in found if key not in expected)}",
        "of another shape: "
        + _listing(
            f"{key} {found[key]} for {shape}"
            for key, shape in expected.items()
            if found.get(key, shape) != shape
        ),
    ]
    problems = [problem for problem in problems if not problem.endswith(": ")]
    if problems:
        raise ValueError(
            f"{path} does not hold weights for {model.name} as it was asked for. Build it with "
            "the arguments that the weights were saved with (classes, input_shape, se_stages, "
            f"sa_stages, reductions, width, shortcut). {'; '.join(problems)}"
        )
    model.load_weights(path)


def _shapes(path):
    """The shapes of the weights in a file, by their place in it."""
    if path.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            path = io.BytesIO(archive.read("model.weights.h5"))
    shapes = {}

    def add(name, item):
        # What the optimizer keeps is no weight of the model.
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer/"):
            shapes[name.removeprefix("layers/").replace("/vars", "")] = item.shape

    with h5py.File(path, "r") as file:
        file.visititems(add)
    return shapes


def _listing(keys):
    keys = list(keys)
    return ", ".join(keys[:20]) + (f" and {len(keys) - 20} more" if len(keys) > 20 else "")
