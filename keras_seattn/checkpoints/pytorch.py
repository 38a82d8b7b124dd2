"""Files of PyTorch's networks, .pth and .safetensors, read, and .pth written.

PyTorch and safetensors are imported when such a file is read or written, not before.
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
from keras_seattn.checkpoints.names import Names, names_for, names_in
from keras_seattn.errors import InputError, MissingPackageError
from keras_seattn.files import write_bytes
from keras_seattn.preprocessing import HARA_2018, HARA_2020, IMAGENET, description_as_json

# Under which name training programs keep the state dict among other things.
_STATE_DICTS = ("state_dict", "model_state_dict", "model")
# What wrappers such as `DataParallel` (module.) or torch.compile (_orig_mod.) put before a name.
_PREFIX = re.compile(r"(?:|.*?\.)(?=(?:conv1|bn1|layer[1-4]|stem|fc)\.)")
# Of batches, of normalizations and of averages of weights (`AveragedModel`).
_COUNTERS = ("num_batches_tracked", "n_averaged")
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")


def read(path: str) -> tuple[dict[str, np.ndarray], dict, Names]:
    """Reads the weights of a `.pth` or `.safetensors` file, in Keras' names and layouts.

    Kernels of images become such of videos: they stand in the middle tap, with
    zeros before and behind it. So a network gives for a video that stands still
    what the network of images gives for its picture, whatever its length.
    (Repeated over time and divided, a kernel would be wrong wherever frames are
    padded, which is most of stage 4.)

    Args:
        path: str, a file of safetensors; or one of `torch.save` in its zip or
            its older format: a state dict, or a dict that holds one as
            `"state_dict"`, `"model_state_dict"` or `"model"`. All names may
            have a prefix, such as the `module.` of `DataParallel`.

    Returns:
        `(arrays, description, names)`. The first is a dict of str to float32
        array; a key is `layer/variable`, as in `variable.path`; one of a
        tensor that has no place in our networks is the file's own. The second
        is a dict for `checked_description`: what `write` has put there, or
        what the file gives away. The third is what the file's code calls the
        weights.

    Raises:
        ImportError: PyTorch or safetensors is not installed.
        ValueError: The file cannot be read, holds code or no weights, or asks
            for far more memory than it is large.
    """
    untrusted.check_beginning(path)
    if path.endswith(".safetensors"):
        state, content = _safetensors(path), {}
    else:
        state, content = _state_dict(path)
    prefixes = collections.Counter(match.group() for match in map(_PREFIX.match, state) if match)
    prefix = max(prefixes, key=prefixes.__getitem__, default="")
    state = {key.removeprefix(prefix): array for key, array in state.items()}
    names = names_in(state)
    ours = {theirs: key for key, theirs in names.items()}
    arrays = {
        ours.get(key, key): to_keras(array)
        for key, array in state.items()
        if not key.endswith(_COUNTERS)
    }
    told = content.get(DESCRIPTION)
    if told is None and any(array.ndim == 4 for array in state.values()):
        told = description_as_json(None, IMAGENET)
    elif told is None:
        told = description_as_json(None, _preprocessing(content, prefix))
    return arrays, told, names


def _safetensors(path):
    """The arrays in a file of safetensors."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingPackageError(
            f"safetensors is needed for {path}: pip install safetensors"
        ) from error
    with untrusted.reading(path, "is not a file of safetensors that is read here"):
        arrays = safetensors.numpy.load_file(path)
        return {key: array.astype("float32") for key, array in arrays.items()}


def _state_dict(path):
    """The state dict in a file of `torch.save`, as arrays, and all that the file holds."""
    torch = torch_for(path)
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
    arrays = {}
    for key, tensor in state.items():
        with untrusted.reading(path, f"holds {key} in a form that is not read"):
            arrays[str(key)] = tensor.detach().float().numpy()
    return arrays, wrapped


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


def _preprocessing(content, prefix):
    """The preprocessing that Hara et al.'s training code had, by what it saved; None if unclear.

    Both years' code saves its optimizer; that of 2020 saves its scheduler too. That of 2018 saves
    the network within its `DataParallel`.
    """
    if not {"arch", "epoch", "optimizer"} <= set(content):
        return None
    if "scheduler" in content:
        return HARA_2020
    return HARA_2018 if prefix == "module." else None


def write(arrays: dict[str, np.ndarray], path: str, architecture: str, description: dict) -> None:
    """Writes weights as the code would that their network comes from, without a prefix.

    Args:
        arrays: dict of str to array, as `read` returns it.
        path: str, the `.pth` file.
        architecture: str, what that code calls the network, such as
            `"resnet-18"`.
        description: dict of plain lists; see `description_as_json`.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: As `state_dict`.
    """
    torch = torch_for(path)
    content = {"arch": architecture, "epoch": 0, "state_dict": state_dict(arrays)}
    file = io.BytesIO()  # PyTorch cannot say what is wrong where a disk is full.
    torch.save({**content, DESCRIPTION: description}, file)
    write_bytes(path, file.getbuffer())


def state_dict(arrays: dict[str, np.ndarray]) -> dict[str, typing.Any]:
    """The state dict that weights in Keras' names and layouts have in PyTorch.

    Args:
        arrays: dict of str to array, as `read` returns it.

    Returns:
        dict of str to `torch.Tensor`, in the names of the code that the
        network comes from.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: That code's networks have no such layers.
    """
    torch = torch_for("a state dict")
    names = names_for({key: array.shape for key, array in arrays.items()})
    strangers = sorted({key.split("/")[0] for key in arrays if key not in names})
    if strangers:
        raise InputError(
            "Upstream's networks have no place for the weights of these layers: "
            f"{', '.join(strangers)}. Only networks as the builders of applications make them can "
            "be written."
        )
    state = {}
    for key, array in arrays.items():
        key = names[key]
        state[key] = torch.from_numpy(to_torch(array).copy())
        if key.endswith("running_var"):
            state[key.replace("running_var", "num_batches_tracked")] = torch.tensor(0)
    return state


def to_keras(array: np.ndarray) -> np.ndarray:
    """(out, in, kT, kH, kW) -> (kT, kH, kW, in, out), and (out, in) -> (in, out).

    (out, in, kH, kW), of images, becomes the middle of (kH, kH, kW, in, out).
    """
    if array.ndim == 4:
        size = array.shape[2]
        video = np.zeros((size, *np.transpose(array, (2, 3, 1, 0)).shape), array.dtype)
        video[size // 2] = np.transpose(array, (2, 3, 1, 0))
        return video
    return np.transpose(array, (2, 3, 4, 1, 0) if array.ndim == 5 else None)


def to_torch(array: np.ndarray) -> np.ndarray:
    """The way back."""
    return np.transpose(array, (4, 3, 0, 1, 2) if array.ndim == 5 else None)


def torch_for(path: str) -> typing.Any:
    """PyTorch, or an ImportError that says that `path` needs it."""
    try:
        import torch
    except ImportError as error:
        raise MissingPackageError(
            f"PyTorch is needed for {os.fspath(path)}: pip install torch. Or convert the file "
            "where PyTorch is: keras-seattn convert in.pth out.weights.h5"
        ) from error
    return torch
