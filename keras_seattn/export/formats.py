"""The formats that models are exported to: their files, their runtimes, what is said in them."""

import contextlib
import importlib
import json
import os
import pathlib
import types
import typing
import zipfile
from collections.abc import Sequence

from keras_seattn.errors import InputError, MissingPackageError

# What a model's user must know travels inside of the file, as JSON under this name.
DESCRIPTION = "keras_seattn"

# Format: (ending of its files, name in `keras.Model.export`, modules to write it, modules to run
# it). A SavedModel is a folder.
FORMATS = {
    "openvino": (".xml", "openvino", ("openvino",), ("openvino",)),
    "onnx": (".onnx", "onnx", ("onnx", "tf2onnx"), ("onnxruntime",)),
    "litert": (".tflite", "litert", ("tensorflow",), ("ai_edge_litert",)),
    "savedmodel": ("", "tf_saved_model", ("tensorflow",), ("tensorflow",)),
}


def format_of(path: str | os.PathLike) -> str | None:
    """The format of an exported file or folder, by its name; None if it is of no known format."""
    path = pathlib.Path(path)
    for name, (ending, *_) in FORMATS.items():
        if ending and path.suffix == ending:
            return name
    return "savedmodel" if (path / "saved_model.pb").is_file() else None


def holds_savedmodel(path: str | os.PathLike) -> bool:
    """Whether a folder is a SavedModel that `write_description` has been at."""
    return pathlib.Path(path, "assets.extra", f"{DESCRIPTION}.json").is_file()


def import_or_explain(format: str, modules: Sequence[str]) -> list[types.ModuleType]:
    """Imports modules, or raises an ImportError that says what to install."""
    try:
        return [importlib.import_module(module) for module in modules]
    except ImportError as error:
        install = "tensorflow" if modules == ("tensorflow",) else f'"keras-seattn[{format}]"'
        raise MissingPackageError(
            f'The format "{format}" needs {" and ".join(modules)}: pip install {install}. Python '
            f"says: {error}"
        ) from error


def write_description(path: str | os.PathLike, format: str, description: dict) -> None:
    """Puts a dict into an exported file, where the format keeps what its users add."""
    text = json.dumps(description, ensure_ascii=False)
    if format == "openvino":
        import openvino

        model = read_openvino(path)
        model.set_rt_info(text, DESCRIPTION)
        openvino.save_model(model, path, compress_to_fp16=False)
    elif format == "onnx":
        import onnx

        model = onnx.load(path)
        onnx.helper.set_model_props(model, {DESCRIPTION: text})
        onnx.save(model, path)
    elif format == "litert":
        # As LiteRT's own metadata: files in a zip archive behind the model.
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"{DESCRIPTION}.json", text)
    else:
        folder = pathlib.Path(path, "assets.extra")
        folder.mkdir(exist_ok=True)
        (folder / f"{DESCRIPTION}.json").write_text(text, encoding="utf-8")


def read_openvino(path: str | os.PathLike) -> typing.Any:
    """The `openvino.Model` of a file, which the runtime does not hold: it may be written to."""
    import openvino

    weights = pathlib.Path(path).with_suffix(".bin").read_bytes()
    return openvino.Core().read_model(pathlib.Path(path).read_bytes(), weights)


def read_description(path: str | os.PathLike, format: str, model: typing.Any) -> dict:
    """What `write_description` put there.

    Args:
        path: str, the exported file.
        format: str, a key of `FORMATS`.
        model: The runtime's own object for the file.

    Raises:
        ValueError: The file says nothing of the kind.
    """
    text = None
    with contextlib.suppress(KeyError, RuntimeError, OSError, zipfile.BadZipFile):
        if format == "openvino":
            text = model.get_rt_info(DESCRIPTION).astype(str)
        elif format == "onnx":
            text = model.get_modelmeta().custom_metadata_map[DESCRIPTION]
        elif format == "litert":
            with zipfile.ZipFile(path) as archive:
                text = archive.read(f"{DESCRIPTION}.json").decode("utf-8")
        else:
            file = os.path.join(path, "assets.extra", f"{DESCRIPTION}.json")
            text = pathlib.Path(file).read_text(encoding="utf-8")
    if not text:
        raise InputError(
            f"{path} does not say what its classes and its preprocessing are. Export the model "
            "with keras_seattn.export.export_model or keras-seattn export."
        )
    return json.loads(text)
