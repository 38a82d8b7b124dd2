"""Converts checkpoints between kenshohara/3D-ResNets-PyTorch (.pth) and Keras.

python -m keras_seattn.applications.convert resnext-101-kinetics.pth resnext101.weights.h5
python -m keras_seattn.applications.convert model.keras model.pth
"""

import argparse
import functools
import os

import keras
import numpy as np

from keras_seattn import errors
from keras_seattn.applications import (
    checkpoints,
    resnet3d,
    resnext3d,
    untrusted,
    upstream,
    weights,
)
from keras_seattn.applications.labels import class_list
from keras_seattn.errors import InputError
from keras_seattn.preprocessing import PREPROCESSINGS, Preprocessing, plain_description

# What upstream calls the networks: what builds them, and which of their files are published.
ARCHITECTURES = {
    "resnet-18": (resnet3d.SEAResNet18_3D, resnet3d.PUBLISHED),
    "resnext-101": (resnext3d.SEAResNeXt101_3D, resnext3d.PUBLISHED),
}


def convert(source, target, frames=None, size=112, class_names=None, preprocessing=None):
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
    checkpoint = checkpoints.read(source)
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
        description = plain_description(checkpoint.class_names, checkpoint.preprocessing)
        upstream.write(checkpoint.arrays, target, architecture, description)
        return
    model = build(checkpoint, frames or checkpoint.frames or 16, size)
    model.save_weights(target) if target.endswith(".weights.h5") else model.save(target)


def build(checkpoint, frames=16, size=112):
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
        se_stages=[s for s in resnet3d.STAGES if f"stage{s}_se_residual" in layers],
        sa_stages=[s for s in resnet3d.STAGES if f"stage{s}_attention" in layers],
        width=checkpoint.width,
        data_format="channels_last",
        **options,
    )
    untrusted.check_network(checkpoint.path, build_network)
    model = build_network()
    weights.load(model, checkpoint)
    return model


def _reduction(sizes):
    """The reduction of layers, by `(inputs, hidden units)` of each: max(1, inputs // reduction)."""
    most = [inputs // hidden for inputs, hidden in sizes if hidden > 1]
    return min(most, default=max(inputs for inputs, _ in sizes))


def to_state_dict(model):
    """A network's weights as upstream's state dict.

    Args:
        model: a network of `keras_seattn.applications`.

    Returns:
        dict of str to `torch.Tensor`, without the `module.` of `DataParallel`.

    Raises:
        ImportError: PyTorch is not installed.
    """
    named = weights.named_variables(model)
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


def main():
    """Converts as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", help=".pth, .weights.h5 or .keras file")
    parser.add_argument("target", help=".weights.h5 or .keras file from .pth, else .pth")
    parser.add_argument("--frames", type=int, help="of a clip, for .keras (the source's, or 16)")
    parser.add_argument("--size", type=int, default=112, help="of a clip, for .keras (112)")
    parser.add_argument(
        "--class-names", help="kinetics400, ucf101, hmdb51, or a .txt file with a class a line"
    )
    parser.add_argument(
        "--preprocessing", choices=PREPROCESSINGS, help="whose it is, where the source does not say"
    )
    options = parser.parse_args()
    preprocessing = PREPROCESSINGS.get(options.preprocessing)
    with errors.in_one_line():
        convert(**{**vars(options), "preprocessing": preprocessing})
    print(f"Wrote {options.target}")


if __name__ == "__main__":
    main()
