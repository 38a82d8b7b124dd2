"""Files of models that lie about sizes, point elsewhere or say what cannot be: refused, by name."""

import contextlib
import io
import json
import pathlib
import resource
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
from tiny_network import TinyNetwork

from keras_seattn import checkpoints
from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.prediction import load_model
from keras_seattn.preprocessing import (
    CONSECUTIVE,
    HARA_2018,
    TORCHVISION,
    Preprocessing,
    description_as_json,
)

SMALL = {"input_shape": (8, 24, 24, 3), "classes": 3, "width": 0.1}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network with class names, and the folder that holds its files."""
    folder = tmp_path_factory.mktemp("saved")
    network = SEAResNet18_3D(**SMALL)
    network.class_names = ["Jump", "Walk", "Run"]
    network.save(folder / "model.keras")
    network.save_weights(folder / "model.weights.h5")
    return network, folder


@pytest.fixture
def model_path(network, tmp_path):
    return pathlib.Path(shutil.copy(network[1] / "model.keras", tmp_path))


@pytest.fixture
def weights_path(network, tmp_path):
    return pathlib.Path(shutil.copy(network[1] / "model.weights.h5", tmp_path))


@contextlib.contextmanager
def without_much_memory():
    """What is refused takes less than 100 MB of memory."""
    # From here on: what tests before this one took may have been more.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def rewrite(path, changes, compression=zipfile.ZIP_STORED):
    """Writes a zip archive anew; `changes` are functions of the old bytes, by the entry's name."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, changes[name](content) if name in changes else content)


def change_config(path, change):
    def changed(content):
        config = json.loads(content)
        change(config["config"])
        return json.dumps(config)

    rewrite(path, {"config.json": changed})


def bomb(content):
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "a") as file:
        file.create_dataset("zeros", (2**34,), "float32", chunks=(2**20,), compression="gzip")
    return buffer.getvalue()


@pytest.fixture
def assert_refused(network):
    """Whether every reader refuses a file, with a message and without much memory."""

    def check(path, message):
        readers = [checkpoints.read, network[0].load_weights]
        for read in readers + [load_model] * (path.suffix == ".keras"):
            with without_much_memory(), pytest.raises(ValueError, match=message):
                read(path)

    return check


def test_a_keras_file_that_unpacks_to_much_more(model_path, assert_refused):
    rewrite(model_path, {"metadata.json": lambda _: bytes(2**27)}, zipfile.ZIP_DEFLATED)
    assert_refused(model_path, r"model\.keras is refused: .* bytes asks for 13.* of memory")


def test_a_data_set_far_larger_than_the_file(model_path, weights_path, assert_refused):
    rewrite(model_path, {"model.weights.h5": bomb})
    assert_refused(model_path, r"model\.keras is refused.* asks for 68,")
    with open(weights_path, "rb+") as file:
        content = bomb(file.read())
        file.seek(0)
        file.write(content)
    assert_refused(weights_path, r"model\.weights\.h5 is refused.* asks for 68,")


def test_a_configuration_of_a_network_far_larger_than_the_file(tmp_path):
    path = tmp_path / "model.keras"
    inputs = keras.Input((3,))
    keras.Model(inputs, keras.layers.Dense(2, name="head")(inputs)).save(path)
    assert load_model(path).count_params() == 8
    change_config(path, lambda config: config["layers"][1]["config"].update(units=2**28))
    with without_much_memory():
        with pytest.raises(ValueError, match=r"model\.keras is refused.* asks"):
            load_model(path)
        with keras.StatelessScope():  # Where Keras initializes what it was left without.
            pass


def link_group(file, elsewhere):
    name = next(iter(file["layers"]))
    del file["layers"][name]
    file["layers"][name] = h5py.ExternalLink(elsewhere, "/")


def link_root(file, elsewhere):
    del file["layers"]
    file["layers"] = h5py.ExternalLink(elsewhere, "/layers")


def link_softly(file, elsewhere):
    file["layers/another"] = h5py.SoftLink("/layers")


def external_data(file, elsewhere):
    file.create_dataset("layers/outside", (4,), "uint8", external=[(elsewhere, 0, 4)])


def virtual_data(file, elsewhere):
    layout = h5py.VirtualLayout((4,), "uint8")
    layout[:] = h5py.VirtualSource(elsewhere, "data", (4,))
    file.create_virtual_dataset("layers/virtual", layout)


@pytest.mark.parametrize("link", [link_group, link_root, link_softly, external_data, virtual_data])
def test_links_out_of_a_file(link, network, weights_path, tmp_path, assert_refused):
    elsewhere = str(tmp_path / "private.h5")
    shutil.copy(network[1] / "model.weights.h5", elsewhere)
    with h5py.File(weights_path, "a") as file:
        link(file, elsewhere)
    assert_refused(weights_path, r"model\.weights\.h5 is refused: .* a link to somewhere else")


@pytest.mark.parametrize(
    "description, message",
    [
        ({"preprocessing": [[1, 2], [1, 1, 1]]}, "three finite numbers each"),
        ({"preprocessing": [[1, 2, float("nan")], [1, 1, 1]]}, "three finite numbers each"),
        ({"preprocessing": [[1, 2, 3], [1, 0, 1]]}, "deviation above 0"),
        ({"preprocessing": [[1, 2, 3], [1, 1e-99, 1]]}, "deviation above 0"),
        ({"preprocessing": [["1", "2", "3"], [1, 1, 1]]}, "three finite numbers each"),
        ({"preprocessing": "hara2018"}, "three finite numbers each"),
        ({"preprocessing": []}, "three finite numbers each"),
        ({"preprocessing": [[1, 2, 3], [1, 1, 1], [1, 1, 1]]}, "in sides of the clip"),
        ({"preprocessing": [[1, 2, 3], [1, 1, 1], [0.9, 2]]}, "in sides of the clip, 1 or more"),
        ({"preprocessing": [[1, 2, 3], [1, 1, 1], [1, float("inf")]]}, "in sides of the clip"),
        ({"preprocessing": None, "class_names": [1, 2, 3]}, "`class_names` must be a list of text"),
        ({"preprocessing": None, "class_names": "abc"}, "`class_names` must be a list of text"),
    ],
)
def test_descriptions_that_cannot_be(
    description, message, model_path, weights_path, assert_refused
):
    change_config(model_path, lambda config: config.update(description))
    with h5py.File(weights_path, "a") as file:
        del file["keras_seattn"]
        file["keras_seattn"] = json.dumps(description)
    for path in (model_path, weights_path):
        assert_refused(path, rf"(?s)model\.\w+.*{message}")


@pytest.mark.parametrize("content", [b"{", "[1]", "text", 3, np.zeros(2)])
def test_descriptions_that_are_no_descriptions(content, weights_path, assert_refused):
    with h5py.File(weights_path, "a") as file:
        del file["keras_seattn"]
        file["keras_seattn"] = content
    assert_refused(weights_path, r"model\.weights\.h5 is not a file of weights, or it is damaged")


def test_class_names_for_other_classes(weights_path):
    with h5py.File(weights_path, "a") as file:
        del file["keras_seattn"]
        file["keras_seattn"] = json.dumps({"preprocessing": None, "class_names": ["one"]})
    with pytest.raises(ValueError, match=r"model\.weights\.h5 holds 1 class names for 3 classes"):
        checkpoints.read(weights_path)


@pytest.mark.parametrize("suffix", [".pth", ".keras", ".weights.h5"])
def test_a_web_page(suffix, tmp_path):
    path = tmp_path / f"page{suffix}"
    path.write_bytes(b"\n<!DOCTYPE html><html><head><title>Google Drive</title></head></html>")
    for read in [checkpoints.read] + [load_model] * (suffix == ".keras"):
        with pytest.raises(ValueError, match=rf"page\{suffix} is a web page"):
            read(path)


def test_a_keras_file_that_is_cut_off_is_damaged(model_path):
    content = model_path.read_bytes()
    model_path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"model\.keras is no \.keras file, or it is damaged"):
        load_model(model_path)


def test_what_preprocessing_may_be():
    assert Preprocessing.checked(HARA_2018) == HARA_2018
    assert Preprocessing.checked(TORCHVISION) == TORCHVISION
    two = [[1, 2, 3], [4, 5, 6]]  # as files have it where frames keep their ratio
    assert Preprocessing.checked(two) == Preprocessing((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert description_as_json(None, Preprocessing.checked(two))["preprocessing"] == two
    assert Preprocessing.checked([*two, [1, 2]]) == (*map(tuple, two), (1.0, 2.0), CONSECUTIVE)
    with pytest.raises(ValueError, match=r"`preprocessing` must be.*Received: preprocessing=None"):
        Preprocessing.checked(None)


def test_a_trained_network_in_a_saved_model(tmp_path):
    inner = TinyNetwork()
    inner.compile("adam", "sparse_categorical_crossentropy")
    inner.train_on_batch(np.zeros((2, *inner.input_shape[1:])), np.zeros(2))
    inputs = keras.Input(inner.input_shape[1:])
    keras.Model(inputs, inner(inputs)).save(tmp_path / "outer.keras")
    loaded = load_model(tmp_path / "outer.keras")
    clips = np.random.default_rng(0).normal(size=(1, *inner.input_shape[1:]))
    np.testing.assert_array_equal(loaded.predict_on_batch(clips), inner.predict_on_batch(clips))
