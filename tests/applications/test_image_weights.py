"""Weights of 2D networks: a still video gives what the picture gives."""

import keras
import numpy as np
import pytest
from image_packages import import_or_skip, randomize

from keras_seattn.applications import (
    SEAResNet18_3D,
    SEAResNet34_3D,
    SEAResNet50_3D,
    SEAResNeXt101_3D,
)
from keras_seattn.preprocessing import IMAGENET

torch = pytest.importorskip("torch")

PLAIN = {"classes": 1000, "se_stages": (), "sa_stages": (), "classifier_activation": None}


def saved(network, path):
    if path.suffix == ".pth":
        torch.save(network.state_dict(), path)
    else:
        pytest.importorskip("safetensors.torch").save_file(network.state_dict(), path)
    return path


@pytest.mark.parametrize(
    "package, name, builder, suffix",
    [
        ("torchvision", "resnet18", SEAResNet18_3D, ".pth"),
        ("torchvision", "resnet34", SEAResNet34_3D, ".pth"),
        ("torchvision", "resnet50", SEAResNet50_3D, ".pth"),
        ("timm", "resnext101_32x4d", SEAResNeXt101_3D, ".safetensors"),
    ],
)
def test_a_still_video_gives_the_logits_of_its_picture(package, name, builder, suffix, tmp_path):
    network = randomize(getattr(import_or_skip(package).models, name)())
    path = saved(network, tmp_path / f"{name}{suffix}")
    picture = np.random.default_rng(0).normal(0, 1, (1, 64, 96, 3)).astype("float32")
    with torch.no_grad():
        expected = network(torch.from_numpy(np.moveaxis(picture, -1, 1).copy())).numpy()
    assert expected.std() > 0.01
    model = builder(weights=path, input_shape=(None, 64, 96, 3), **PLAIN)
    assert model.preprocessing == IMAGENET
    for frames in (1, 5, 16):
        video = np.repeat(picture[:, None], frames, axis=1)
        logits = keras.ops.convert_to_numpy(model(video))
        assert np.abs(logits - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_network_of_images_that_is_none_of_ours(tmp_path):
    torchvision = import_or_skip("torchvision")
    path = saved(torchvision.models.resnet18(), tmp_path / "resnet18.pth")
    with pytest.raises(ValueError, match=r"resnet18\.pth does not hold weights for sea_resnet34"):
        SEAResNet34_3D(weights=path, input_shape=(8, 32, 32, 3), **PLAIN)


@pytest.mark.parametrize("content", [b"no weights", b"\x10\0\0\0\0\0\0\0" + b'{"fc.weight": 3}'])
def test_damaged_safetensors(content, tmp_path):
    pytest.importorskip("safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.safetensors is not a file of safetensors"):
        SEAResNet18_3D(weights=tmp_path / "damaged.safetensors")
