"""`weights=`: every form of file, names and where they are looked up, and damaged files."""

import dataclasses
import io
import json
import os
import pathlib
import pickle
import tempfile
import zipfile

import h5py
import keras
import numpy as np
import pytest

from keras_seattn import checkpoints, files
from keras_seattn.applications import SEAResNet18_3D, SEAResNeXt101_3D
from keras_seattn.checkpoints.loading import named_variables
from keras_seattn.checkpoints.names import HARA

torch = pytest.importorskip("torch")

from pytorch_network import random_network, upstream_shapes  # noqa: E402

FACTOR = 0.125
SMALL = {"input_shape": (8, 32, 32, 3), "classes": 5, "width": FACTOR}
PLAIN = {"se_stages": (), "sa_stages": ()}


@pytest.fixture
def network():
    return random_network("B", classes=5, factor=FACTOR)


def assert_holds(path, network):
    """Whether a file, once read, has the weights of a PyTorch network, in Keras' layouts."""
    arrays = checkpoints.read(str(path)).arrays
    state = {k: v.numpy() for k, v in network.state_dict().items() if "num_batches" not in k}
    assert {HARA[key] for key in arrays} == set(state)
    for key, array in arrays.items():
        expected = state[HARA[key]]
        if expected.ndim == 5:
            expected = np.moveaxis(expected, (0, 1), (4, 3))
        np.testing.assert_array_equal(array, expected.T if expected.ndim == 2 else expected)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module.module.", "my.model."])
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model"])
def test_every_form_of_pth(network, zipped, prefix, key, tmp_path):
    content = {prefix + name: value for name, value in network.state_dict(keep_vars=True).items()}
    if key:
        content = {"arch": "resnet-18", "epoch": 1, key: content, "optimizer": {"lr": 1}}
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert_holds(path, network)


def test_a_checkpoint_saved_on_a_gpu(network, tmp_path):
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer, _use_new_zipfile_serialization=False)
    # What the old format says of tensors on a GPU.
    content = buffer.getvalue().replace(b"ctorch\nFloatStorage\n", b"ctorch.cuda\nFloatStorage\n")
    content = content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    assert b"cuda:0" in content
    path = tmp_path / "gpu.pth"
    path.write_bytes(content)
    assert_holds(path, network)


@pytest.mark.parametrize(
    "file, builder, options",
    [
        ("resnet-18-kinetics.pth", SEAResNet18_3D, {"shortcut": "A"}),
        ("r3d18_K_200ep.pth", SEAResNet18_3D, {"shortcut": "B", "classes": 700}),
        ("resnext-101-kinetics.pth", SEAResNeXt101_3D, {}),
    ],
)
def test_names_and_shapes_are_those_of_the_published_files(file, builder, options):
    """The network in PyTorch stands for the published files; its names are upstream's."""
    kind = "resnext" if "resnext" in file else options["shortcut"]
    network = random_network(kind, classes=options.get("classes", 400))
    theirs = {k: v for k, v in upstream_shapes(network).items() if "num_batches" not in k}
    published = pathlib.Path(__file__).parents[3] / "shared" / "checkpoints" / f"{file}.shapes.json"
    if published.exists():  # A list of the real file's, where there is one.
        listed = json.loads(published.read_text())
        listed = listed.get("shapes", listed)
        listed = {k.removeprefix("module."): v for k, v in listed.items() if "num_batch" not in k}
        assert theirs == listed
    ours = {}
    for key, variable in named_variables(builder(**PLAIN, **options)).items():
        shape = list(variable.shape)
        if len(shape) == 5:
            shape = [shape[4], shape[3], *shape[:3]]
        ours[HARA[key]] = shape[::-1] if len(shape) == 2 else shape
    assert ours == theirs


class _Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_code_in_a_pth_is_refused_and_not_run(zipped, tmp_path):
    proof = tmp_path / "run"
    path = str(tmp_path / "evil.pth")
    state = {"state_dict": {"conv1.weight": torch.ones(2)}, "arch": _Malicious(str(proof))}
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"evil\.pth.*would run code.*refused"):
        SEAResNet18_3D(weights=path, **SMALL)
    with pytest.raises(ValueError) as caught:
        checkpoints.read(path)
    assert "\x1b" not in str(caught.value)
    pathlib.Path(path).write_bytes(pickle.dumps(_Malicious(str(proof))))
    with pytest.raises(ValueError, match=r"evil\.pth"):
        SEAResNet18_3D(weights=path, **SMALL)
    assert not proof.exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
@pytest.mark.parametrize("suffix", [".pth", "-legacy.pth", ".weights.h5", ".keras"])
def test_files_cut_off(network, share, suffix, tmp_path):
    path = tmp_path / f"cut{suffix}"
    if suffix.endswith(".pth"):
        zipped = suffix == ".pth"
        torch.save(network.state_dict(), path, _use_new_zipfile_serialization=zipped)
    else:
        model = SEAResNet18_3D(**SMALL)
        model.save_weights(path) if suffix == ".weights.h5" else model.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=rf"cut{suffix}".replace(".", r"\.") + " is ") as caught:
        SEAResNet18_3D(weights=str(path), **SMALL)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content, message",
    [
        (torch.ones(3), "holds no state dict, but a Tensor"),
        ({}, "holds no state dict"),
        ({"state_dict": {}}, "holds no state dict"),
        (
            {"epoch": 3, "weights": torch.ones(2)},
            "holds no state dict: these entries are no tensors: epoch",
        ),
    ],
)
def test_pth_files_without_a_state_dict(content, message, tmp_path):
    path = str(tmp_path / "other.pth")
    torch.save(content, path)
    with pytest.raises(ValueError, match=rf"other\.pth {message}"):
        SEAResNet18_3D(weights=path, **SMALL)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(network, value, tmp_path):
    state = network.state_dict()
    state["layer1.0.bn1.weight"][3] = value
    torch.save(state, tmp_path / "diverged.pth")
    message = (
        r"diverged\.pth holds weights that are not finite numbers \(1\): layer1\.0\.bn1\.weight\."
    )
    with pytest.raises(ValueError, match=message):
        checkpoints.read(tmp_path / "diverged.pth")
    model = SEAResNet18_3D(**SMALL)
    model.get_layer("stage1_attention").gamma.assign(value)
    model.save_weights(tmp_path / "diverged.weights.h5")
    with pytest.raises(ValueError, match=r"diverged\.weights\.h5 holds.*: stage1_attention/gamma"):
        checkpoints.read(tmp_path / "diverged.weights.h5")


def test_a_pth_that_asks_for_more_than_it_holds(network, tmp_path):
    state = network.state_dict()
    state["conv1.weight"] = torch.zeros(1).expand(2**20, 2**14)
    torch.save(state, tmp_path / "expanded.pth")
    with pytest.raises(ValueError, match=r"expanded\.pth is refused: .* asks for 68,7"):
        checkpoints.read(tmp_path / "expanded.pth")
    with zipfile.ZipFile(tmp_path / "zeros.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(2**25))
    with pytest.raises(ValueError, match=r"zeros\.pth is refused: .* asks for 33,5"):
        checkpoints.read(tmp_path / "zeros.pth")


def test_a_sparse_tensor(network, tmp_path):
    state = {**network.state_dict(), "conv1.weight": torch.eye(3).to_sparse()}
    torch.save(state, tmp_path / "sparse.pth")
    with pytest.raises(ValueError, match=r"sparse\.pth holds conv1\.weight in a form that is not"):
        checkpoints.read(tmp_path / "sparse.pth")


@pytest.mark.parametrize("width", [0.05, 0.125, 0.3])
def test_the_width_comes_back(width, tmp_path):
    options = {"input_shape": (8, 24, 24, 3), "classes": 3}
    model = SEAResNet18_3D(width=width, **options)
    model.save_weights(tmp_path / "model.weights.h5")
    read = SEAResNet18_3D.design.width(checkpoints.read(tmp_path / "model.weights.h5"))
    again = SEAResNet18_3D(width=read, weights=tmp_path / "model.weights.h5", **options)
    assert again.count_params() == model.count_params()


def test_weights_in_bfloat16(tmp_path):
    model = SEAResNet18_3D(**SMALL)
    model.save_weights(tmp_path / "model.weights.h5")
    kernel = keras.ops.convert_to_numpy(model.get_layer("stem_conv").kernel)
    with h5py.File(tmp_path / "model.weights.h5", "a") as file:
        group = file["layers/padded_conv3d/vars"]
        del group["0"]
        # As Keras saves them: the upper halves of float32 numbers, as two bytes without a type.
        group["0"] = (kernel.view("uint32") >> 16).astype("uint16").view("V2")
        group["0"].attrs["dtype"] = "bfloat16"
    array = checkpoints.read(tmp_path / "model.weights.h5").arrays["stem_conv/kernel"]
    np.testing.assert_allclose(array, kernel, rtol=2**-7)


def test_a_file_of_keras_2(tmp_path):
    path = str(tmp_path / "old.weights.h5")
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.array([b"conv3d"])
        file.create_group("conv3d/conv3d").create_dataset("kernel:0", data=np.zeros((3, 3)))
    with pytest.raises(ValueError, match=r"old\.weights\.h5 is a file of Keras 2"):
        SEAResNet18_3D(weights=path, **SMALL)


def test_another_models_weights(tmp_path):
    path = str(tmp_path / "dense.weights.h5")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(path)
    with pytest.raises(ValueError, match=r"dense\.weights\.h5 does not hold weights for sea_"):
        SEAResNet18_3D(weights=path, **SMALL)


def test_what_is_no_weights():
    message = r"`weights` must be None, 'kinetics400', 'kinetics700', .*or the path.*Received"
    for weights in ("imagenet", 3, ["a.pth"]):
        with pytest.raises(ValueError, match=message):
            SEAResNet18_3D(weights=weights)
    with pytest.raises(FileNotFoundError, match=r"does not exist: none\.pth"):
        SEAResNet18_3D(weights="none.pth")


def test_a_name_that_is_not_known():
    with pytest.raises(ValueError, match=r"weights='kinetics4OO'\. Did you mean 'kinetics400'\?$"):
        SEAResNet18_3D(weights="kinetics4OO")
    with pytest.raises(ValueError, match=r"\. 'ucf101-split1' is of SEAResNeXt101_3D\.$"):
        SEAResNet18_3D(weights="ucf101-split1")


def test_where_names_are_looked_up(network, tmp_path, monkeypatch):
    for variable in ("KERAS_HOME", "KERAS_SEATTN_CACHE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert files.cache_folder() == str(tmp_path / "home/.cache/keras_seattn")
    with monkeypatch.context() as patch:  # a user without a folder
        patch.setattr(os.path, "expanduser", lambda path: path)
        assert files.cache_folder() == f"{tempfile.gettempdir()}/.cache/keras_seattn"

    # Where earlier versions looked, and where they are looked for first.
    (tmp_path / "home/.keras/models/keras_seattn").mkdir(parents=True)
    (tmp_path / "home/.keras/models/keras_seattn/resnet-18-kinetics.weights.h5").write_bytes(b"old")
    with pytest.raises(ValueError, match=r"kinetics\.weights\.h5"):
        SEAResNet18_3D(weights="kinetics400")
    monkeypatch.setenv("KERAS_SEATTN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    path = tmp_path / "cache" / "resnet-18-kinetics.pth"
    narrow = random_network("A", classes=400, factor=FACTOR)
    torch.save(narrow.state_dict(), path)
    options = {**SMALL, "classes": 400}
    with pytest.raises(ValueError, match="holds 550,152 parameters for 400 classes in place of"):
        SEAResNet18_3D(weights="kinetics400", **options)
    known = SEAResNet18_3D.published["kinetics400"]
    known = dataclasses.replace(known, parameters=sum(p.numel() for p in narrow.parameters()))
    monkeypatch.setitem(SEAResNet18_3D.published, "kinetics400", known)
    model = SEAResNet18_3D(weights="kinetics400", **options)
    assert model.class_names[-1] == "zumba"
    # The converted file is preferred: it needs no PyTorch.
    model.save_weights(tmp_path / "cache" / "resnet-18-kinetics.weights.h5")
    path.unlink()
    again = SEAResNet18_3D(weights="kinetics400", **options)
    assert again.class_names == model.class_names
    for weight, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_without_pytorch_the_message_says_what_to_do(network, tmp_path, monkeypatch):
    path = str(tmp_path / "checkpoint.pth")
    torch.save(network.state_dict(), path)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ImportError, match=r"PyTorch is needed for .*checkpoint\.pth: pip install"):
        SEAResNet18_3D(weights=path, **SMALL)
    assert os.path.exists(path)
