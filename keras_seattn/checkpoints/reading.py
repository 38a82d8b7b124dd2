"""Reads `weights=`: a name or a file of weights becomes a `Checkpoint`."""

import dataclasses
import os
import typing

import h5py
import keras
import numpy as np

from keras_seattn import files
from keras_seattn.checkpoints import pytorch, untrusted
from keras_seattn.checkpoints.description import read_description
from keras_seattn.checkpoints.names import Names
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.labels import class_list
from keras_seattn.preprocessing import Preprocessing, checked_description

SUFFIXES = (".weights.h5", ".keras", ".pth", ".safetensors")
# Those of PyTorch.
_PYTORCH = (".pth", ".safetensors")

# What Keras numbers in a file, by the end of its layer's name.
_VARIABLES = {
    "_conv": ("kernel",),
    "_bn": ("gamma", "beta", "moving_mean", "moving_variance"),
    "_residual": ("beta",),
    "_attention": ("gamma",),
}
_DENSE_VARIABLES = ("kernel", "bias")


class Published(typing.NamedTuple):
    """A checkpoint that `weights=` knows by name.

    Attributes:
        file: str, its name on disk.
        page: str, where a person finds it.
        class_names: str, the name of its class list; None if there is none.
        preprocessing: `Preprocessing` that it was trained with.
        frames: int, the number of frames of the clips that it was trained with.
        url: str, where a program can download it; None while nobody hosts it.
        sha256: str, of the file at `url`.
    """

    file: str
    page: str
    class_names: str | None
    preprocessing: Preprocessing
    frames: int = 16
    url: str | None = None
    sha256: str | None = None


@dataclasses.dataclass
class Checkpoint:
    """The weights in a file, and what it tells of them.

    Attributes:
        path: str.
        arrays: dict of str to array; a key is `layer/variable`, such as
            `stage1_block1_1_conv/kernel`.
        class_names: list of str, or None if not known.
        preprocessing: `Preprocessing` that they were trained with, or None if
            not known.
        frames: int, the number of frames of the clips that they were trained
            with, or None if not known.
        names: dict of str to str, what the file calls the weights, where that
            is not what we do.
    """

    path: str
    arrays: dict
    class_names: list | None = None
    preprocessing: Preprocessing | None = None
    frames: int | None = None
    names: Names = dataclasses.field(default_factory=dict)

    def name(self, key: str) -> str:
        """What the file calls the weight `key`."""
        return self.names.get(key, key)

    def layers(self) -> set[str]:
        """The names of the layers that have weights here, a set of str."""
        return {key.split("/")[0] for key in self.arrays}

    @property
    def shortcut(self) -> str:
        """str: `"A"` if no shortcut has weights, else `"B"`."""
        return "B" if any("_shortcut_" in layer for layer in self.layers()) else "A"


def read(
    weights: str | os.PathLike | None,
    published: dict[str, Published] | None = None,
    cache_dir: str | os.PathLike | None = None,
) -> Checkpoint | None:
    """Reads what a builder got as `weights`.

    Args:
        weights: None; a name in `published`; or the path of a file that ends
            in one of `SUFFIXES`.
        published: dict of str to `Published`, the builder's.
        cache_dir: str, the folder that holds published files; None means
            `files.cache_folder`.

    Returns:
        A `Checkpoint`; None for None.

    Raises:
        ValueError: Neither a name nor such a file, or the file cannot be read,
            asks for far more memory than it is large, or holds numbers that
            are not finite.
        FileNotFoundError: The file is not there; the message says where to get
            it.
        ImportError: A `.pth` file, and PyTorch is not installed.
    """
    path = locate(weights, published, cache_dir)
    if path is None:
        return None
    with untrusted.reading(path):
        if path.endswith(_PYTORCH):
            arrays, description, names = pytorch.read(path)
            known = checked_description(description)
        else:
            names = {}
            with untrusted.open_keras(path) as (file, config):
                arrays, known = _arrays(file, path), read_description(file, config)
        checkpoint = Checkpoint(path, arrays, *(known or (None, None)), names=names)
        _check(checkpoint)
    return recognize(checkpoint, published) if path.endswith(_PYTORCH) else checkpoint


def _check(checkpoint):
    """Refuses weights that are no finite numbers, and names that are not one for each class."""
    arrays = checkpoint.arrays
    spoilt = [key for key, array in arrays.items() if not np.isfinite(array).all()]
    if spoilt:
        names = ", ".join(map(checkpoint.name, spoilt[:10])) + (", ..." if spoilt[10:] else "")
        raise untrusted.FileError(
            f"{checkpoint.path} holds weights that are not finite numbers ({len(spoilt)}): {names}."
            " The training that saved it had diverged: take an earlier file."
        )
    classes = len(arrays.get("predictions/bias", ()))
    if checkpoint.class_names and classes and len(checkpoint.class_names) != classes:
        raise untrusted.FileError(
            f"{checkpoint.path} holds {len(checkpoint.class_names)} class names for {classes} "
            "classes."
        )


def recognize(checkpoint: Checkpoint, published: dict[str, Published] | None) -> Checkpoint:
    """Adds to a checkpoint what is known of a published file with its name, and it leaves open."""
    for known in (published or {}).values():
        if os.path.basename(checkpoint.path) == known.file:
            names = known.class_names and class_list(known.class_names)
            classes = len(checkpoint.arrays.get("predictions/bias", ()))
            if checkpoint.class_names is None and names and len(names) == classes:
                checkpoint.class_names = names
            checkpoint.preprocessing = checkpoint.preprocessing or known.preprocessing
            checkpoint.frames = known.frames
    return checkpoint


def locate(
    weights: str | os.PathLike | None,
    published: dict[str, Published] | None = None,
    cache_dir: str | os.PathLike | None = None,
) -> str | None:
    """The path of the file that `weights` means, which is there; see `read`."""
    if weights is None:
        return None
    published = published or {}
    try:
        path = os.fspath(weights)
    except TypeError:
        path = ""
    if path in published:
        return _cached(path, published[path], cache_dir)
    if not path.endswith(SUFFIXES):
        names = "".join(f", {name!r}" for name in published)
        raise InputError(
            f"`weights` must be None{names}, or the path of a file that ends in "
            f"{', '.join(SUFFIXES)}. Received: weights={weights!r}"
        )
    if not os.path.isfile(path):
        raise MissingFileError(f"`weights` names a file that does not exist: {path}")
    if os.path.getsize(path) == 0:
        raise InputError(f"{path} is empty. Copy or download it again.")
    return path


def _cached(name, known, cache_dir):
    folder = files.expand_user(cache_dir or files.cache_folder())
    home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    # Where earlier versions looked for them.
    former = files.expand_user(os.path.join(home, "models", "keras_seattn"))
    path = os.path.join(folder, known.file)
    for place in (folder,) if cache_dir else (folder, former):
        for file in (_converted(known.file), known.file):
            if os.path.isfile(os.path.join(place, file)):
                return os.path.join(place, file)
    if known.url:
        os.makedirs(folder, exist_ok=True)
        return keras.utils.get_file(
            known.file, known.url, file_hash=known.sha256, cache_dir=folder, cache_subdir=""
        )
    raise MissingFileError(
        f"weights={name!r} needs {known.file}, which nobody hosts for programs yet. Get "
        f"{known.file} from {known.page} and put it in {folder}. To use it without PyTorch, "
        f"convert it once: keras-seattn convert '{path}' '{_converted(path)}'"
    )


def _converted(path):
    return path.removesuffix(".pth") + ".weights.h5"


def _arrays(file, path):
    """The weights in a file of Keras, by the names of their layers."""
    if "layer_names" in file.attrs or "model_weights" in file:
        raise untrusted.FileError(
            f"{path} is a file of Keras 2, whose layers have other names. Load it there, and save "
            "it again with Keras 3."
        )
    arrays = {}

    def add(name, item):
        # "padded_conv3d_3/vars/0", or "squeeze_excite3d/reduce/vars/0" of a layer in a layer.
        if not isinstance(item, h5py.Dataset):
            return
        group, *inner, _, number = name.split("/")
        layer = file["layers"][group]["vars"].attrs.get("name")
        if layer is None:
            raise untrusted.FileError(
                f"{path} was saved by an old Keras, which does not keep the names of layers. "
                "Load it with load_model or load_weights, and save it again with a newer Keras."
            )
        endings = [end for end in _VARIABLES if layer.endswith(end) and not inner]
        variables = _VARIABLES[endings[0]] if endings else _DENSE_VARIABLES
        variable = variables[int(number)] if int(number) < len(variables) else number
        array = np.asarray(item)
        if item.attrs.get("dtype") == "bfloat16":  # the upper half of a float32
            array = (array.view("uint16").astype("uint32") << 16).view("float32")
        arrays["/".join([layer, *inner, variable])] = array

    file["layers"].visititems(add)
    return arrays
