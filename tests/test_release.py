"""What is told about the package beside its code agrees with it."""

import pathlib
import re

import keras_seattn

ROOT = pathlib.Path(__file__).parents[1]


def test_the_version_is_the_same_everywhere():
    citation = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.M)
    releases = re.findall(r"^## \[(\d\S*)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert citation == [keras_seattn.__version__]
    assert releases[0] == keras_seattn.__version__
