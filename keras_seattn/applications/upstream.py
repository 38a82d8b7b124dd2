"""Checkpoints of kenshohara/3D-ResNets-PyTorch (.pth): their names and layouts, read and written.

PyTorch is imported when such a file is read or written, not before.
"""

import os
import pickle

import numpy as np

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


def read(path):
    """Reads the weights of a `.pth` file, in Keras' names and layouts.

    Args:
        path: str, a file of `torch.save` in its zip or its older format: a
            state dict, or a dict that holds one as `"state_dict"`; with or
            without the `module.` of `DataParallel`.

    Returns:
        dict of str to float32 array. A key is `layer/variable`, as in
        `variable.path`; one of a tensor that has no place in our networks is
        upstream's own.

    Raises:
        ImportError: PyTorch is not installed.
        ValueError: The file cannot be read, holds code or no weights.
    """
    torch = _torch(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is not a checkpoint of tensors alone: reading it would run code that it "
            "holds, so it was refused; or it is damaged. Get it from a source that you trust, and "
            'save its "state_dict" alone. '
            f"PyTorch says: {str(error).splitlines()[0]}"
        ) from error
    except Exception as error:  # What PyTorch raises for a damaged file depends on the damage.
        raise ValueError(
            f"{path} is not a file of torch.save, or it is damaged. Copy or download it again. "
            f"PyTorch says: {str(error).splitlines()[0] if str(error) else 'end of file'}"
        ) from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state:
        raise ValueError(f"{path} holds no state dict, but a {type(state or content).__name__}.")
    strangers = [str(key) for key, value in state.items() if not torch.is_tensor(value)]
    if strangers:
        raise ValueError(
            f"{path} holds no state dict: these entries are no tensors: {', '.join(strangers[:10])}"
        )
    arrays = {}
    for key, tensor in state.items():
        key = str(key).removeprefix("module.")
        if not key.endswith("num_batches_tracked"):
            arrays[UPSTREAM_TO_OURS.get(key, key)] = to_keras(tensor.float().numpy())
    return arrays


def write(arrays, path, architecture):
    """Writes weights as upstream's code would, without the `module.` of `DataParallel`.

    Args:
        arrays: dict of str to array, as `read` returns it.
        path: str, the `.pth` file.
        architecture: str, `"resnet-18"` or `"resnext-101"`.

    Raises:
        ImportError: PyTorch is not installed.
    """
    torch = _torch(path)
    torch.save({"arch": architecture, "epoch": 0, "state_dict": state_dict(arrays)}, path)


def state_dict(arrays):
    """Upstream's state dict of weights in Keras' names and layouts.

    Args:
        arrays: dict of str to array, as `read` returns it.

    Returns:
        dict of str to `torch.Tensor`.
    """
    torch = _torch("a state dict")
    state = {}
    for key, array in arrays.items():
        key = OURS_TO_UPSTREAM.get(key, key)
        state[key] = torch.from_numpy(to_torch(array).copy())
        if key.endswith("running_var"):
            state[key.replace("running_var", "num_batches_tracked")] = torch.tensor(0)
    return state


def to_keras(array):
    """(out, in, kT, kH, kW) -> (kT, kH, kW, in, out), and (out, in) -> (in, out)."""
    return np.transpose(array, (2, 3, 4, 1, 0) if array.ndim == 5 else None)


def to_torch(array):
    """The way back."""
    return np.transpose(array, (4, 3, 0, 1, 2) if array.ndim == 5 else None)


def _torch(path):
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"PyTorch is needed for {os.fspath(path)}: pip install torch. Or convert the file "
            "where PyTorch is: python -m keras_seattn.applications.convert in.pth out.weights.h5"
        ) from error
    return torch
