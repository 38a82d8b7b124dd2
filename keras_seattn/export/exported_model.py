"""An exported model, run by its own runtime as `predict` runs a Keras model."""

import os
import threading

import numpy as np

from keras_seattn import arguments
from keras_seattn.checkpoints import untrusted
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.export.formats import FORMATS, format_of, import_or_explain, read_description
from keras_seattn.preprocessing import checked_description


def is_exported(path: str | os.PathLike) -> bool:
    """Whether a path is called like an exported model."""
    return format_of(path) is not None


class ExportedModel:
    """A model in the format of another runtime, loaded and ready to score clips.

    Any number of threads may call one.

    Args:
        path: str, a file of `export_model`: `.xml` (OpenVINO, with its `.bin`
            beside it), `.onnx`, `.tflite`, or the folder of a SavedModel.
        precision: `"float32"`, or for OpenVINO `"bfloat16"`: faster on
            processors that have it, with scores off by about 1e-3.
        threads: int, the most processor cores to use; None means all. A
            SavedModel uses those of TensorFlow.

    Attributes:
        format: str, `"openvino"`, `"onnx"`, `"litert"` or `"savedmodel"`.
        name, class_names, preprocessing, input_shape, output_shape: those of
            the model that was exported.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no exported model of this package, or damaged.
        ImportError: Its runtime is not installed; the message says what to
            install.

    Example:

    >>> model = keras_seattn.export.ExportedModel("model.xml")
    >>> keras_seattn.predict(model, "video.mp4").top[0]
    ('Archery', 0.93)
    """

    def __init__(
        self, path: str | os.PathLike, *, precision: str = "float32", threads: int | None = None
    ):
        path = os.fspath(path)
        if not os.path.exists(path):
            raise MissingFileError(f"The model does not exist: {path}")
        self.format = format_of(path)
        if self.format is None:
            raise InputError(
                f"{path} is no exported model: it must end in .xml, .onnx or .tflite, or be the "
                "folder of a SavedModel."
            )
        arguments.one_of(precision, ("float32", "bfloat16"), "precision")
        if precision == "bfloat16" and self.format != "openvino":
            raise InputError(f'`precision` must be "float32" for {self.format}.')
        (runtime,) = import_or_explain(self.format, FORMATS[self.format][3])
        try:
            model, self._run = _LOADERS[self.format](runtime, path, precision, threads)
        except Exception as error:  # What runtimes raise for a damaged file is their own.
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise InputError(
                f"{path} cannot be loaded by {runtime.__name__}: {lines[-1].strip()}"
            ) from error
        description = read_description(path, self.format, model)
        self.name = description["name"]
        with untrusted.reading(path, "says of its model what cannot be right"):
            self.class_names, self.preprocessing = checked_description(description)
        self.input_shape = tuple(description["input_shape"])
        self.output_shape = tuple(description["output_shape"])

    def predict_on_batch(self, clips: np.ndarray) -> np.ndarray:
        """Scores preprocessed clips.

        Args:
            clips: array, `(batch, *input_shape[1:])`.

        Returns:
            float32 array, `(batch, classes)`.

        Raises:
            ValueError: The clips have another shape.
        """
        clips = np.asarray(clips, "float32")
        if clips.shape[1:] != self.input_shape[1:] or not len(clips):
            raise InputError(
                f"`clips` must have the shape (batch, *{self.input_shape[1:]}). Received: "
                f"clips.shape={clips.shape}"
            )
        return self._run(clips)


def _openvino(openvino, path, precision, threads):
    core = openvino.Core()
    model = core.read_model(path)
    # On processors with bfloat16 it would be OpenVINO's own choice.
    options = {"INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision]}
    options["PERFORMANCE_HINT"] = "LATENCY"
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    compiled = {}
    # A compiled model keeps one request, which answers one call at a time; for the latency it has
    # all processor cores.
    lock = threading.Lock()

    def run(clips):
        with lock:
            # Compiled for each size of batch: code for any size is slower.
            if len(clips) not in compiled:
                model.reshape(clips.shape)
                compiled[len(clips)] = core.compile_model(model, "CPU", options)
            return compiled[len(clips)](clips)[0].copy()

    return model, run


def _onnx(onnxruntime, path, precision, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return session, lambda clips: session.run(None, {name: clips})[0]


def _litert(_, path, precision, threads):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=threads or os.cpu_count())
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    lock = threading.Lock()  # An interpreter holds the values of one call.

    def run(clips):
        scores = []
        for clip in clips:
            with lock:
                interpreter.set_tensor(source, clip[None])
                interpreter.invoke()
                scores.append(interpreter.get_tensor(target)[0])
        return np.stack(scores)

    return interpreter, run


def _savedmodel(tensorflow, path, precision, threads):
    model = tensorflow.saved_model.load(path)
    return model, lambda clips: model.serve(clips).numpy()


_LOADERS = {"openvino": _openvino, "onnx": _onnx, "litert": _litert, "savedmodel": _savedmodel}
