"""The converter: both ways, by its command line too."""

import keras
import numpy as np
import pytest

from keras_seattn.applications import SEAResNet18_3D, SEAResNeXt101_3D
from keras_seattn.applications.convert import _reduction, convert, to_state_dict
from keras_seattn.preprocessing import HARA_2018, HARA_2020, Preprocessing, Sampling

torch = pytest.importorskip("torch")

from pytorch_network import random_network  # noqa: E402

FACTOR = 0.125
OWN = Preprocessing((1.5, 2.5, 3.5), (4.5, 5.5, 6.5), (7.5, 8.5), Sampling(frame_rate=12.5))


def save(network, path):
    """Saves a network as upstream's code of 2020 does."""
    content = {"arch": "resnet-18", "epoch": 1, "state_dict": network.state_dict()}
    torch.save({**content, "optimizer": {}, "scheduler": {}}, path)
    return str(path)


def test_a_keras_file_holds_the_whole_network(tmp_path):
    network = random_network("A", classes=400, factor=FACTOR, modules=True, frames=8)
    source = save(network, tmp_path / "resnet-18-kinetics.pth")
    target = str(tmp_path / "model.keras")
    convert(source, target, frames=8, size=32)
    model = keras.models.load_model(target)
    assert model.input_shape == (None, 8, 32, 32, 3)
    assert model.class_names[0] == "abseiling"
    clips = np.random.default_rng(0).normal(0, 60, (1, 8, 32, 32, 3)).astype("float32")
    with torch.no_grad():
        expected = network(torch.from_numpy(np.moveaxis(clips, -1, 1).copy())).softmax(1)
    np.testing.assert_allclose(model.predict(clips, verbose=0), expected.numpy(), rtol=1e-3)


def test_names_of_files_and_classes_tell_what_they_hold(tmp_path):
    network = random_network("B", classes=5, factor=FACTOR)
    source = save(network, tmp_path / "mine.pth")
    (tmp_path / "classes.txt").write_text("falling\nrunning\r\nsitting\n\nstanding\nwalking \n")
    target = str(tmp_path / "mine.keras")
    convert(source, target, size=32, class_names=str(tmp_path / "classes.txt"))
    model = keras.models.load_model(target)
    assert model.class_names == ("falling", "running", "sitting", "standing", "walking")
    assert model.input_shape == (None, 16, 32, 32, 3)
    network = random_network("B", classes=700, factor=FACTOR)
    convert(save(network, tmp_path / "r3d18_K_200ep.pth"), target, size=32)
    assert keras.models.load_model(target).preprocessing == HARA_2020
    long = random_network("resnext", classes=400, factor=0.25)
    convert(save(long, tmp_path / "resnext-101-64f-kinetics.pth"), target, size=32)
    model = keras.models.load_model(target)
    assert model.name == "sea_resnext101_3d" and model.input_shape == (None, 64, 32, 32, 3)


def test_a_class_list_of_the_wrong_length(tmp_path):
    source = save(random_network("B", classes=5, factor=FACTOR), tmp_path / "mine.pth")
    target = tmp_path / "mine.keras"
    with pytest.raises(ValueError, match=r"`class_names` must hold 5 names.*Received: 51 names"):
        convert(source, str(target), class_names="hmdb51")
    assert not target.exists()


@pytest.mark.parametrize(
    "builder, options",
    [
        (SEAResNet18_3D, {"width": FACTOR, "shortcut": "A"}),
        (SEAResNet18_3D, {"width": FACTOR, "channel_reduction": 4, "sequence_reduction": 4}),
        (SEAResNet18_3D, {"width": FACTOR, "sa_stages": (3, 4), "se_stages": (2,)}),
        (SEAResNet18_3D, {"width": FACTOR, "include_top": False}),
        (SEAResNet18_3D, {"width": 0.3, "attention_reduction": 4}),
        (SEAResNet18_3D, {"width": FACTOR, "input_shape": (16, 32, 32, 2)}),
        (SEAResNeXt101_3D, {"width": 0.25}),
    ],
)
def test_the_way_back_and_forth_keeps_every_bit(builder, options, tmp_path):
    # One of a ResNeXt is enough: its blocks do not differ by the format.
    suffixes = (".weights.h5",) if builder is SEAResNeXt101_3D else (".keras", ".weights.h5")
    options = {"input_shape": (16, 32, 32, 3), "classes": 5, **options}
    model = builder(**options, preprocessing=OWN)
    if options.get("include_top", True):
        model.class_names = list("abcde")
    model.save(tmp_path / "model.keras")
    convert(tmp_path / "model.keras", tmp_path / "model.pth")
    state = torch.load(tmp_path / "model.pth", weights_only=True)["state_dict"]
    own = to_state_dict(model)
    assert set(state) == set(own)
    assert all(torch.equal(state[key], own[key]) for key in own)
    for suffix in suffixes:
        convert(tmp_path / "model.pth", tmp_path / f"again{suffix}", size=32)
        again = builder(weights=tmp_path / f"again{suffix}", **options)
        assert (again.preprocessing, again.class_names) == (OWN, model.class_names)
        for weight, expected in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)


def test_a_model_trained_here_runs_there(tmp_path):
    options = {"input_shape": (8, 32, 32, 3), "classes": 5, "width": FACTOR}
    model = SEAResNet18_3D(classifier_activation=None, **options)
    network = random_network("B", classes=5, factor=FACTOR, modules=True, frames=8)
    network.load_state_dict(to_state_dict(model))
    clips = np.random.default_rng(0).normal(0, 60, (2, 8, 32, 32, 3)).astype("float32")
    with torch.no_grad():
        logits = network(torch.from_numpy(np.moveaxis(clips, -1, 1).copy())).numpy()
    expected = model.predict(clips, verbose=0)
    assert np.abs(logits - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize(
    "source, target, message",
    [
        ("a.pth", "b.pth", r"`target` must end in \.weights\.h5 or \.keras. Received: b\.pth"),
        ("a.keras", "b.h5", r"`target` must end in \.pth. Received: b\.h5"),
        ("none.pth", "b.keras", r"does not exist: none\.pth"),
    ],
)
def test_wrong_arguments(source, target, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        convert(source, target)


def test_layers_that_upstream_does_not_know(tmp_path):
    base = SEAResNet18_3D(
        include_top=False, pooling="avg", input_shape=(8, 24, 24, 3), width=0.1, se_stages=()
    )
    model = keras.Model(base.input, keras.layers.Dense(5, name="my_head")(base.output))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="no place for the weights of these layers: my_head"):
        convert(tmp_path / "model.keras", tmp_path / "model.pth")
    assert not (tmp_path / "model.pth").exists()


def test_reductions_are_told_by_all_stages():
    """Every reduction gives back layers of the same sizes, whatever the width."""
    for reduction in range(1, 70):
        for channels in ([19, 38, 76, 153], [3, 6, 12, 25], [64, 128, 256, 512], [1]):
            hidden = [max(1, c // reduction) for c in channels]
            found = _reduction(list(zip(channels, hidden, strict=True)))
            assert [max(1, c // found) for c in channels] == hidden


def test_a_pth_that_would_become_a_network_far_larger_than_it(tmp_path):
    state = random_network("B", classes=5, factor=FACTOR).state_dict()
    state["fc.bias"] = torch.zeros(2**20)
    torch.save(state, tmp_path / "wide.pth")
    with pytest.raises(ValueError, match=r"wide\.pth is refused: .* bytes of memory"):
        convert(tmp_path / "wide.pth", tmp_path / "wide.keras", frames=8, size=24)


def test_another_architecture(tmp_path):
    torch.save({"features.0.weight": torch.ones(2, 2)}, tmp_path / "vgg.pth")
    with pytest.raises(ValueError, match=r"vgg\.pth is of none of the networks here, resnet-18"):
        convert(tmp_path / "vgg.pth", tmp_path / "vgg.keras")


def test_the_command(tmp_path, run_command):
    source = save(random_network("B", classes=5, factor=FACTOR), tmp_path / "my network.pth")
    target = tmp_path / "my network.weights.h5"
    code, text, _ = run_command("convert", source, target, "--preprocessing", "hara2018")
    assert code is None and text == f"Wrote {target}\n"
    model = SEAResNet18_3D(
        weights=target, input_shape=(8, 32, 32, 3), classes=5, width=FACTOR, se_stages=()
    )
    assert float(model.get_layer("stage1_attention").gamma) == 0
    assert model.preprocessing == HARA_2018

    text, *_ = run_command("convert", source, "x.pth")
    assert text.startswith("error: `target` must end in")
