"""Converts checkpoints between kenshohara/3D-ResNets-PyTorch (.pth) and Keras."""

import functools
import io
import os
import pathlib
import runpy
import sys
import typing
import zipfile
from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_seattn import checkpoints
from keras_seattn.applications import resnet3d, resnext3d
from keras_seattn.checkpoints import loading, untrusted, upstream
from keras_seattn.errors import InputError
from keras_seattn.files import replacing
from keras_seattn.labels import class_list
from keras_seattn.preprocessing import Preprocessing, description_as_json
from keras_seattn.settings import STAGES

# What upstream calls the networks: what builds them, and which of their files are published.
ARCHITECTURES: dict[str, tuple[Callable[..., keras.Model], dict]] = {
    "resnet-18": (resnet3d.SEAResNet18_3D, resnet3d.PUBLISHED),
    "resnext-101": (resnext3d.SEAResNeXt101_3D, resnext3d.PUBLISHED),
}


def convert(
    source: str | os.PathLike,
    target: str | os.PathLike,
    *,
    frames: int | None = None,
    size: int = 112,
    class_names: str | os.PathLike | Sequence[str] | None = None,
    preprocessing: Preprocessing | None = None,
) -> None:
    """Converts a file of weights to another format, by its ending.

    Args:
        source: str, a `.pth`, `.weights.h5` or `.keras` file.
        target: str, the file to write: `.weights.h5` or `.keras` from `.pth`,
            else `.pth`. A `.keras` file holds the network too.
        frames: int, the number of frames of a clip, for `.keras`; None means
            that of the source where it is known, or 16.
        size: int, the side of a clip in pixels, for `.keras`.
        class_names: a list of names, or what `class_list` takes; None means
            those that the source knows.
        preprocessing: `Preprocessing`, what the clips were that the weights
            were trained with; None means what the source knows. Where that is
            nothing, a warning says so, and `predict` will refuse the model.

    Raises:
        ValueError: The two endings do not go together, the file cannot be
            read, `class_names` has another length than the head, or a `.pth`
            has no place for a layer.
        FileNotFoundError: There is no such file.
        ImportError: PyTorch is not installed.

    Example:

    >>> convert("resnet-18-kinetics.pth", "resnet18.keras", class_names="kinetics400")
    """
    source, target = os.fspath(source), os.fspath(target)
    allowed = (".weights.h5", ".keras") if source.endswith(".pth") else (".pth",)
    if not target.endswith(allowed):
        raise InputError(f"`target` must end in {' or '.join(allowed)}. Received: {target}")
    checkpoint = typing.cast(checkpoints.Checkpoint, checkpoints.read(source))
    architecture = _architecture(checkpoint)
    if source.endswith(".pth"):
        checkpoints.recognize(checkpoint, ARCHITECTURES[architecture][1])
    if class_names is not None:
        checkpoint.class_names = class_list(class_names)
        classes = len(checkpoint.arrays.get("predictions/bias", checkpoint.class_names))
        if len(checkpoint.class_names) != classes:
            raise InputError(
                f"`class_names` must hold {classes} names, one for each output of the network. "
                f"Received: {len(checkpoint.class_names)} names"
            )
    if preprocessing is not None:
        checkpoint.preprocessing = Preprocessing.checked(preprocessing)
    if target.endswith(".pth"):
        description = description_as_json(checkpoint.class_names, checkpoint.preprocessing)
        upstream.write(checkpoint.arrays, target, architecture, description)
        return
    model = build(checkpoint, frames or checkpoint.frames or 16, size)
    with replacing(target, sum(weight.nbytes for weight in model.get_weights())) as partial:
        _save_weights(model, partial) if target.endswith(".weights.h5") else model.save(partial)


def _save_weights(model, path):
    """`model.save_weights`, but for the disk: where that is full, HDF5 crashes the process.

    Keras makes the same file in memory for its `.keras` files.
    """
    archive = f"{path}.keras"
    model.save(archive)
    with zipfile.ZipFile(archive) as content:
        weights = io.BytesIO(content.read("model.weights.h5"))
    os.remove(archive)
    model.describe_weights(weights)
    pathlib.Path(path).write_bytes(weights.getbuffer())


def build(checkpoint: checkpoints.Checkpoint, frames: int = 16, size: int = 112) -> keras.Model:
    """Builds the network that a checkpoint was saved from, and loads it.

    Args:
        checkpoint: `checkpoints.Checkpoint`.
        frames: int, the number of frames of a clip.
        size: int, the side of a clip in pixels.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: The checkpoint is of none of our networks.
    """
    arrays, layers = checkpoint.arrays, checkpoint.layers()
    architecture = _architecture(checkpoint)
    options = {"shortcut": checkpoint.shortcut} if architecture == "resnet-18" else {}
    for name, layer in (
        ("channel_reduction", "_se_channel/reduce"),
        ("sequence_reduction", "_se_sequence/reduce"),
        ("attention_reduction", "_attention/query"),
    ):
        kernels = [array.shape for key, array in arrays.items() if key.endswith(f"{layer}/kernel")]
        if kernels:
            options[name] = _reduction([shape[-2:] for shape in kernels])
    stem = arrays.get("stem_conv/kernel", np.empty((1, 1, 1, 3, 1)))
    build_network = functools.partial(
        ARCHITECTURES[architecture][0],
        include_top="predictions" in layers,
        input_shape=(frames, size, size, stem.shape[-2]),
        classes=len(arrays.get("predictions/bias", [0])),
        se_stages=[s for s in STAGES if f"stage{s}_se_residual" in layers],
        sa_stages=[s for s in STAGES if f"stage{s}_attention" in layers],
        width=checkpoint.width,
        data_format="channels_last",
        **options,
    )
    untrusted.check_network(checkpoint.path, build_network)
    model = build_network()
    checkpoints.load(model, checkpoint)
    return model


def _reduction(sizes):
    """The reduction of layers, by `(inputs, hidden units)` of each: max(1, inputs // reduction)."""
    most = [inputs // hidden for inputs, hidden in sizes if hidden > 1]
    return min(most, default=max(inputs for inputs, _ in sizes))


def to_state_dict(model: keras.Model) -> dict[str, typing.Any]:
    """A network's weights as upstream's state dict.

    Args:
        model: a network of `keras_seattn.applications`.

    Returns:
        dict of str to `torch.Tensor`, without the `module.` of `DataParallel`.

    Raises:
        ImportError: PyTorch is not installed.
    """
    named = loading.named_variables(model)
    arrays = {key: keras.ops.convert_to_numpy(variable) for key, variable in named.items()}
    return upstream.state_dict(arrays)


def _architecture(checkpoint):
    """`"resnet-18"` or `"resnext-101"`: the one whose blocks the checkpoint has."""
    layers = checkpoint.layers()
    if "stage1_block1_3_conv" in layers and "stage3_block23_3_conv" in layers:
        return "resnext-101"
    if "stage1_block1_2_conv" in layers and "stage1_block1_3_conv" not in layers:
        return "resnet-18"
    raise InputError(
        f"{checkpoint.path} is of none of the networks here, {' and '.join(ARCHITECTURES)}. "
        f"It holds the layers {', '.join(sorted(layers)[:10])}, ..."
    )


if __name__ == "__main__":  # as the command was called before there was one for all
    sys.argv[1:1] = ["convert"]
    runpy.run_module("keras_seattn", run_name="__main__")
