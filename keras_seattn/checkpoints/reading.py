"""Reads `weights=`: a name or a file of weights becomes a `Checkpoint`."""

import dataclasses
import functools
import os

import h5py
import numpy as np

from keras_seattn import files
from keras_seattn.checkpoints import downloading, hashes, pytorch, untrusted
from keras_seattn.checkpoints.description import read_description
from keras_seattn.checkpoints.names import OURS, Names
from keras_seattn.checkpoints.published import Published, help_with
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
        weights: None; a name in `published`, whose file is fetched if it is
            not there; or the path of a file that ends in one of `SUFFIXES`.
        published: dict of str to `Published`, the builder's.
        cache_dir: str, the folder that holds published files; None means
            `files.cache_folder`.

    Returns:
        A `Checkpoint`; None for None.

    Raises:
        ValueError: Neither a name nor such a file, or the file cannot be read,
            asks for far more memory than it is large, or holds numbers that
            are not finite.
        FileNotFoundError: The file is not there, or cannot be fetched; the
            message says what to do.
        ImportError: A `.pth` file, and PyTorch is not installed; or one on
            Google Drive, and gdown is not.
    """
    path = locate(weights, published, cache_dir)
    return None if path is None else recognize(_read(path), published)


def _read(path):
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
    return checkpoint


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
    """The path of the file that `weights` means, fetched by its name if need be; see `read`."""
    if weights is None:
        return None
    published = published or {}
    path = os.fspath(weights) if isinstance(weights, str | os.PathLike) else ""
    if path in published:
        return _cached(published[path], cache_dir)
    if not path.endswith(SUFFIXES):
        names = "".join(f", {name!r}" for name in published)
        raise InputError(
            f"`weights` must be None{names}, or the path of a file that ends in "
            f"{', '.join(SUFFIXES)}. Received: weights={weights!r}.{help_with(path, published)}"
        )
    if not os.path.isfile(path):
        raise MissingFileError(f"`weights` names a file that does not exist: {path}")
    if os.path.getsize(path) == 0:
        raise InputError(f"{path} is empty. Copy or download it again.")
    return path


def _cached(known, cache_dir):
    """The file of a name, converted or as it was published: of the cache, a mirror or fetched."""
    folder = files.expand_user(cache_dir or files.cache_folder())
    home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    # Where earlier versions looked for them.
    former = files.expand_user(os.path.join(home, "models", "keras_seattn"))
    mirror = downloading.mirror()
    mirrors = [mirror] if mirror and "://" not in mirror else []
    check = functools.partial(_check_published, known)
    for place in (folder, *mirrors) if cache_dir else (folder, former, *mirrors):
        for file in (_converted(known.file), known.file):
            path = os.path.join(place, file)
            if os.path.isfile(path):
                if file == known.file:
                    hashes.verify(path, known, folder, check)
                return path
    if mirrors:
        raise MissingFileError(
            f"weights={known.name!r} needs {known.file}, which is not in {mirror}, the mirror that "
            f"{downloading.MIRROR} names. {downloading.by_hand(known, folder)}"
        )
    if known.file.endswith(".pth"):
        pytorch.torch_for(known.file)  # Without it what is fetched could not be read.
    return downloading.fetch(known, folder, check)


def _check_published(known, path):
    """Refuses a file of other weights than those that were published."""
    checkpoint = _read(path)
    arrays = checkpoint.arrays
    strangers = [key for key in arrays if key not in OURS]
    classes = len(arrays.get("predictions/bias", ()))
    parameters = sum(array.size for key, array in arrays.items() if "/moving_" not in key)
    if strangers or (classes, parameters) != (known.classes, known.parameters):
        raise untrusted.FileError(
            f"{path} holds {parameters:,} parameters for {classes} classes in place of "
            f"{known.parameters:,} for {known.classes}"
            + (f", and unknown weights: {', '.join(strangers[:10])}." if strangers else ".")
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
