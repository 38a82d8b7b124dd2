"""The class lists, and scores turned into names."""

import pathlib

import numpy as np
import pytest

from keras_seattn.applications import class_list, decode_predictions


@pytest.mark.parametrize(
    "name, number, some",
    [
        ("ucf101", 101, {0: "ApplyEyeMakeup", 2: "Archery", 100: "YoYo"}),
        ("hmdb51", 51, {0: "brush_hair", 50: "wave"}),
        ("kinetics400", 400, {0: "abseiling", 5: "archery", 399: "zumba"}),
    ],
)
def test_the_lists(name, number, some):
    names = class_list(name)
    assert len(names) == len(set(names)) == number
    assert {i: names[i] for i in some} == some
    if name != "ucf101":  # There the order is that of classInd.txt.
        assert names == sorted(names)


def test_the_order_is_that_of_the_published_lists():
    folder = pathlib.Path(__file__).parents[3] / "shared" / "labels"
    if not folder.is_dir():
        pytest.skip("the published lists are not beside this repository")
    for file in folder.iterdir():
        published = [line.split(maxsplit=1) for line in file.read_text().splitlines() if line]
        names = [row[-1] if row[0].isdigit() else " ".join(row) for row in published]
        assert class_list(file.stem.lower().replace("-", "")) == names


def test_decoding():
    scores = np.zeros((2, 51))
    scores[0, [3, 7]] = 0.75, 0.25
    scores[1, 50] = 1
    names = class_list("hmdb51")
    decoded = decode_predictions(scores, top=2, classes="hmdb51")
    assert decoded[0] == [(names[3], 0.75), (names[7], 0.25)]
    assert decoded[1] == [("wave", 1.0), (names[0], 0.0)]
    assert len(decode_predictions(scores, top=99, classes="hmdb51")[0]) == 51
    assert decode_predictions(np.array([[0.2, 0.8]]), 1, ["no", "yes"]) == [[("yes", 0.8)]]


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(batch, 400\).*Received: preds.shape=\(1, 51\)"):
        decode_predictions(np.zeros((1, 51)))
    with pytest.raises(ValueError, match=r"Received: preds.shape=\(400,\)"):
        decode_predictions(np.zeros(400))
    with pytest.raises(ValueError, match="`top` must be a whole number"):
        decode_predictions(np.zeros((1, 400)), top=0)
    with pytest.raises(ValueError, match=r"`classes` must be one of .*'ucf101'.*imagenet"):
        class_list("imagenet")
    with pytest.raises(FileNotFoundError, match=r"list of classes does not exist: .*none\.txt"):
        class_list(tmp_path / "none.txt")
