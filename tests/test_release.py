"""What is told about the package beside its code agrees with it, and calls keep their form."""

import inspect
import pathlib
import re

import pytest

import keras_seattn

ROOT = pathlib.Path(__file__).parents[1]


def test_the_version_is_the_same_everywhere():
    citation = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.M)
    releases = re.findall(r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert citation == [keras_seattn.__version__]
    assert releases[0] == keras_seattn.__version__


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("predict", "model path"),
        ("evaluation.evaluate", "model catalog batch_size"),
        ("data.Catalog", "paths labels class_names"),
        (
            "data.train_clips",
            "catalog frames size batch_size seed unreadable crop_scales data_format preprocessing "
            "decoder",
        ),
        (
            "data.test_clips",
            "catalog frames size batch_size unreadable data_format preprocessing decoder damage",
        ),
        ("training.train", "model recipe train_catalog test_catalog output_dir settings"),
        ("training.paper_recipe", "frames batch_size learning_rate weight_decay"),
        ("data.load_ucf101", "video_dir splits_dir split subset"),
        ("data.load_hmdb51", "video_dir splits_dir split subset"),
        ("data.load_kinetics", "video_dir csv subset"),
        ("data.decoding.scan_video", "path"),
        ("data.decoding.read_frames", "video numbers window size"),
        ("layers.SqueezeExcite3D", "axis reduction data_format"),
        ("layers.FrameSelfAttention", "reduction data_format"),
        ("layers.GroupedConv3D", "filters kernel_size groups strides use_bias"),
    ],
)
def test_arguments_keep_their_positions(name, positions):
    """Users have written these calls; what is behind comes by name and may move."""
    called = keras_seattn
    for part in name.split("."):
        called = getattr(called, part)
    parameters = inspect.signature(called).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == positions.split()
