"""The numbers that follow from scores: intervals, rare classes, and scores that are no good."""

import csv
import json
import math

import numpy as np
import pytest

from keras_seattn.evaluation import EvaluationResult

NAMES = ["run", "sit", "jump"]


def one_hot(predicted, classes=3):
    return np.eye(classes)[predicted]


def test_intervals_of_shares_of_videos_and_of_clips():
    """Against the normal approximation: 80 of 100 right has a standard error of 0.04."""
    labels = np.zeros(100, int)
    predicted = np.where(np.arange(100) < 80, 0, 1)
    counts = np.arange(100) % 5 + 1
    result = EvaluationResult(one_hot(predicted), labels, NAMES, clip_counts=counts)
    low, high = result.intervals["top1"]
    assert (low, high) == (pytest.approx(0.8 - 0.078, abs=0.02), pytest.approx(0.878, abs=0.02))
    assert result.intervals["balanced_accuracy"] == pytest.approx((low, high))
    assert result.per_class[0]["recall_low"] == low and result.per_class[0]["recall_high"] == high
    right = counts * (predicted == 0)
    share = right.sum() / counts.sum()
    spread = np.sqrt(np.sum((right - share * counts) ** 2)) / counts.sum()
    low, high = result.intervals["clip_top1"]
    assert (low, high) == pytest.approx((share - 1.96 * spread, share + 1.96 * spread), abs=0.02)
    assert result.intervals["top5"] == pytest.approx((0.025 ** (1 / 100), 1))
    assert result.headline == "80.0% (70.8% to 87.3%) of 100 videos"


def test_rare_classes_make_balanced_accuracy_less_certain():
    """99 videos of one class and one of the other: half of it hangs on a single video."""
    labels = np.repeat([0, 1], [99, 1])
    result = EvaluationResult(one_hot(labels), labels, NAMES)
    assert result.intervals["top1"][0] > 0.96
    assert result.intervals["balanced_accuracy"][0] < 0.5


def test_videos_of_a_group_count_less():
    labels, groups = np.zeros(60, int), np.repeat(np.arange(10), 6)
    predicted = np.where(groups < 8, 0, 1)
    result = EvaluationResult(one_hot(predicted), labels, NAMES, groups=[f"g{i}" for i in groups])
    assert result.intervals["top1"] == pytest.approx((0.4439, 0.9748), abs=1e-4)  # 8 of 10
    assert result.video_intervals["top1"] == pytest.approx((0.6767, 0.8922), abs=1e-4)  # 48 of 60
    assert "0.8000 (0.4439 to 0.9748)" in str(result)
    assert str(result).endswith("top-1 has 0.6767 to 0.8922)")
    for name in ("top5", "clip_top1", "balanced_accuracy"):
        assert result.intervals[name][0] < result.video_intervals[name][0]
    assert result.per_class[0]["recall_low"] == pytest.approx(0.4439, abs=1e-4)
    alone = EvaluationResult(one_hot(predicted), labels, NAMES, groups=[str(i) for i in range(60)])
    assert alone.group_numbers is None and "group" not in str(alone)
    assert alone.intervals == result.video_intervals


def test_all_right_and_a_single_video():
    result = EvaluationResult(one_hot([0, 1]), [0, 1], NAMES)
    assert result.intervals["top1"] == pytest.approx((0.025**0.5, 1))
    result = EvaluationResult(one_hot([0]), [0], NAMES)
    assert all(interval == pytest.approx((0.025, 1)) for interval in result.intervals.values())


def test_classes_never_predicted_or_never_present(tmp_path):
    result = EvaluationResult(one_hot([0, 0, 1]), [0, 1, 1], NAMES)
    run, sit, jump = (tuple(row.values())[:5] for row in result.per_class)
    assert run == ("run", 0.5, 1, pytest.approx(2 / 3), 1)
    assert sit == ("sit", 1, 0.5, pytest.approx(2 / 3), 2)
    assert jump[0] == "jump" and jump[4] == 0
    assert all(math.isnan(value) for value in jump[1:4])
    assert result.balanced_accuracy == pytest.approx((1 + 0.5) / 2)
    result.save_per_class(tmp_path / "classes.csv")
    with open(tmp_path / "classes.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[2] == {
        "class_name": "jump",
        "precision": "",
        "recall": "",
        "f1": "",
        "support": "0",
        "recall_low": "",
        "recall_high": "",
    }
    result.save(tmp_path / "metrics.json")
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["per_class"][2]["precision"] is None
    assert content["intervals_95"]["top1"] == list(result.intervals["top1"])
    assert content["intervals_95_by"] == "video"
    assert content["confusion_matrix"] == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_clips_without_counts_are_the_videos():
    result = EvaluationResult(one_hot([0, 0, 1]), [0, 1, 1], NAMES)
    assert result.clips == 3 and result.clip_top1 == result.top1 == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "scores, labels, paths, message",
    [
        (np.zeros((0, 3)), [], (), "`labels` is empty"),
        (one_hot([0, 1]), [0], (), r"`scores` must have the shape .*\(1, 3\).*Received: \(2, 3\)"),
        (one_hot([0, 1]), [0, 3], (), r"`labels` must be from 0 to 2. Those of video 1 .*\[3\]"),
        (one_hot([0]), [-1], ["a.avi"], r"Those of a\.avi are not: \[-1\]"),
        (np.full((7, 3), np.nan), [0] * 7, (), "Those of video 0, .*video 4 and 2 more are not"),
        (
            one_hot([0, 1]),
            [0, 1],
            ["a.avi"],
            "`paths` must have one entry.*2 `labels`. Received: 1",
        ),
        ([[0, 1, np.inf]], [0], ["b.avi"], r"`scores` must be finite.*b\.avi.*diverged"),
    ],
)
def test_what_cannot_be_evaluated(scores, labels, paths, message):
    with pytest.raises(ValueError, match=message):
        EvaluationResult(scores, labels, NAMES, paths=paths)
