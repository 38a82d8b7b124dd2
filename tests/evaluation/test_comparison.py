"""Two results held against each other: by hand, and what cannot be compared."""

import json

import numpy as np
import pytest

from keras_seattn.evaluation import EvaluationResult, compare

NAMES = ["run", "sit"]


def result(right, labels=None, class_names=NAMES, paths=None, **options):
    """A result whose videos are right where a mask says so; two classes, of alternating labels."""
    right = np.asarray(right, bool)
    labels = np.arange(len(right)) % 2 if labels is None else np.asarray(labels)
    predicted = np.where(right, labels, 1 - labels)
    if paths is None:
        paths = [f"/a/{NAMES[label]}/{i}.avi" for i, label in enumerate(labels)]
    scores = np.eye(len(class_names))[predicted]
    return EvaluationResult(scores, labels, class_names, paths=paths, **options)


def pair(both, first, second, neither):
    """Two results with these numbers of videos."""
    one = np.repeat([True, True, False, False], [both, first, second, neither])
    two = np.repeat([True, False, True, False], [both, first, second, neither])
    return result(one), result(two)


@pytest.mark.parametrize(
    "first, second, p",
    [
        (0, 0, 1),
        (1, 0, 1),
        (3, 2, 1),
        (0, 6, 2 / 2**6),
        (8, 2, 2 * (1 + 10 + 45) / 2**10),  # both tails of ten throws of a coin
        (2, 8, 2 * (1 + 10 + 45) / 2**10),
    ],
)
def test_mcnemars_exact_test(first, second, p):
    found = compare(*pair(10, first, second, 5))
    assert (found.first_right, found.second_right) == (first, second)
    assert found.p_value == pytest.approx(p)
    assert found.top1 == ((10 + first) / len(found.names), (10 + second) / len(found.names))
    assert found.difference == pytest.approx((first - second) / len(found.names))


def test_against_statsmodels():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for cells in ((30, 12, 5, 8), (101, 121, 59, 33), (5, 1, 9, 0)):
        both, first, second, neither = cells
        expected = tables.mcnemar([[both, first], [second, neither]], exact=True)
        assert compare(*pair(*cells)).p_value == pytest.approx(expected.pvalue)


def test_groups_widen_the_interval_and_are_counted_within_classes_of_ucf101():
    """Ten groups of ten videos, of which the second has lost three whole ones."""
    groups = np.repeat(np.arange(10), 10)
    names = [f"g{group:02d}" for group in groups]
    options = {"groups": names, "paths": [f"a/v_{name}_c{i}.avi" for i, name in enumerate(names)]}
    labels = np.repeat([0, 1], 50)
    found = compare(result(np.ones(100), labels, **options), result(groups >= 3, labels, **options))
    assert len(set(found.group_numbers)) == 10
    low, high = found.interval
    assert low < 0.02 < 0.2 < found.video_interval[0] < 0.3 < found.video_interval[1] < high
    assert "by group, to cite" in str(found) and "by video" in str(found)
    numbers = compare(*[result(np.ones(100), **options)] * 2).group_numbers
    assert len(set(numbers)) == 20  # each group's number stands in two classes


def test_videos_are_matched_by_name_and_classes_too():
    first = result([1, 0, 1, 1], paths=["/a/run/1.avi", "/a/sit/2.avi", "/a/run/3.avi", "/a/sit/4"])
    paths = ["records/sit/2.avi", "records/run/1.avi", "records/run/5.avi"]
    second = result([1, 1, 0], labels=[0, 1, 1], class_names=["sit", "run"], paths=paths)
    found = compare(first, second)
    assert found.names == ["run/1.avi", "sit/2.avi"] and found.labels.tolist() == [0, 1]
    assert found.right.tolist() == [[True, False], [True, True]]
    assert (found.only_first, found.only_second) == (["run/3.avi", "sit/4"], ["run/5.avi"])
    assert "left out: run/3.avi, sit/4, in the first alone" in str(found)
    assert "left out: run/5.avi, in the second alone" in str(found)
    assert compare(second, first).difference == -found.difference == 0.5


def test_spans_of_one_file_are_told_apart_and_ways_of_scoring_named():
    spans = [(0, 2), (2, 4)]
    first = result([1, 0], [0, 0], paths=["a.mp4"] * 2, spans=spans, views="all clips")
    second = result([0, 1], [0, 0], paths=["a.mp4"] * 2, spans=spans[::-1], views="1 clip")
    found = compare(first, second)
    assert found.right.tolist() == [[True, False], [True, False]]
    assert "scored otherwise: the first all clips; the second 1 clip" in str(found)
    assert "scored otherwise" not in str(compare(first, first))


def test_which_classes_gained_and_lost(tmp_path):
    """run: 3 against 1 of 4; sit: 1 against 2 of 4."""
    labels = np.repeat([0, 1], 4)
    first = result([1, 1, 1, 0, 1, 0, 0, 0], labels)
    second = result([1, 0, 0, 0, 1, 1, 0, 0], labels)
    found = compare(first, second)
    assert found.per_class == [
        {"class_name": "run", "videos": 4, "first": 0.75, "second": 0.25, "difference": 0.5},
        {"class_name": "sit", "videos": 4, "first": 0.25, "second": 0.5, "difference": -0.25},
    ]
    text = str(found)
    assert text.startswith("top-1 0.5000 against 0.3750 of the same 8 videos: +0.1250 (95 %: ")
    assert "only the first right: 2 videos, only the second: 1; " in text and "p = 1\n" in text
    assert "gained most: run +0.50\nlost most: sit -0.25" in text and "left out" not in text
    found.save(tmp_path / "comparison.json")
    content = json.loads((tmp_path / "comparison.json").read_text())
    assert (content["videos"], content["difference"], content["mcnemar_exact_p"]) == (8, 0.125, 1)
    assert content["interval_95_by"] == "video" and content["interval_95"] == list(found.interval)
    assert content["per_class"] == found.per_class


def test_what_cannot_be_compared():
    one = result([1, 0, 1])
    for other, message in (
        (
            EvaluationResult(np.eye(3), [0, 1, 2], [*NAMES, "jump"], paths=one.paths),
            "`first` has 2 classes, `second` 3, and only one of them has jump",
        ),
        (
            result([1, 1, 1], labels=[1, 1, 0], paths=one.paths),
            "The class of run/0.avi is another in `second` than in `first`",
        ),
        (result([1], paths=["/b/run/9.avi"]), "no video in common: run/0.avi and run/9.avi"),
        (result([1, 1], paths=["/a/run/0.avi"] * 2), "of `second` are called /a/run/0"),
        (result([1], paths=[]), "The videos of `second` have no names.*`paths`"),
    ):
        with pytest.raises(ValueError, match=message):
            compare(one, other)


def test_videos_of_one_name_are_matched_by_path():
    paths = ["/a/run/0.avi", "/b/run/0.avi", "/b/run/1.avi"]
    first, second = result([1, 0, 1], paths=paths), result([1, 1, 0], paths=paths[::-1])
    comparison = compare(first, second)
    assert comparison.names == paths and comparison.right.tolist() == [[1, 0, 1], [0, 1, 1]]
