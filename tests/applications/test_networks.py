"""The networks: the design's parameter counts and shapes, precision, saving, bad arguments."""

import inspect
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_seattn import applications
from keras_seattn.applications import (
    SEAMC3_18,
    SEAR3D_18,
    SEAR2Plus1D_18,
    SEAResNet18_3D,
    SEAResNet34_3D,
    SEAResNet50_3D,
    SEAResNet101_3D,
    SEAResNeXt101_3D,
    preprocess_input,
)
from keras_seattn.applications.blocks import basic
from keras_seattn.applications.builders import builder
from keras_seattn.applications.trunk import Design
from keras_seattn.layers import FrameSelfAttention, ScaledResidual, SqueezeExcite3D
from keras_seattn.settings import MODELS

BUILDERS = [SEAResNet18_3D, SEAResNeXt101_3D]
ALL = [getattr(applications, name) for name in MODELS.values()]
PLAIN = {"se_stages": (), "sa_stages": ()}
SMALL = {"input_shape": (8, 64, 64, 3), "classes": 5, "width": 0.25}


def trainable_parameters(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    "builder, options, parameters",
    [
        (SEAResNet18_3D, {}, 33_255_717),
        (SEAResNet18_3D, {"shortcut": "B"}, 33_255_717),
        (SEAResNet18_3D, {"shortcut": "A"}, 33_081_893),
        (SEAResNeXt101_3D, {}, 47_728_165),
        # Without the head, those of Hara et al.'s code in PyTorch ...
        (SEAResNet34_3D, {}, 63_513_536 + 101 * 513),
        (SEAResNet34_3D, {"shortcut": "A"}, 63_339_712 + 101 * 513),
        (SEAResNet50_3D, {}, 46_198_976 + 101 * 2049),
        (SEAResNet101_3D, {}, 85_245_120 + 101 * 2049),
        # ... and of torchvision's with 400 classes.
        (SEAR3D_18, {"classes": 400}, 33_371_472),
        (SEAMC3_18, {"classes": 400}, 11_695_440),
        (SEAR2Plus1D_18, {"classes": 400}, 31_505_325),
    ],
)
def test_parameters_of_the_base_networks(builder, options, parameters):
    options = {"classes": 101, **PLAIN, **options}
    assert trainable_parameters(builder(**options)) == parameters


@pytest.mark.parametrize("builder", BUILDERS)
def test_parameters_of_the_modules(builder):
    widths = (64, 128, 256, 512) if builder is not SEAResNeXt101_3D else (256, 512, 1024, 2048)
    expected = 0
    for c, s in zip(widths, (8, 4, 2, 1), strict=True):
        r, d, a = c // 16, max(1, s // 2), c // 8
        expected += 2 * c * r + r + c + 2 * s * d + d + s + 1  # both gates and beta
        expected += 4 * c * a + 1  # attention and gamma
    with_modules = trainable_parameters(builder(classes=101))
    assert with_modules - trainable_parameters(builder(classes=101, **PLAIN)) == expected


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_attention_reduction_sets_the_channels_of_queries_keys_and_values(builder):
    options = {"input_shape": (8, 32, 32, 3), "classes": 5, "width": 0.25}
    widths = (16, 32, 64, 128) if builder is not SEAResNeXt101_3D else (64, 128, 256, 512)
    few, many = (
        trainable_parameters(builder(**options, attention_reduction=reduction))
        for reduction in (8, 2)
    )
    assert many - few == sum(4 * c * (c // 2 - c // 8) for c in widths)


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("frames, stage_frames", [(16, (8, 4, 2, 1)), (64, (32, 16, 8, 4))])
def test_shapes_after_each_stage(builder, frames, stage_frames):
    widths = (64, 128, 256, 512) if builder is not SEAResNeXt101_3D else (256, 512, 1024, 2048)
    model = builder(input_shape=(frames, 112, 112, 3))
    for stage, s, side, c in zip((1, 2, 3, 4), stage_frames, (28, 14, 7, 4), widths, strict=True):
        output = model.get_layer(f"stage{stage}_attention").output
        assert output.shape == (None, s, side, side, c)
    assert model.output_shape == (None, 400)


@pytest.mark.parametrize("builder", BUILDERS)
def test_modules_sit_after_the_last_block_in_the_papers_order(builder):
    model = builder(se_stages=(1, 3), sa_stages=(3, 4), **SMALL)
    names = [layer.name for layer in model.layers]
    third = [name for name in names if name.startswith("stage3_")][-4:]
    assert third == [
        "stage3_se_channel",
        "stage3_se_sequence",
        "stage3_se_residual",
        "stage3_attention",
    ]
    assert model.get_layer("stage3_se_channel").axis == "channel"
    assert model.get_layer("stage3_se_sequence").axis == "sequence"
    assert "stage1_se_channel" in names
    assert "stage2_se_channel" not in names
    assert "stage1_attention" not in names
    assert "stage4_attention" in names


@pytest.mark.parametrize(
    "builder, frames",
    [(SEAR3D_18, (16, 8, 4, 2)), (SEAMC3_18, (16, 16, 16, 16)), (SEAR2Plus1D_18, (16, 8, 4, 2))],
)
def test_shapes_without_pooling_in_the_stem(builder, frames):
    model = builder(sa_stages=(1, 2, 3, 4))
    for stage, s, side in zip((1, 2, 3, 4), frames, (56, 28, 14, 7), strict=True):
        output = model.get_layer(f"stage{stage}_attention").output
        assert output.shape == (None, s, side, side, 32 * 2**stage)
    # Attention in frames of 56 x 56 must be asked for.
    assert list(builder().parts().attentions) == [2, 3, 4]


@pytest.mark.parametrize("builder", [*BUILDERS, SEAR2Plus1D_18])
def test_every_layer_has_a_readable_name(builder):
    names = [layer.name for layer in builder(**SMALL).layers]
    pattern = (
        r"\w+_clip|clip_description|stem_\w+|stage[1-4]_(block\d+_\w+|se_\w+|attention)|"
        r"average_pool|predictions"
    )
    assert [name for name in names if not re.fullmatch(pattern, name)] == []


def test_start_of_the_modules():
    # beta = 1 is the paper's sum, gamma = 0 the identity.
    model = SEAResNet18_3D(**SMALL)
    assert float(model.get_layer("stage1_se_residual").beta) == 1
    assert float(model.get_layer("stage1_attention").gamma) == 0


def test_the_residual_is_the_papers():
    """Y = X + beta * SE_sequence(SE_channel(X)), Z = FrameSelfAttention(Y)."""
    model = SEAResNet18_3D(se_stages=(2,), sa_stages=(2,), **SMALL)
    x = model.get_layer("stage2_block2_relu").output
    inner = keras.Model(model.inputs, [x, model.get_layer("stage2_attention").output])
    model.get_layer("stage2_se_residual").beta.assign(0.7)
    model.get_layer("stage2_attention").gamma.assign(0.3)
    x, z = inner(np.random.default_rng(0).normal(0, 50, (2, 8, 64, 64, 3)))
    modules = []
    for name, layer in (
        ("stage2_se_channel", SqueezeExcite3D("channel", 16)),
        ("stage2_se_sequence", SqueezeExcite3D("sequence", 2)),
        ("stage2_se_residual", ScaledResidual()),
        ("stage2_attention", FrameSelfAttention()),
    ):
        layer.build([x.shape, x.shape] if name.endswith("residual") else x.shape)
        layer.set_weights(model.get_layer(name).get_weights())
        modules.append(layer)
    channel, sequence, residual, attention = modules
    expected = attention(residual([x, sequence(channel(x))]))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(z), keras.ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_scores_are_float32_under_every_policy(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = SEAResNet18_3D(**SMALL)
    finally:
        keras.config.set_dtype_policy("float32")
    scores = model(np.random.default_rng(0).normal(0, 50, (2, 8, 64, 64, 3)))
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    np.testing.assert_allclose(keras.ops.convert_to_numpy(scores).sum(axis=1), 1, rtol=1e-5)
    if policy.startswith("mixed"):
        assert {v.dtype for v in model.weights} == {"float32"}
        inner = model.get_layer("stage1_block1_1_conv").output.dtype
        assert inner == policy.removeprefix("mixed_")


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_both_data_formats_give_the_same_scores(shortcut):
    options = {"classes": 5, "width": 0.25, "se_stages": (1, 4), "sa_stages": (3, 4)}
    options["shortcut"] = shortcut
    last = SEAResNet18_3D(input_shape=(4, 32, 40, 3), **options)
    first = SEAResNet18_3D(input_shape=(3, 4, 32, 40), data_format="channels_first", **options)
    first.set_weights(last.get_weights())
    x = np.random.default_rng(0).normal(0, 50, (1, 4, 32, 40, 3)).astype("float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(first(np.moveaxis(x, -1, 1))),
        keras.ops.convert_to_numpy(last(x)),
        rtol=1e-3,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    "pooling, shape", [(None, (None, 1, 2, 2, 128)), ("avg", (None, 128)), ("max", (None, 128))]
)
def test_without_top(pooling, shape):
    options = {**SMALL, "include_top": False, "pooling": pooling}
    assert SEAResNet18_3D(**options).output_shape == shape


def test_on_another_tensor():
    raw = keras.Input((8, 64, 64, 3), dtype="uint8", name="raw")
    clip = keras.layers.Rescaling(1.0, offset=-110.0)(raw)
    model = SEAResNet18_3D(input_tensor=clip, classes=3, width=0.1)
    assert model.predict(np.zeros((1, 8, 64, 64, 3), "uint8"), verbose=0).shape == (1, 3)
    assert model.input.name == "raw"


def test_size_may_be_unknown_and_frames_too_without_sequence_gates():
    model = SEAResNet18_3D(input_shape=(None, None, None, 3), classes=3, width=0.1, se_stages=())
    for shape in ((2, 4, 32, 48, 3), (1, 9, 40, 32, 3)):
        assert model(np.zeros(shape, "float32")).shape == (shape[0], 3)


def test_logits():
    model = SEAResNet18_3D(classifier_activation=None, **SMALL)
    softmax = SEAResNet18_3D(**SMALL)
    softmax.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(0, 50, (2, 8, 64, 64, 3)).astype("float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.ops.softmax(model(x))),
        keras.ops.convert_to_numpy(softmax(x)),
        rtol=1e-4,
    )


def test_a_saved_resnext_is_the_same_when_loaded(tmp_path):
    model = SEAResNeXt101_3D(**{**SMALL, "input_shape": (4, 32, 32, 3)})
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    for weight, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_saved_model_loads_in_a_new_process(tmp_path):
    model = SEAResNet18_3D(**{**SMALL, "input_shape": (4, 32, 32, 3)})
    for layer in model.layers:
        if isinstance(layer, FrameSelfAttention):
            layer.gamma.assign(0.5)
    x = np.random.default_rng(0).normal(0, 50, (2, 4, 32, 32, 3)).astype("float32")
    np.savez(tmp_path / "clip.npz", x=x, y=keras.ops.convert_to_numpy(model(x)))
    model.save(tmp_path / "model.keras")
    code = (
        "import sys, keras_seattn, keras, numpy as np\n"
        "data = np.load(sys.argv[1] + '/clip.npz')\n"
        "model = keras.models.load_model(sys.argv[1] + '/model.keras')\n"
        "y = keras.ops.convert_to_numpy(model(data['x']))\n"
        "np.testing.assert_allclose(y, data['y'], rtol=1e-4, atol=1e-6)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=300)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_weights_from_a_file(suffix, tmp_path):
    path = str(tmp_path / f"saved{suffix}")
    saved = SEAResNet18_3D(**SMALL)
    saved.save_weights(path) if suffix == ".weights.h5" else saved.save(path)
    loaded = SEAResNet18_3D(weights=path, **SMALL)
    for expected, weight in zip(saved.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    # Keras itself would load the part that fits and say nothing.
    with pytest.raises(ValueError, match=r"unexpected \(\d+\):.*stage2_se_residual/beta"):
        SEAResNet18_3D(weights=path, **SMALL, se_stages=(1,))


def test_a_text_is_no_weights(tmp_path):
    (tmp_path / "text.weights.h5").write_text("no weights")
    with pytest.raises(ValueError, match=r"text\.weights\.h5 is not a file of weights"):
        SEAResNet18_3D(weights=str(tmp_path / "text.weights.h5"), **SMALL)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA is a choice there only")
def test_compiling_with_keras_defaults_does_not_choose_xla_on_a_cpu(tmp_path):
    import tensorflow as tf

    on_cpu = not tf.config.list_physical_devices("GPU")
    base = SEAResNet18_3D(**SMALL, **PLAIN)
    base.save(tmp_path / "base.keras")
    loaded = keras.models.load_model(tmp_path / "base.keras")
    wrapped = keras.Sequential([base, keras.layers.Dense(2)])
    rewired = keras.Model(base.inputs, keras.layers.Dense(2)(base.get_layer("average_pool").output))
    for model in (base, loaded, wrapped, rewired):
        model.compile("sgd", "mse")
        assert model.jit_compile is not on_cpu


@pytest.mark.parametrize(
    "options, message",
    [
        ({"se_stages": (0,)}, "`se_stages` must hold stages of 1, 2, 3, 4.*Received: se_stages="),
        ({"sa_stages": (3, 3)}, "`sa_stages` must hold stages of 1, 2, 3, 4, each at most once"),
        ({"sa_stages": 5}, r"Received: sa_stages=\(5,\)"),
        ({"channel_reduction": 0}, "`channel_reduction` must be a whole number of 1 or more"),
        ({"sequence_reduction": -2}, "`sequence_reduction` must be"),
        ({"attention_reduction": 0}, "`attention_reduction` must be"),
        ({"classes": 0}, "`classes` must be"),
        ({"pooling": "mean"}, "`pooling` must be one of None, 'avg', 'max'"),
        ({"width": 0}, "`width` must be a number greater than 0"),
        ({"width": float("inf")}, "`width` must be a number greater than 0"),
        ({"width": None}, "`width` must be a number greater than 0.*Received: width=None"),
        ({"weights": b"kinetics400"}, "`weights` must be None, 'kinetics400'"),
        ({"data_format": "last"}, "`data_format` must be one of"),
        ({"input_shape": (112, 112, 3)}, "`input_shape` must have 4 axes.*Received"),
        ({"input_shape": (None, 112, 112, 3)}, "number of frames in `input_shape` must be known"),
        ({"input_shape": (16, 112, 112, None)}, "number of channels in `input_shape` must be"),
    ],
)
@pytest.mark.parametrize("builder", BUILDERS)
def test_wrong_arguments_are_named(builder, options, message):
    with pytest.raises(ValueError, match=message):
        builder(**options)


def test_wrong_arguments_of_one_network():
    with pytest.raises(ValueError, match="`shortcut` must be one of None, 'A', 'B'"):
        SEAResNet18_3D(shortcut="C")
    with pytest.raises(ValueError, match=r"must be divisible by the 32 groups.*width=0.1"):
        SEAResNeXt101_3D(width=0.1)


def test_a_network_has_no_options_of_others():
    with pytest.raises(TypeError, match=r"SEAResNet50_3D\(\) .*unexpected.*'shortcut'"):
        SEAResNet50_3D(shortcut="A")
    assert "shortcut:" not in SEAResNet50_3D.__doc__


@pytest.mark.parametrize("builder", ALL)
def test_the_builders_document_all_their_arguments(builder):
    arguments = inspect.signature(builder).parameters
    assert list(arguments)[:2] == ["include_top", "weights"]
    for argument in arguments:
        assert re.search(rf"^ {{8}}{argument}: ", builder.__doc__, re.MULTILINE), argument


def test_without_docstrings():
    """`python -OO` leaves them out."""

    def SEABare_3D():
        return Design("bare", basic, (1, 1, 1, 1))

    assert builder(SEABare_3D)(**SMALL).name == "sea_bare_3d"


@pytest.mark.parametrize("kind", ["uint8", "float", "tensor"])
def test_preprocess_input(kind):
    frames = np.random.default_rng(0).integers(0, 256, (2, 4, 6, 5, 3)).astype("uint8")
    expected = frames.astype("float64") - [114.7748, 107.7354, 99.4750]
    given = {
        "uint8": lambda: frames,
        "float": lambda: frames.astype("float32"),
        "tensor": lambda: keras.ops.convert_to_tensor(frames),
    }[kind]()
    output = preprocess_input(given, data_format="channels_last")
    np.testing.assert_allclose(keras.ops.convert_to_numpy(output), expected, atol=1e-4)
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    assert isinstance(output, np.ndarray) == (kind != "tensor")
    first = preprocess_input(np.moveaxis(frames, -1, 1), data_format="channels_first")
    np.testing.assert_allclose(first, np.moveaxis(expected, -1, 1), atol=1e-4)
    with pytest.raises(ValueError, match="`preprocessing` must be a mean and a deviation"):
        preprocess_input(frames, "channels_last", [[0, 0, 0], [1, 1, 0]])
    with pytest.raises(ValueError, match="`x` must hold 3 channels"):
        preprocess_input(frames[..., :2], data_format="channels_last")
