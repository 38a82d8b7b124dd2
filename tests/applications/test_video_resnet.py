"""torchvision's video networks: its weights give its logits here, and go back."""

import keras
import numpy as np
import pytest
from image_packages import import_or_skip, randomize

from keras_seattn.applications import SEAMC3_18, SEAR3D_18, SEAR2Plus1D_18
from keras_seattn.applications.convert import convert
from keras_seattn.checkpoints import Checkpoint
from keras_seattn.checkpoints.loading import named_variables

torch = pytest.importorskip("torch")

BUILDERS = {"r3d_18": SEAR3D_18, "mc3_18": SEAMC3_18, "r2plus1d_18": SEAR2Plus1D_18}
pytestmark = pytest.mark.filterwarnings("ignore:Loaded .* the file does not tell how its clips")
PLAIN = {"se_stages": (), "sa_stages": ()}


def random_network(name):
    return randomize(getattr(import_or_skip("torchvision").models.video, name)())


@pytest.mark.parametrize("name", BUILDERS)
def test_logits_are_those_of_torchvision(name, tmp_path):
    network = random_network(name)
    torch.save(network.state_dict(), tmp_path / "network.pth")
    clips = np.random.default_rng(0).normal(0, 1, (1, 3, 9, 50, 40)).astype("float32")
    with torch.no_grad():
        expected = network(torch.from_numpy(clips)).numpy()
    assert expected.std() > 0.01
    for data_format, modules in (
        ("channels_last", PLAIN),
        ("channels_first", {"se_stages": (2,), "sa_stages": (3,)}),  # start as the identity
    ):
        x = np.moveaxis(clips, 1, -1) if data_format == "channels_last" else clips
        model = BUILDERS[name](
            weights=tmp_path / "network.pth",
            classifier_activation=None,
            input_shape=x.shape[1:],
            data_format=data_format,
            **modules,
        )
        logits = model.predict(x, verbose=0)
        assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", BUILDERS)
def test_a_network_goes_back_to_torchvision(name, tmp_path):
    network = random_network(name)
    torch.save(network.state_dict(), tmp_path / "network.pth")
    convert(tmp_path / "network.pth", tmp_path / "model.weights.h5")
    convert(tmp_path / "model.weights.h5", tmp_path / "back.pth")
    content = torch.load(tmp_path / "back.pth", weights_only=True)
    assert content["arch"] == name
    network.load_state_dict(content["state_dict"])  # all keys, no more
    for key, tensor in torch.load(tmp_path / "network.pth", weights_only=True).items():
        assert torch.equal(content["state_dict"][key], tensor), key


@pytest.mark.parametrize("width", [0.07, 0.2, 0.4])
def test_the_width_of_a_checkpoint_makes_its_network_again(width):
    """Filters are rounded down: those of the widest layer alone would leave the stem too few."""
    options = {"input_shape": (4, 16, 16, 3), "classes": 3, **PLAIN}
    model = SEAR2Plus1D_18(width=width, **options)
    arrays = {key: variable.numpy() for key, variable in named_variables(model).items()}
    found = SEAR2Plus1D_18.design.width(Checkpoint("", arrays))
    again = SEAR2Plus1D_18(width=found, **options)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


@pytest.mark.parametrize("name", BUILDERS)
def test_modules_and_widths_go_to_files_and_back(name, tmp_path):
    options = {"input_shape": (8, 32, 32, 3), "classes": 5, "width": 0.2}
    model = BUILDERS[name](**options)
    model.save(tmp_path / "model.keras")
    convert(tmp_path / "model.keras", tmp_path / "model.pth")
    convert(tmp_path / "model.pth", tmp_path / "again.keras", frames=8, size=32)
    again = keras.models.load_model(tmp_path / "again.keras")
    assert again.name == model.name
    for weight, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
