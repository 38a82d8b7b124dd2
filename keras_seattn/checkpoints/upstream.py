"""Checkpoints of kenshohara/3D-ResNets-PyTorch (.pth): their names and layouts, read and written.

PyTorch is imported when such a file is read or written, not before.
"""

import collections
import io
import os
import pickle
import re
import typing
import zipfile

import numpy as np

from keras_seattn.checkpoints import untrusted
from keras_seattn.checkpoints.description import DESCRIPTION
from keras_seattn.errors import InputError, MissingPackageError
from keras_seattn.files import write_bytes
from keras_seattn.preprocessing import HARA_2018, HARA_2020

_BATCH_NORMALIZATION = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_CONVOLUTION = {"kernel": "weight"}
_DENSE = {"kernel": "weight", "bias": "bias"}
_MOST_BLOCKS = 36


def _layers():
    """Yields `(our layer, upstream's layer, {our variable: upstream's})`."""
    yield "stem_conv", "conv1", _CONVOLUTION
    yield "stem_bn", "bn1", _BATCH_NORMALIZATION
    for stage in (1, 2, 3, 4):
        for i in range(_MOST_BLOCKS):
            ours, theirs = f"stage{stage}_block{i + 1}", f"layer{stage}.{i}"
            for n in (1, 2, 3):
                yield f"{ours}_{n}_conv", f"{theirs}.conv{n}", _CONVOLUTION
                yield f"{ours}_{n}_bn", f"{theirs}.bn{n}", _BATCH_NORMALIZATION
            yield f"{ours}_shortcut_conv", f"{theirs}.downsample.0", _CONVOLUTION
            yield f"{ours}_shortcut_bn", f"{theirs}.downsample.1", _BATCH_NORMALIZATION
        # Upstream has no such modules; these names follow its style.
        for gate in ("se_channel", "se_sequence"):
            for layer in ("reduce", "expand"):
                yield f"stage{stage}_{gate}/{layer}", f"{gate}{stage}.{layer}", _DENSE
        yield f"stage{stage}_se_residual", f"se_residual{stage}", {"beta": "beta"}
        yield f"stage{stage}_attention", f"attention{stage}", {"gamma": "gamma"}
        for layer in ("query", "key", "value", "output_projection"):
            yield f"stage{stage}_attention/{layer}", f"attention{stage}.{layer}", _CONVOLUTION
    yield "predictions", "fc", _DENSE


OURS_TO_UPSTREAM = {
    f"{ours}/{variable}": f"{theirs}.{name}"
    for ours, theirs, variables in _layers()
    for variable, name in variables.items()
}
UPSTREAM_TO_OURS = {theirs: ours for ours, theirs in OURS_TO_UPSTREAM.items()}

# Under which name training programs keep the state dict among other things.
_STATE_DICTS = ("state_dict", "model_state_dict", "model")
# What wrappers such as `DataParallel` (module.) or torch.compile (_orig_mod.) put before a name.
_PREFIX = re.compile(r"(?:|.*?\.)(?=(?:conv1|bn1|layer[1-4]|fc)\.)")
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")


def read(path: str) -> tuple[dict[str, np.ndarray], dict]:
    """Reads the weights of a `.pth` file, in Keras' names and layouts.

    Args:
        path: str, a file of `torch.save` in its zip or its older format: a
            state dict, or a dict that holds one as `"state_dict"`,
            `"model_state_dict"` or `"model"`; with or without a prefix of all
            names, such as the `module.` of `DataParallel`.

    Returns:
        `(arrays, description)`. The first is a dict of str to float32 array; a
        key is `layer/variable`, as in `variable.path`; one of a tensor that
        has no place in our networks is upstream's own. The second is a dict
        for `checked_description`: what `write` has put there, or what
        upstream's training code of 2018 or of 2020 gives away.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: The file cannot be read, holds code or no weights, or asks
            for far more memory than it is large.
    """
    untrusted.check_beginning(path)
    torch = _torch(path)
    if zipfile.is_zipfile(path):
        untrusted.check_archive(path)
    content = _load(torch, path)
    state, wrapped = content, {}
    if isinstance(content, dict):
        states = [content[key] for key in _STATE_DICTS if isinstance(content.get(key), dict)]
        if states:
            state, wrapped = states[0], content
    if not isinstance(state, dict) or not state:
        raise untrusted.FileError(f"{path} holds no state dict, but a {type(state).__name__}.")
    strangers = [str(key) for key, value in state.items() if not torch.is_tensor(value)]
    if strangers:
        raise untrusted.FileError(
            f"{path} holds no state dict: these entries are no tensors: {', '.join(strangers[:10])}"
        )
    untrusted.check_memory(path, sum(4 * tensor.numel() for tensor in state.values()))
    prefixes = collections.Counter(
        match.group() for match in map(_PREFIX.match, map(str, state)) if match
    )
    prefix = max(prefixes, key=prefixes.__getitem__, default="")
    arrays = {}
    for key, tensor in state.items():
        key = str(key).removeprefix(prefix)
        if not key.endswith("num_batches_tracked"):
            with untrusted.reading(path, f"holds {key} in a form that is not read"):
                array = tensor.detach().float().numpy()
            arrays[UPSTREAM_TO_OURS.get(key, key)] = to_keras(array)
    return arrays, wrapped.get(DESCRIPTION) or {"preprocessing": _told(wrapped, prefix)}


def _load(torch, path):
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise untrusted.FileError(
            f"{path} is not a checkpoint of tensors alone: reading it would run code that it "
            "holds, so it was refused; or it is damaged. Get it from a source that you trust, and "
            f'save its "state_dict" alone. PyTorch says: {_first_line(error)}'
        ) from error
    except Exception as error:  # What PyTorch raises for a damaged file depends on the damage.
        raise untrusted.FileError(
            f"{path} is not a file of torch.save, or it is damaged. Copy or download it again. "
            f"PyTorch says: {_first_line(error)}"
        ) from error


def _first_line(error):
    return (_TERMINAL_CODES.sub("", str(error)).splitlines() or ["end of file"])[0]


def _told(content, prefix):
    """The preprocessing that upstream's training code had, by what it saved; None if unclear.

    Both years' code saves its optimizer; that of 2020 saves its scheduler too. That of 2018 saves
    the network within its `DataParallel`.
    """
    if not {"arch", "epoch", "optimizer"} <= set(content):
        return None
    if "scheduler" in content:
        return HARA_2020
    return HARA_2018 if prefix == "module." else None


def write(arrays: dict[str, np.ndarray], path: str, architecture: str, description: dict) -> None:
    """Writes weights as upstream's code would, without the `module.` of `DataParallel`.

    Args:
        arrays: dict of str to array, as `read` returns it.
        path: str, the `.pth` file.
        architecture: str, `"resnet-18"` or `"resnext-101"`.
        description: dict of plain lists; see `description_as_json`.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: As `state_dict`.
    """
    torch = _torch(path)
    content = {"arch": architecture, "epoch": 0, "state_dict": state_dict(arrays)}
    file = io.BytesIO()  # PyTorch cannot say what is wrong where a disk is full.
    torch.save({**content, DESCRIPTION: description}, file)
    write_bytes(path, file.getbuffer())


def state_dict(arrays: dict[str, np.ndarray]) -> dict[str, typing.Any]:
    """Upstream's state dict of weights in Keras' names and layouts.

    Args:
        arrays: dict of str to array, as `read` returns it.

    Returns:
        dict of str to `torch.Tensor`.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: Upstream's networks have no such layers.
    """
    torch = _torch("a state dict")
    strangers = sorted({key.split("/")[0] for key in arrays if key not in OURS_TO_UPSTREAM})
    if strangers:
        raise InputError(
            "Upstream's networks have no place for the weights of these layers: "
            f"{', '.join(strangers)}. Only networks as the builders of applications make them can "
            "be written."
        )
    state = {}
    for key, array in arrays.items():
        key = OURS_TO_UPSTREAM[key]
        state[key] = torch.from_numpy(to_torch(array).copy())
        if key.endswith("running_var"):
            state[key.replace("running_var", "num_batches_tracked")] = torch.tensor(0)
    return state


def to_keras(array: np.ndarray) -> np.ndarray:
    """(out, in, kT, kH, kW) -> (kT, kH, kW, in, out), and (out, in) -> (in, out)."""
    return np.transpose(array, (2, 3, 4, 1, 0) if array.ndim == 5 else None)


def to_torch(array: np.ndarray) -> np.ndarray:
    """The way back."""
    return np.transpose(array, (4, 3, 0, 1, 2) if array.ndim == 5 else None)


def _torch(path):
    try:
        import torch
    except ImportError as error:
        raise MissingPackageError(
            f"PyTorch is needed for {os.fspath(path)}: pip install torch. Or convert the file "
            "where PyTorch is: keras-seattn convert in.pth out.weights.h5"
        ) from error
    return torch
