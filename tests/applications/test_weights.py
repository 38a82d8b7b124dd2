"""The list of published weights: what it says is so, as far as it can be seen without the files."""

import collections
import concurrent.futures
import functools
import math
import pathlib

import keras
import pytest
from image_packages import import_or_skip

from keras_seattn import applications
from keras_seattn.checkpoints import WEIGHTS
from keras_seattn.labels import class_list
from keras_seattn.tuning.cost import count_multiply_adds

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "models.md"
SHORTCUT_A = ("resnet-18-kinetics.pth", "resnet-34-kinetics.pth")


def without_memory_for_weights(build):
    """What a function returns that builds a network, of which only the shapes are asked."""

    def run():
        with keras.StatelessScope(initialize_variables=False):
            return build()

    # Keras would come back to such variables later; its list of them goes away with the thread.
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        return executor.submit(run).result()


@pytest.mark.parametrize("known", WEIGHTS, ids=lambda known: known.file)
def test_parameters_and_multiply_adds_are_those_of_the_network(known):
    options = {"shortcut": "A"} if known.file in SHORTCUT_A else {}
    build = functools.partial(
        getattr(applications, known.network),
        input_shape=(known.frames, 112, 112, 3),
        classes=known.classes,
        se_stages=(),
        sa_stages=(),
        data_format="channels_last",
        **options,
    )
    model = without_memory_for_weights(build)
    parameters = sum(math.prod(weight.shape) for weight in model.trainable_variables)
    assert parameters == known.parameters
    assert round(count_multiply_adds(model) / 1e9, 2) == known.gmac


def test_a_builder_knows_its_own():
    assert applications.SEAResNet18_3D.published["kinetics400"] is WEIGHTS[0]
    assert {known.network for known in applications.SEAResNeXt101_3D.published.values()} == {
        "SEAResNeXt101_3D"
    }


def test_rows_are_told_apart_and_complete():
    assert len({known.file for known in WEIGHTS}) == len(WEIGHTS)
    names = collections.Counter((known.network, known.name) for known in WEIGHTS)
    assert max(names.values()) == 1
    for known in WEIGHTS:
        if known.class_names:
            assert len(class_list(known.class_names)) == known.classes
        assert bool(known.measured) >= bool(known.top1)
        assert known.is_on_drive or (known.sha256 in known.file and len(known.sha256) == 8)


def test_where_they_lie():
    by_file = {known.file: known for known in WEIGHTS}
    drive = "https://drive.google.com/drive/folders/1zvl89AgFAApbH0At-gMuZSeQB_LpNP-M"
    assert by_file["resnext-101-64f-kinetics.pth"].address == drive
    torchvision = by_file["r3d_18-b3b3357e.pth"]
    assert torchvision.address == "https://download.pytorch.org/models/r3d_18-b3b3357e.pth"


@pytest.mark.parametrize("name", ["R3D_18", "MC3_18", "R2Plus1D_18"])
def test_torchvision_says_the_same_of_its_own(name):
    video = import_or_skip("torchvision").models.video
    theirs = getattr(video, f"{name}_Weights").KINETICS400_V1
    known = applications.__dict__[f"SEA{name}"].published["kinetics400"]
    accuracies = theirs.meta["_metrics"]["Kinetics-400"]
    assert known.address == theirs.url
    assert known.parameters == theirs.meta["num_params"]
    assert (known.top1, known.top5) == (accuracies["acc@1"], accuracies["acc@5"])
    assert class_list(known.class_names) == theirs.meta["categories"]


def test_the_page_has_the_table():
    assert applications.weights_table() in PAGE.read_text(encoding="utf-8")
