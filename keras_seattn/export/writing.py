"""A model written in the format of another runtime, with its classes and its preprocessing."""

import os
import pathlib
import shutil
import tempfile

import keras

from keras_seattn import arguments
from keras_seattn.description import class_names_of
from keras_seattn.export.formats import (
    FORMATS,
    holds_savedmodel,
    import_or_explain,
    write_description,
)
from keras_seattn.layers import tensorflow_cpu
from keras_seattn.preprocessing import clip_shape, preprocessing_of

# Which operations a runtime is fastest with, or has at all.
_OPERATIONS = {"openvino": "plain", "onnx": "plain", "litert": "images", "savedmodel": "fast"}


def export_model(model, path, format):
    """Writes a model for another runtime.

    The names of the classes, the preprocessing and the size of clips travel
    inside of the file; `ExportedModel` reads them. A model trained in mixed
    precision is exported in float32.

    Args:
        model: a network of `keras_seattn.applications`.
        path: str, the file to write: `.xml` for OpenVINO (its weights go to a
            `.bin` beside it), `.onnx`, `.tflite` for LiteRT; a folder for a
            SavedModel. What is there is replaced when the new one is whole.
        format: `"openvino"`, `"onnx"`, `"litert"` or `"savedmodel"`.

    Raises:
        ValueError: Another ending than that of the format, or a model that
            does not take clips of a fixed size.
        ImportError: What writes the format is not installed; the message says
            what to install.
        OSError: `path` cannot be written to.

    Example:

    >>> keras_seattn.export.export_model(model, "model.xml", "openvino")
    """
    arguments.one_of(format, tuple(FORMATS), "format")
    ending, keras_name, modules, _ = FORMATS[format]
    path = pathlib.Path(path).absolute()
    if ending and path.suffix != ending:
        raise ValueError(f"`path` must end in {ending} for {format}. Received: path={str(path)!r}")
    import_or_explain(format, modules)
    if not isinstance(model, keras.Model):
        raise ValueError(f"`model` must be a Keras model. Received: {type(model).__name__}")
    clip_shape(model)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of `path` does not exist: {path.parent}")
    if ending and path.is_dir():
        raise IsADirectoryError(f"`path` is a folder, but {format} is a file: {path}")
    if not ending:
        if path.suffix and path.suffix in (other for other, *_ in FORMATS.values()):
            raise ValueError(f"`path` must not end in {path.suffix} for {format}: {path}")
        if path.exists() and not holds_savedmodel(path):
            raise FileExistsError(
                f"`path` is there, and no SavedModel of this package that may be replaced: {path}"
            )

    # LiteRT's interpreter runs clips of one shape; the others take batches of any size.
    batch = 1 if format == "litert" else None
    signature = [keras.InputSpec(shape=(batch, *model.input_shape[1:]), dtype="float32")]
    try:
        temporary = tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-")
    except OSError as error:
        raise OSError(f"`path` cannot be written to: {path}: {error.strerror}") from error
    with temporary as folder:
        new = os.path.join(folder, path.name)
        with tensorflow_cpu.operations(_OPERATIONS[format]):
            float32_copy(model).export(
                new, format=keras_name, input_signature=signature, verbose=False
            )
        if format == "onnx":
            _name_groups(new)
        write_description(new, format, describe(model))
        if path.is_dir():
            shutil.rmtree(path)
        for file in os.listdir(folder):
            os.replace(os.path.join(folder, file), path.parent / file)


def describe(model):
    """What a user of a model must know, as JSON holds it."""
    names = class_names_of(model)
    return {
        "name": model.name,
        "class_names": names and list(names),
        "preprocessing": [list(values) for values in preprocessing_of(model)],
        "input_shape": list(model.input_shape),
        "output_shape": list(model.output_shape),
    }


def float32_copy(model):
    """A copy of a functional model that computes in float32, whatever the model was trained in.

    It has traced nothing yet, so that it takes the operations of where it is called first.
    """

    def clone(layer):
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _name_groups(path):
    """Writes the groups of grouped convolutions into an ONNX file, where the converter left 1.

    A convolution has its input's channels over its kernel's groups. In our networks the input of a
    grouped one comes from another convolution, through a ReLU and perhaps a padding.
    """
    import onnx

    model = onnx.load(path)
    nodes = {output: node for node in model.graph.node for output in node.output}
    kernels = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    for node in model.graph.node:
        before = nodes.get(node.input[0]) if node.op_type == "Conv" else None
        while before is not None and before.op_type in ("Relu", "Pad"):
            before = nodes.get(before.input[0])
        if before is None or before.op_type != "Conv":
            continue
        groups = kernels[before.input[1]][0] // kernels[node.input[1]][1]
        others = [attribute for attribute in node.attribute if attribute.name != "group"]
        del node.attribute[:]
        node.attribute.extend([*others, onnx.helper.make_attribute("group", groups)])
    onnx.save(model, path)
