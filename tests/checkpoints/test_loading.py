"""Checkpoints loaded into networks: held against PyTorch, into more modules, heads and frames."""

import os
import warnings

import keras
import numpy as np
import pytest

from keras_seattn import checkpoints
from keras_seattn.applications import (
    SEAResNet18_3D,
    SEAResNet34_3D,
    SEAResNet50_3D,
    SEAResNet101_3D,
    SEAResNeXt101_3D,
    convert,
)
from keras_seattn.applications.weights import published
from keras_seattn.checkpoints.loading import named_variables, resample_gate
from keras_seattn.preprocessing import HARA_2018, HARA_2020, preprocessing_of

torch = pytest.importorskip("torch")

from pytorch_network import random_network  # noqa: E402

BUILDERS = {"A": SEAResNet18_3D, "B": SEAResNet18_3D, "resnext": SEAResNeXt101_3D}
DEEPER = {
    "34A": SEAResNet34_3D,
    "34B": SEAResNet34_3D,
    "50": SEAResNet50_3D,
    "101": SEAResNet101_3D,
}
PLAIN = {"se_stages": (), "sa_stages": ()}
# Narrow and small where the numbers of the whole network are not the point.
FACTOR = 0.125
SMALL = {"input_shape": (8, 32, 32, 3), "classes": 5, "width": FACTOR}
LOGITS = {"classifier_activation": None}


def small_network(**options):
    return random_network("B", classes=5, factor=FACTOR, frames=8, **options)


def save(network, folder, name="network.pth"):
    """Saves a network as upstream's code of 2018 does."""
    path = os.path.join(folder, name)
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"arch": "resnet-18", "epoch": 1, "state_dict": state, "optimizer": {}}, path)
    return path


def logits_of(model, clips):
    return keras.ops.convert_to_numpy(model(clips))


def torch_logits(network, clips):
    with torch.no_grad():
        return network(torch.from_numpy(np.moveaxis(clips, -1, 1).copy())).numpy()


def random_clips(*shape):
    return np.random.default_rng(0).normal(0, 60, shape).astype("float32")


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("frames", [16, 64])
@pytest.mark.parametrize("modules", [False, True], ids=["plain", "modules"])
def test_logits_are_those_of_pytorch(kind, frames, modules, tmp_path):
    # The whole width once, in pictures of 48 pixels, and the whole clip of 112 in narrow networks.
    whole = modules and frames == 16
    width, size = (1.0, 48) if whole else (0.25, 112)
    check_both_directions(BUILDERS[kind], kind, frames, modules, width, size, tmp_path)


@pytest.mark.parametrize("kind", DEEPER)
def test_deeper_networks_are_those_of_pytorch(kind, tmp_path):
    check_both_directions(DEEPER[kind], kind, 16, True, 0.25, 48, tmp_path)


def check_both_directions(builder, kind, frames, modules, width, size, tmp_path):
    network = random_network(kind, frames=frames, modules=modules, factor=width)
    path = os.path.join(tmp_path, "saved_by_upstream.pth")
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"arch": kind, "epoch": 7, "state_dict": state, "optimizer": {}}, path)
    options = {"width": width, "input_shape": (frames, size, size, 3)}
    options.update({} if modules else PLAIN)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = builder(weights=path, **LOGITS, **options)
    clips = random_clips(1, frames, size, size, 3)
    logits, expected = logits_of(model, clips), torch_logits(network, clips)
    assert expected.std() > 0.1
    assert np.abs(logits - expected).max() < 1e-4 * np.abs(expected).max()

    back = os.path.join(tmp_path, "back.pth")
    model.save_weights(os.path.join(tmp_path, "model.weights.h5"))
    convert.convert(os.path.join(tmp_path, "model.weights.h5"), back)
    returned = torch.load(back, weights_only=True)["state_dict"]
    network.load_state_dict(returned)
    for key in network.state_dict():
        expected = torch.tensor(0) if "num_batches" in key else state[f"module.{key}"]
        assert torch.equal(returned[key], expected), key


@pytest.mark.parametrize(
    "modules",
    [{}, {"se_stages": (2,), "sa_stages": ()}, {"se_stages": (), "sa_stages": (3, 4)}],
    ids=["all", "se", "sa"],
)
def test_a_base_network_keeps_its_outputs_when_modules_are_added(modules, tmp_path):
    path = save(small_network(), tmp_path)
    base = SEAResNet18_3D(weights=path, **SMALL, **PLAIN, **LOGITS)
    model = SEAResNet18_3D(weights=path, **SMALL, **modules, **LOGITS)
    clips = random_clips(2, 8, 32, 32, 3)
    np.testing.assert_array_equal(logits_of(model, clips), logits_of(base, clips))


def test_some_modules_may_come_from_the_checkpoint_and_others_be_new(tmp_path):
    saved = SEAResNet18_3D(se_stages=(1,), sa_stages=(1,), **SMALL)
    saved.get_layer("stage1_attention").gamma.assign(0.3)
    path = str(tmp_path / "saved.weights.h5")
    saved.save_weights(path)
    model = SEAResNet18_3D(weights=path, se_stages=(1, 2), sa_stages=(1, 2), **SMALL)
    assert float(model.get_layer("stage1_se_residual").beta) == 1
    assert float(model.get_layer("stage2_se_residual").beta) == 0
    clips = random_clips(1, 8, 32, 32, 3)
    np.testing.assert_allclose(logits_of(model, clips), logits_of(saved, clips), atol=1e-6)


def test_another_head_is_new_and_said_so(tmp_path):
    path = save(small_network(), tmp_path)
    other = {**SMALL, "classes": 3}
    with pytest.warns(UserWarning, match=r"network\.pth: the head, of 3 classes, is new") as noted:
        model = SEAResNet18_3D(weights=path, **other)
    assert noted[0].filename == __file__
    assert model.output_shape == (None, 3)
    arrays = checkpoints.read(path).arrays
    for key, variable in named_variables(model).items():
        if key in arrays and not key.startswith("predictions"):
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), arrays[key])
    assert model.class_names is None


def test_features_need_no_head(tmp_path):
    path = save(small_network(), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SEAResNet18_3D(weights=path, include_top=False, pooling="avg", **SMALL, **PLAIN)
    top = SEAResNet18_3D(weights=path, **SMALL, **PLAIN, **LOGITS)
    kernel, bias = top.get_layer("predictions").get_weights()
    clips = random_clips(1, 8, 32, 32, 3)
    np.testing.assert_allclose(
        logits_of(model, clips) @ kernel + bias, logits_of(top, clips), atol=1e-4
    )


def test_the_shortcut_is_read_off_the_checkpoint(tmp_path):
    path = save(random_network("A", classes=5, factor=FACTOR), tmp_path)
    names = {layer.name for layer in SEAResNet18_3D(weights=path, **SMALL).layers}
    assert "stage2_block1_shortcut" in names and "stage2_block1_shortcut_conv" not in names
    with pytest.raises(ValueError, match=r"missing \(15\): layer2\.0\.downsample\.0\.weight"):
        SEAResNet18_3D(weights=path, shortcut="B", **SMALL)


def test_every_mismatch_is_listed_and_nothing_loaded(tmp_path):
    state = small_network().state_dict()
    del state["bn1.bias"], state["layer3.1.conv2.weight"]
    state["layer4.1.bn2.weight"] = torch.ones(3)
    state["projector.weight"] = torch.ones(2)
    path = str(tmp_path / "changed.pth")
    torch.save(state, path)
    model = SEAResNet18_3D(**SMALL, **PLAIN)
    before = model.get_weights()
    with pytest.raises(ValueError) as caught:
        checkpoints.load(model, checkpoints.read(path))
    message = str(caught.value)
    assert message.startswith(f"{path} does not hold weights for sea_resnet18_3d")
    assert "missing (2): bn1.bias, layer3.1.conv2.weight" in message
    assert "unexpected (1): projector.weight" in message
    assert "of another shape (1): layer4.1.bn2.weight (3,) for (64,)" in message
    for weight, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_another_architecture_is_refused(tmp_path):
    path = save(small_network(), tmp_path)
    with pytest.raises(ValueError, match=r"network\.pth does not hold weights for sea_resnext101"):
        SEAResNeXt101_3D(weights=path, **{**SMALL, "width": 0.25})


@pytest.mark.parametrize("old, new", [(8, 32), (32, 8)])
def test_weights_move_between_clip_lengths(old, new, tmp_path):
    path = str(tmp_path / "saved.weights.h5")
    saved = SEAResNet18_3D(**{**SMALL, "input_shape": (old, 32, 32, 3)})
    saved.save_weights(path)
    with pytest.warns(UserWarning, match="sequence gates were resampled"):
        model = SEAResNet18_3D(weights=path, **{**SMALL, "input_shape": (new, 32, 32, 3)})
    expected = named_variables(saved)
    for key, variable in named_variables(model).items():
        if "se_sequence" not in key:
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(variable), keras.ops.convert_to_numpy(expected[key])
            )


@pytest.mark.parametrize("factor", [2, 4])
def test_a_resampled_gate_computes_the_old_one_on_slowed_clips(factor):
    """Every frame shown `factor` times: every copy gets the gate of the frame that it copies."""
    generator = np.random.default_rng(0)
    frames, hidden = 8, 4
    gate = [generator.normal(0, 1, shape) for shape in ((8, 4), (4,), (4, 8), (8,))]

    def gates(weights, squeezed):
        reduce_kernel, reduce_bias, expand_kernel, expand_bias = weights
        excited = np.maximum(squeezed @ reduce_kernel + reduce_bias, 0) @ expand_kernel
        return 1 / (1 + np.exp(-excited - expand_bias))

    squeezed = generator.normal(0, 1, frames)
    resampled = resample_gate(gate, factor * frames, factor * hidden)
    slow = gates(resampled, np.repeat(squeezed, factor))
    np.testing.assert_allclose(slow, np.repeat(gates(gate, squeezed), factor), rtol=1e-12)
    for array, expected in zip(resample_gate(resampled, frames, hidden), gate, strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-12)


def test_a_checkpoint_brings_its_class_names(tmp_path):
    path = save(random_network("B", factor=FACTOR), tmp_path, "resnet-18-kinetics.pth")
    model = SEAResNet18_3D(weights=path, **{**SMALL, "classes": 400})
    assert model.class_names[0] == "abseiling" and len(model.class_names) == 400
    path = save(small_network(), tmp_path, "resnet-18-kinetics.pth")
    assert SEAResNet18_3D(weights=path, **SMALL).class_names is None


@pytest.mark.parametrize(
    "content, prefix, name, expected",
    [
        ({"optimizer": {}}, "module.", "mine.pth", HARA_2018),
        ({"optimizer": {}}, "module.", "r3d18_K_200ep.pth", HARA_2018),
        ({"optimizer": {}, "scheduler": {}}, "", "r3d18_KM_200ep.pth", HARA_2020),
        ({"optimizer": {}, "scheduler": {}}, "module.", "r3d18_K_200ep (1).pth", HARA_2020),
        ({"optimizer": {}, "scheduler": {}}, "", "resnet-18-kinetics.pth", HARA_2020),
        ({}, "", "r3d18_K_200ep.pth", HARA_2020),
        ({}, "", "mine.pth", None),
        ({"optimizer": {}}, "", "mine.pth", None),
    ],
)
def test_the_content_of_a_pth_tells_its_preprocessing(content, prefix, name, expected, tmp_path):
    state = {f"{prefix}{key}": value for key, value in small_network().state_dict().items()}
    path = tmp_path / name
    torch.save({"arch": "resnet-18", "epoch": 1, "state_dict": state, **content}, path)
    assert checkpoints.read(path, published("SEAResNet18_3D")).preprocessing == expected


def test_preprocessing_that_nobody_tells_is_asked_for(tmp_path):
    path = str(tmp_path / "bare.pth")
    torch.save(small_network().state_dict(), path)
    message = r"bare\.pth: the file does not tell how its clips were preprocessed; evaluate"
    with pytest.warns(UserWarning, match=message):
        model = SEAResNet18_3D(weights=path, **SMALL)
    with pytest.raises(ValueError, match=r"Set model\.preprocessing"):
        preprocessing_of(model)
    model.save_weights(tmp_path / "bare.weights.h5")  # It stays unknown in a file.
    other = SEAResNet18_3D(**SMALL, preprocessing=HARA_2020)
    assert other.preprocessing == HARA_2020
    other.load_weights(tmp_path / "bare.weights.h5")
    assert other.preprocessing is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SEAResNet18_3D(weights=path, **SMALL, preprocessing=HARA_2020)
    assert model.preprocessing == HARA_2020
    with pytest.raises(ValueError, match=r"`preprocessing` must be a mean and a deviation"):
        SEAResNet18_3D(**SMALL, preprocessing="hara2020")


@pytest.mark.parametrize("file", ["saved.weights.h5", "saved.keras"])
def test_preprocessing_and_class_names_stay_with_the_weights(file, tmp_path):
    saved = SEAResNet18_3D(**SMALL, preprocessing=HARA_2020)
    saved.class_names = list("abcde")
    path = str(tmp_path / file)
    saved.save_weights(path) if file.endswith("h5") else saved.save(path)
    other = {**SMALL, "classes": 3}
    with pytest.warns(UserWarning, match="is new"):
        model = SEAResNet18_3D(weights=path, **other)
    assert (model.preprocessing, model.class_names) == (HARA_2020, None)
    model = SEAResNet18_3D(weights=path, **SMALL)
    assert (model.preprocessing, model.class_names) == (HARA_2020, tuple("abcde"))

    model = SEAResNet18_3D(**SMALL)
    model.load_weights(path)
    assert (model.preprocessing, model.class_names) == (HARA_2020, tuple("abcde"))
    model = SEAResNet18_3D(**other)
    model.class_names = ["x", "y", "z"]
    with pytest.warns(UserWarning, match="could not be loaded"):
        model.load_weights(path, skip_mismatch=True)
    assert (model.preprocessing, model.class_names) == (HARA_2020, ("x", "y", "z"))


def test_a_model_made_of_a_network_says_its_preprocessing_too(tmp_path):
    options = {**SMALL, **PLAIN}
    base = SEAResNet18_3D(include_top=False, pooling="avg", **options, preprocessing=HARA_2020)
    scores = keras.layers.Dense(5, activation="softmax", name="predictions")(base.output)
    keras.Model(base.input, scores).save(tmp_path / "made.keras")
    assert SEAResNet18_3D(weights=tmp_path / "made.keras", **options).preprocessing == HARA_2020


def test_only_the_networks_own_layers_are_loaded(tmp_path):
    path = save(small_network(), tmp_path)
    clip = keras.Input(SMALL["input_shape"], name="rgb")
    before = keras.layers.Conv3D(3, 1, name="before")
    model = SEAResNet18_3D(input_tensor=before(clip), weights=path, **SMALL, **PLAIN)
    arrays = checkpoints.read(path).arrays
    named = named_variables(model)
    assert set(named) - set(arrays) == {"before/kernel", "before/bias"}
    for key, array in arrays.items():
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(named[key]), array)


@pytest.mark.usefixtures("eagerly")
def test_two_inputs_and_any_name_of_one():
    clips = random_clips(2, 8, 32, 32, 3)
    model = SEAResNet18_3D(input_tensor=keras.Input((8, 32, 32, 3), name="rgb"), **SMALL)
    expected = model.predict(clips, verbose=0)
    for batch in ({"clip": clips, "video": np.zeros(2)}, {"rgb": clips}):
        np.testing.assert_array_equal(model.predict(batch, verbose=0), expected)
    inputs = [keras.Input((8, 32, 32, channels)) for channels in (2, 1)]
    stacked = keras.layers.Concatenate()(inputs)
    two = SEAResNet18_3D(input_tensor=stacked, **SMALL)
    two.set_weights(model.get_weights())
    np.testing.assert_allclose(
        two.predict([clips[..., :2], clips[..., 2:]], verbose=0), expected, rtol=1e-5
    )


def test_class_names_of_the_wrong_number_are_refused():
    model = SEAResNet18_3D(**SMALL)
    with pytest.raises(ValueError, match=r"`class_names` must hold 5 names.*Received: 2 names"):
        model.class_names = ["one", "two"]
    assert model.class_names is None
