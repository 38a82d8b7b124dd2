"""A model written in the format of another runtime, with its classes and its preprocessing."""

import contextlib
import functools
import os
import pathlib

import keras

from keras_seattn import arguments
from keras_seattn.description import class_names_of
from keras_seattn.errors import ExistingFileError, InputError, MissingFileError, StorageError
from keras_seattn.export.formats import (
    FORMATS,
    holds_savedmodel,
    import_or_explain,
    read_openvino,
    write_description,
)
from keras_seattn.files import replacing
from keras_seattn.layers import tensorflow_cpu
from keras_seattn.preprocessing import clip_shape, description_as_json, preprocessing_of

# Which operations a runtime is fastest with, or has at all.
_OPERATIONS = {"openvino": "plain", "onnx": "plain", "litert": "images", "savedmodel": "fast"}


def export_model(model: keras.Model, path: str | os.PathLike, format: str) -> None:
    """Writes a model for another runtime.

    The names of the classes, the preprocessing and the size of clips travel
    inside of the file; `ExportedModel` reads them. A model trained in mixed
    precision is exported in float32. Files are written with the TensorFlow
    backend of Keras; a `.keras` file saved with another one loads there.

    Args:
        model: a network of `keras_seattn.applications`.
        path: str, the file to write: `.xml` for OpenVINO (its weights go to a
            `.bin` beside it), `.onnx`, `.tflite` for LiteRT; a folder for a
            SavedModel. What is there is replaced when the new one is whole.
        format: `"openvino"`, `"onnx"`, `"litert"` or `"savedmodel"`.

    Raises:
        ValueError: Another ending than that of the format, a model that does
            not take clips of a fixed size or is quantized, or another backend.
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
        raise InputError(f"`path` must end in {ending} for {format}. Received: path={str(path)!r}")
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Models are exported with Keras on TensorFlow, not on {keras.backend.backend()}. Save "
            "this one with model.save, and export the .keras file with KERAS_BACKEND=tensorflow "
            "in the environment."
        )
    import_or_explain(format, modules)
    if not isinstance(model, keras.Model):
        raise InputError(f"`model` must be a Keras model. Received: {type(model).__name__}")
    if any(layer.quantization_mode for layer in model._flatten_layers()):
        raise InputError(
            "`model` must not be quantized: export the model that it was made of. Received: "
            f"{model.name}"
        )
    clip_shape(model)
    if not path.parent.is_dir():
        raise MissingFileError(f"The folder of `path` does not exist: {path.parent}")
    if ending and path.is_dir():
        raise StorageError(f"`path` is a folder, but {format} is a file: {path}")
    if not ending:
        if path.suffix and path.suffix in (other for other, *_ in FORMATS.values()):
            raise InputError(f"`path` must not end in {path.suffix} for {format}: {path}")
        if path.exists() and not holds_savedmodel(path):
            raise ExistingFileError(
                f"`path` is there, and no SavedModel of this package that may be replaced: {path}"
            )

    # LiteRT's interpreter runs clips of one shape; the others take batches of any size.
    batch = 1 if format == "litert" else None
    shape = (batch, *model.input_shape[1:])
    signature = [keras.InputSpec(shape=shape, dtype="float32", name="clip")]
    size = sum(weight.nbytes for weight in model.get_weights())
    with replacing(path, size) as new:
        whole = _whole_reshapes() if format == "onnx" else contextlib.nullcontext()
        with tensorflow_cpu.operations(_OPERATIONS[format]), whole:
            float32_copy(model).export(
                new, format=keras_name, input_signature=signature, verbose=False
            )
        if format == "onnx":
            _name_groups(new)
        elif format == "openvino":
            _tidy_openvino(new)
        write_description(new, format, describe(model))


def describe(model: keras.Model) -> dict:
    """What a user of a model must know, as JSON holds it."""
    return {
        "name": model.name,
        **description_as_json(class_names_of(model), preprocessing_of(model)),
        "input_shape": list(model.input_shape),
        "output_shape": list(model.output_shape),
    }


def float32_copy(model: keras.Model) -> keras.Model:
    """A copy of a functional model that computes in float32, whatever the model was trained in.

    Models inside of it too. It has traced nothing yet, so that it takes the operations of where it
    is called first.
    """

    @functools.cache  # a layer that is shared stays so
    def clone(layer):
        if isinstance(layer, keras.Sequential):  # Keras would keep the type of its input.
            inputs = keras.Input(batch_shape=layer.input_shape, name=layer.inputs[0].name)
            return keras.Sequential([inputs, *map(clone, layer.layers)], name=layer.name)
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=clone)
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float32"})

    policy = keras.config.dtype_policy()  # which the copies of models take
    keras.config.set_dtype_policy("float32")
    try:
        copy = clone(model)
    finally:
        keras.config.set_dtype_policy(policy)
    copy.set_weights(model.get_weights())
    return copy


@contextlib.contextmanager
def _whole_reshapes():
    """Has tf2onnx write each `Reshape` of a graph.

    It merges one with the next one, whose zeros, which mean a size of its input, then mean sizes
    of another tensor: self-attention with one channel does not run.
    """
    from tf2onnx.optimizer import back_to_back_optimizer

    mergers = back_to_back_optimizer._func_map
    merger = mergers.pop(("Reshape",))
    try:
        yield
    finally:
        mergers[("Reshape",)] = merger


def _tidy_openvino(path):
    """Leaves one output in an OpenVINO file, and makes products with single numbers what they are.

    The converter adds an output for each convolution. OpenVINO makes one kernel of the two products
    of a gate, and fails where both matrices are 1 x 1, as in the gate of a single frame, for
    batches that depend on the number of threads.
    """
    import openvino
    from openvino import opset13

    model = read_openvino(path)
    model = openvino.Model([model.output(0)], model.get_parameters(), model.get_friendly_name())
    for node in model.get_ordered_ops():
        if node.get_type_name() == "MatMul" and list(node.input_value(1).partial_shape) == [1, 1]:
            product = opset13.multiply(node.input_value(0), node.input_value(1))
            for target in node.output(0).get_target_inputs():
                target.replace_source_output(product.output(0))
    openvino.save_model(model, path, compress_to_fp16=False)


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
