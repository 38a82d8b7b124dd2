"""Exported models score as their Keras models do, and carry what their users must know."""

import concurrent.futures
import importlib.util
import sys

import keras
import numpy as np
import pytest
from storage_limits import file_size_limit
from tiny_network import TinyNetwork

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.applications.video_network import VideoNetwork
from keras_seattn.errors import StorageError
from keras_seattn.export import ExportedModel, export_model, is_exported, verify
from keras_seattn.export.writing import float32_copy
from keras_seattn.layers import (
    FrameSelfAttention,
    FusedBatchNormalization,
    GroupedConv3D,
    PaddedConv3D,
    PaddedMaxPooling3D,
    ScaledResidual,
    SqueezeExcite3D,
)
from keras_seattn.preprocessing import TORCHVISION

NAMES = ["climb stairs", "draw sword", "Kür"]
RUNTIMES = {
    "openvino": ("openvino",),
    "onnx": ("onnx", "tf2onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "savedmodel": ("tensorflow",),
}
PATHS = {"openvino": "m.xml", "onnx": "m.onnx", "litert": "m.tflite", "savedmodel": "m"}


def network():
    """One of every layer that the networks are made of, with random weights and statistics."""
    clip = keras.Input((6, 20, 20, 3), name="clip")
    x = PaddedConv3D(16, 3, strides=(1, 2, 2))(clip)
    x = keras.layers.ReLU()(FusedBatchNormalization()(x))
    x = PaddedMaxPooling3D()(x)
    x = keras.layers.ReLU()(FusedBatchNormalization()(PaddedConv3D(32, 1)(x)))
    for strides in (1, 2):
        x = GroupedConv3D(32, 3, groups=8, strides=strides)(x)
        x = keras.layers.ReLU()(FusedBatchNormalization()(x))
    u = SqueezeExcite3D("sequence", 2)(SqueezeExcite3D("channel", 4)(x))
    x = FrameSelfAttention()(ScaledResidual()([x, u]))
    x = keras.layers.GlobalAveragePooling3D(dtype="float32")(x)
    x = keras.layers.Dense(3, activation="softmax", dtype="float32")(x)
    model = VideoNetwork(clip, x, name="tiny")
    generator = np.random.default_rng(0)
    for variable in model.variables:
        if variable.name in ("gamma", "beta", "moving_mean"):
            variable.assign(variable + generator.normal(0, 0.2, variable.shape))
        elif variable.name == "moving_variance":
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([5 * kernel, bias])  # so that scores differ from clip to clip
    model.class_names = NAMES
    model.preprocessing = TORCHVISION
    return model


@pytest.mark.parametrize("format", RUNTIMES)
def test_the_same_scores_in_every_runtime(format, tmp_path):
    for module in RUNTIMES[format]:
        pytest.importorskip(module)
    model = network()
    path = str(tmp_path / PATHS[format])
    export_model(model, path, format)
    export_model(model, path, format)  # over what is there
    assert is_exported(path) and len(list(tmp_path.iterdir())) == (2 if format == "openvino" else 1)
    exported = ExportedModel(path, threads=2)
    assert exported.format == format and exported.name == "tiny"
    assert list(exported.class_names) == NAMES and exported.preprocessing == TORCHVISION
    assert exported.input_shape[1:] == (6, 20, 20, 3) and exported.output_shape[1:] == (3,)

    clips = np.random.default_rng(1).normal(0, 2, (5, 6, 20, 20, 3)).astype("float32")
    clips += np.linspace(-4, 4, 5, dtype="float32")[:, None, None, None, None]
    expected = model.predict(clips, verbose=0)
    assert np.std(expected, axis=0).max() > 1e-3, "the scores must differ from clip to clip"
    np.testing.assert_allclose(exported.predict_on_batch(clips), expected, atol=1e-5)
    np.testing.assert_allclose(exported.predict_on_batch(clips[:2]), expected[:2], atol=1e-5)
    result = verify(model, exported, clips=2, repeats=2)
    assert result.passed and result.error < 1e-5 and result.milliseconds > 0
    with pytest.raises(ValueError, match=r"`clips` must have the shape \(batch, \*\(6, 20, 20, 3"):
        exported.predict_on_batch(clips[:, :4])

    parts = [slice(start, start + size) for start in range(5) for size in (1, 2)] * 3
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for part, scores in zip(
            parts, pool.map(lambda part: exported.predict_on_batch(clips[part]), parts), strict=True
        ):
            np.testing.assert_allclose(scores, expected[part], atol=1e-5)
    if format != "litert":  # which goes by numbers
        assert signature(path, format) == (["clip"], 1)


def signature(path, format):
    """The names of a file's inputs, and how many outputs it has."""
    if format == "openvino":
        import openvino

        model = openvino.Core().read_model(path)
        return [each.any_name for each in model.inputs], len(model.outputs)
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return [each.name for each in session.get_inputs()], len(session.get_outputs())
    import tensorflow as tf

    serving = tf.saved_model.load(path).signatures["serving_default"]
    return list(serving.structured_input_signature[1]), len(serving.outputs)


@pytest.mark.parametrize("format", ["openvino", "onnx"])
def test_one_frame_and_one_channel_in_batches_of_any_size(format, tmp_path):
    """The gates of a stage's only frame, and self-attention with one channel."""
    for module in RUNTIMES[format]:
        pytest.importorskip(module)
    options = {"width": 0.125, "se_stages": (4,), "sa_stages": (1,)}
    model = SEAResNet18_3D(input_shape=(8, 24, 24, 3), classes=3, **options)
    model.get_layer("stage1_attention").gamma.assign(0.5)
    path = str(tmp_path / PATHS[format])
    export_model(model, path, format)
    clips = np.random.default_rng(0).normal(0, 1, (16, 8, 24, 24, 3)).astype("float32")
    expected = model.predict(clips, verbose=0)
    for threads, sizes in ((1, (1, 5, 8)), (2, (4, 6, 16))):
        exported = ExportedModel(path, threads=threads)
        for size in sizes:
            scores = exported.predict_on_batch(clips[:size])
            np.testing.assert_allclose(scores, expected[:size], atol=1e-5)


def test_a_different_model_does_not_pass(tmp_path):
    path = str(tmp_path / "m")
    model = network()
    export_model(model, path, "savedmodel")
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel, bias + np.array([1, 0, 0])])
    assert not verify(model, ExportedModel(path), clips=1, repeats=1).passed
    model.layers[-1].set_weights([kernel, bias])
    exported = ExportedModel(path)
    run, calls = exported._run, []

    def not_finite_at_last(clips):
        calls.append(clips)
        return run(clips) * (np.nan if len(calls) == 3 else 1)

    exported._run = not_finite_at_last
    result = verify(model, exported, clips=3, repeats=1)
    assert result.error == np.inf and not result.passed


def test_a_model_of_half_precision_is_exported_in_float32(tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        half = network()
    finally:
        keras.config.set_dtype_policy("float32")
    full = network()
    full.set_weights(half.get_weights())
    export_model(half, str(tmp_path / "m"), "savedmodel")
    exported = ExportedModel(str(tmp_path / "m"))
    assert verify(full, exported, repeats=1).error < 1e-5
    assert verify(half, exported, repeats=1).error < 1e-5

    keras.config.set_dtype_policy("mixed_bfloat16")
    outer = keras.Sequential([keras.Input((6, 20, 20, 3)), keras.Sequential([half])])
    copy = float32_copy(outer)
    assert {layer.compute_dtype for layer in copy._flatten_layers()} == {"float32"}
    clips = np.random.default_rng(1).normal(0, 2, (1, 6, 20, 20, 3)).astype("float32")
    np.testing.assert_allclose(copy(clips), full(clips), atol=1e-5)


def test_bfloat16_in_openvino(tmp_path):
    pytest.importorskip("openvino")
    model = network()
    path = str(tmp_path / "m.xml")
    export_model(model, path, "openvino")
    exported = ExportedModel(path, precision="bfloat16")
    assert verify(model, exported, precision="bfloat16", repeats=1).passed


def test_what_cannot_be_exported(tmp_path, monkeypatch):
    model = TinyNetwork(input_shape=(2, 16, 16, 3), sa_stages=())
    with pytest.raises(ValueError, match=r"`path` must end in \.onnx for onnx.*m\.xml"):
        export_model(model, str(tmp_path / "m.xml"), "onnx")
    with pytest.raises(ValueError, match="`format` must be one of 'openvino', 'onnx'"):
        export_model(model, str(tmp_path / "m.xml"), "coreml")
    with pytest.raises(FileNotFoundError, match="folder of `path` does not exist"):
        export_model(model, str(tmp_path / "none" / "m"), "savedmodel")
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError, match="no SavedModel of this package that may be replaced"):
        export_model(model, str(tmp_path / "mine"), "savedmodel")
    (tmp_path / "mine.tflite").mkdir()
    with pytest.raises(OSError, match="`path` is a folder, but litert is a file"):
        export_model(model, str(tmp_path / "mine.tflite"), "litert")
    with pytest.raises(ValueError, match=r"`path` must not end in \.onnx for savedmodel"):
        export_model(model, str(tmp_path / "m.onnx"), "savedmodel")
    any_size = TinyNetwork(input_shape=(2, None, None, 3))
    with pytest.raises(ValueError, match="must take square RGB clips of a fixed size"):
        export_model(any_size, str(tmp_path / "m"), "savedmodel")
    quantized = network()
    quantized.quantize("int8")
    with pytest.raises(ValueError, match=r"`model` must not be quantized.*tiny"):
        export_model(quantized, str(tmp_path / "m"), "savedmodel")
    with (
        monkeypatch.context() as patch,
        pytest.raises(ValueError, match="exported with Keras on TensorFlow, not on jax"),
    ):
        patch.setattr(keras.backend, "backend", lambda: "jax")
        export_model(model, str(tmp_path / "m"), "savedmodel")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(
        ImportError, match=r'needs onnx and tf2onnx: pip install "keras-seattn\[onn'
    ):
        export_model(model, str(tmp_path / "m.onnx"), "onnx")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine", "mine.tflite"]


@pytest.mark.parametrize("format", PATHS)
def test_a_full_disk_is_named_and_the_file_before_is_whole(format, tmp_path, monkeypatch):
    for module in RUNTIMES[format]:
        pytest.importorskip(module)
    monkeypatch.setenv("AUTOGRAPH_VERBOSITY", "0")
    model, path = (
        TinyNetwork(input_shape=(2, 16, 16, 3), sa_stages=(), width=0.1),
        tmp_path / PATHS[format],
    )
    export_model(model, path, format)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with (
        file_size_limit(20_000),
        pytest.raises(StorageError, match=f"^{path} could not be written: File too large, after "),
    ):
        export_model(model, path, format)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_channels_first(tmp_path):
    options = {"classes": 2, "width": 0.1, "se_stages": (4,), "sa_stages": ()}
    model = SEAResNet18_3D(input_shape=(3, 4, 24, 24), data_format="channels_first", **options)
    path = str(tmp_path / "m")
    export_model(model, path, "savedmodel")
    assert verify(model, ExportedModel(path), repeats=1).passed


def test_what_cannot_be_loaded(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"model does not exist: .*none\.xml"):
        ExportedModel(str(tmp_path / "none.xml"))
    (tmp_path / "m.txt").touch()
    with pytest.raises(ValueError, match="is no exported model"):
        ExportedModel(str(tmp_path / "m.txt"))
    foreign = keras.Sequential([keras.Input((2, 4, 4, 3)), keras.layers.Flatten()])
    foreign.export(str(tmp_path / "foreign"), verbose=False)
    with pytest.raises(ValueError, match="does not say what its classes"):
        ExportedModel(str(tmp_path / "foreign"))
    with pytest.raises(ValueError, match='`precision` must be "float32" for savedmodel'):
        ExportedModel(str(tmp_path / "foreign"), precision="bfloat16")
    (tmp_path / "m.onnx").write_bytes(b"no model")
    if importlib.util.find_spec("onnxruntime"):
        with pytest.raises(ValueError, match=r"m\.onnx cannot be loaded by onnxruntime"):
            ExportedModel(str(tmp_path / "m.onnx"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"needs onnxruntime: pip install .keras-seattn\[onnx\]"):
        ExportedModel(str(tmp_path / "m.onnx"))
