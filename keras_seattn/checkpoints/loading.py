"""Loads a checkpoint into a network: exactly, saying what is new, or not at all."""

import re
import typing
import warnings
from collections.abc import Sequence

import keras
import numpy as np

from keras_seattn.checkpoints.names import OURS
from keras_seattn.errors import InputError

if typing.TYPE_CHECKING:
    from keras_seattn.checkpoints.reading import Checkpoint

_MOST_NAMED = 100


def load(model: keras.Model, checkpoint: "Checkpoint") -> None:
    """Loads a checkpoint into a network, which may have more than the checkpoint.

    - Modules that the checkpoint lacks start as the identity: beta and gamma
      are set to 0.
    - A head of another number of classes, or none, leaves the network's own
      head new, with a warning. A network without a head leaves out the
      checkpoint's.
    - Sequence gates for another number of frames are resampled, with a
      warning; see `resample_gate`.
    - Layers before the network's own, of its `input_tensor`, stay as they are.
    - Everything else must match.

    The checkpoint's preprocessing becomes the network's; where the checkpoint
    does not tell it, a warning says so.

    Args:
        model: `VideoNetwork`.
        checkpoint: `checkpoints.Checkpoint`.

    Raises:
        ValueError: Weights are missing, unexpected or of another shape; the
            message lists all. The model is untouched.
    """
    named = named_variables(model)
    own = {key: variable for key, variable in named.items() if key in OURS}
    found = dict(checkpoint.arrays)
    notes = []

    if _resample_gates(found, own):
        notes.append("its sequence gates were resampled to the network's number of frames")
    has_head = "predictions/kernel" in own
    takes_head = has_head and not _is_new_head(found.get("predictions/kernel"), own)
    if not takes_head:
        found = {key: array for key, array in found.items() if not _is_head(key)}
    if has_head and not takes_head:
        notes.append(f"the head, of {model.output_shape[-1]} classes, is new and untrained")
    modules = {_module(key) for key in found}
    fresh = [
        key
        for key in own
        if (_is_head(key) and not takes_head) or (_module(key) and _module(key) not in modules)
    ]

    _check(found, own, fresh, model, checkpoint)
    for key, array in found.items():
        own[key].assign(array)
    for key in fresh:
        if key.endswith(("_se_residual/beta", "_attention/gamma")):
            own[key].assign(0.0)
    model.preprocessing = checkpoint.preprocessing
    if checkpoint.preprocessing is None:
        notes.append(
            "the file does not tell how its clips were preprocessed; evaluate and predict will ask "
            "for it. Give preprocessing=keras_seattn.preprocessing.HARA_2018, HARA_2020, "
            "TORCHVISION or IMAGENET (to commands: --preprocessing), or set model.preprocessing"
        )
    if takes_head:
        model.class_names = checkpoint.class_names
    if notes:
        # Attributed to whoever called the builder: load <- build_network <- builder <- caller.
        warnings.warn(f"Loaded {checkpoint.path}: {'; '.join(notes)}.", stacklevel=4)


def named_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """A network's weights, a dict of `layer/variable` to `keras.Variable`."""
    return {
        f"{layer.name}/{variable.path.rpartition(layer.name + '/')[2]}": variable
        for layer in model.layers
        for variable in layer.weights
    }


def resample_gate(arrays: Sequence[np.ndarray], gates: int, hidden: int) -> tuple[np.ndarray, ...]:
    """Fits a sequence gate to clips of another number of frames.

    Each frame's gate is taken from the frames of the old gate that cover the
    same part of the clip, and hidden units are repeated or merged likewise.
    For a whole multiple of the frames, the new gate is the old one exactly, on
    the means of the frames that stand for one old frame. So a gate keeps what
    it has learnt, where one started anew would have to learn it again, and a
    video that is slowed down keeps its gates.

    Args:
        arrays: `(reduce kernel, reduce bias, expand kernel, expand bias)` of
            the old gate, of shapes `(s, h)`, `(h,)`, `(h, s)`, `(s,)`.
        gates: int, the new number of frames.
        hidden: int, the new number of hidden units.

    Returns:
        tuple of 4 arrays, of shapes `(gates, hidden)`, `(hidden,)`, `(hidden,
        gates)`, `(gates,)`.
    """
    reduce_kernel, reduce_bias, expand_kernel, expand_bias = arrays
    old_gates, old_hidden = reduce_kernel.shape
    to_old_frames, to_new_frames = _averages(old_gates, gates), _averages(gates, old_gates)
    to_old_hidden, to_new_hidden = _averages(old_hidden, hidden), _averages(hidden, old_hidden)
    return (
        to_old_frames.T @ reduce_kernel @ to_new_hidden.T,
        to_new_hidden @ reduce_bias,
        to_old_hidden.T @ expand_kernel @ to_new_frames.T,
        to_new_frames @ expand_bias,
    )


def _averages(outputs, inputs):
    """A matrix that averages, for each of n equal parts of a line, the m parts that it covers."""
    starts, input_starts = np.arange(outputs) / outputs, np.arange(inputs) / inputs
    covered = np.minimum(starts[:, None] + 1 / outputs, input_starts + 1 / inputs)
    covered = np.maximum(covered - np.maximum(starts[:, None], input_starts), 0)
    return covered / covered.sum(axis=1, keepdims=True)


def _resample_gates(found, own):
    """Resamples the sequence gates in `found` to those in `own`; whether there were any."""
    resampled = False
    for stage in (1, 2, 3, 4):
        keys = [
            f"stage{stage}_se_sequence/{layer}/{variable}"
            for layer in ("reduce", "expand")
            for variable in ("kernel", "bias")
        ]
        if not all(key in found and key in own for key in keys):
            continue
        gates, hidden = own[keys[0]].shape
        arrays = [found[key] for key in keys]
        s, h = arrays[3].size, arrays[1].size
        whole = [array.shape for array in arrays] == [(s, h), (h,), (h, s), (s,)]
        if whole and s != gates:
            resampled = True
            found.update(zip(keys, resample_gate(arrays, gates, hidden), strict=True))
    return resampled


def _is_head(key):
    return key.startswith("predictions/")


def _is_new_head(kernel, own):
    """Whether a checkpoint has no head, or one that differs in its number of classes alone."""
    features, classes = own["predictions/kernel"].shape
    return kernel is None or (kernel.shape[:-1] == (features,) and kernel.shape[-1] != classes)


def _module(key):
    """The module that a weight belongs to, such as `stage1_se`; None for the base network's."""
    match = re.match(r"stage\d_(se|attention)", key)
    return match and match.group()


def _check(found, own, fresh, model, checkpoint):
    name = checkpoint.name
    problems = {
        "missing": [name(key) for key in own if key not in found and key not in fresh],
        "unexpected": [name(key) for key in found if key not in own],
        "of another shape": [
            f"{name(key)} {found[key].shape} for {tuple(variable.shape)}"
            for key, variable in own.items()
            if key in found and found[key].shape != tuple(variable.shape)
        ],
    }
    if any(problems.values()):
        listing = "; ".join(
            f"{kind} ({len(keys)}): {', '.join(keys[:_MOST_NAMED])}"
            + (", ..." if len(keys) > _MOST_NAMED else "")
            for kind, keys in problems.items()
            if keys
        )
        raise InputError(
            f"{checkpoint.path} does not hold weights for {model.name} as it was asked for. Ask "
            "for the network that they were saved from (se_stages, sa_stages, reductions, width, "
            f"shortcut; classes and the number of frames may differ). {listing}"
        )
