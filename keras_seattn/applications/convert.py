"""Converts checkpoints between PyTorch's code (.pth, .safetensors) and Keras."""

import functools
import io
import os
import pathlib
import runpy
import sys
import typing
import zipfile
from collections.abc import Sequence

import keras

from keras_seattn import applications, checkpoints
from keras_seattn.applications.builders import Builder
from keras_seattn.checkpoints import loading, pytorch, untrusted
from keras_seattn.errors import InputError
from keras_seattn.files import replacing
from keras_seattn.labels import class_list
from keras_seattn.preprocessing import Preprocessing, description_as_json
from keras_seattn.settings import MODELS, STAGES

_PYTORCH = (".pth", ".safetensors")


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
        source: str, a `.pth`, `.safetensors`, `.weights.h5` or `.keras` file.
        target: str, the file to write: `.weights.h5` or `.keras` from a file
            of PyTorch's, else `.pth`. A `.keras` file holds the network too.
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
    allowed = (".weights.h5", ".keras") if source.endswith(_PYTORCH) else (".pth",)
    if not target.endswith(allowed):
        raise InputError(f"`target` must end in {' or '.join(allowed)}. Received: {target}")
    checkpoint = typing.cast(checkpoints.Checkpoint, checkpoints.read(source))
    builder = builder_of(checkpoint)
    if source.endswith(_PYTORCH):
        checkpoints.recognize(checkpoint, builder.published)
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
        pytorch.write(checkpoint.arrays, target, builder.design.arch, description)
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
    builder = builder_of(checkpoint)
    options: dict[str, typing.Any] = {}
    if len(builder.design.shortcuts) > 1:
        options["shortcut"] = checkpoint.shortcut
    for name, layer in (
        ("channel_reduction", "_se_channel/reduce"),
        ("sequence_reduction", "_se_sequence/reduce"),
        ("attention_reduction", "_attention/query"),
    ):
        kernels = [array.shape for key, array in arrays.items() if key.endswith(f"{layer}/kernel")]
        if kernels:
            options[name] = _reduction([shape[-2:] for shape in kernels])
    stems = [
        arrays[key] for key in ("stem_spatial_conv/kernel", "stem_conv/kernel") if key in arrays
    ]
    build_network = functools.partial(
        builder,
        include_top="predictions" in layers,
        input_shape=(frames, size, size, stems[0].shape[-2] if stems else 3),
        classes=len(arrays.get("predictions/bias", [0])),
        se_stages=[s for s in STAGES if f"stage{s}_se_residual" in layers],
        sa_stages=[s for s in STAGES if f"stage{s}_attention" in layers],
        width=builder.design.width(checkpoint),
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
    """A network's weights as the state dict of the code that it comes from.

    Args:
        model: a network of `keras_seattn.applications`.

    Returns:
        dict of str to `torch.Tensor`, without the `module.` of `DataParallel`.

    Raises:
        ImportError: PyTorch is not installed.
    """
    named = loading.named_variables(model)
    arrays = {key: keras.ops.convert_to_numpy(variable) for key, variable in named.items()}
    return pytorch.state_dict(arrays)


def builder_of(checkpoint: checkpoints.Checkpoint) -> Builder:
    """The builder of the network that a checkpoint was saved from.

    Raises:
        ValueError: It is of none of our networks.
    """
    builders = [getattr(applications, name) for name in MODELS.values()]
    for builder in builders:
        if builder.design.fits(checkpoint):
            return builder
    names = ", ".join(builder.design.arch for builder in builders)
    raise InputError(
        f"{checkpoint.path} is of none of the networks here, {names}. It holds the layers "
        f"{', '.join(sorted(checkpoint.layers())[:10])}, ..."
    )


if __name__ == "__main__":  # as the command was called before there was one for all
    sys.argv[1:1] = ["convert"]
    runpy.run_module("keras_seattn", run_name="__main__")
