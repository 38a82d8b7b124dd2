"""Intervals: against scipy and numbers from the literature, and how often they hold the truth."""

import numpy as np
import pytest
import scipy.stats

from keras_seattn.evaluation.intervals import difference_interval, share_interval


@pytest.mark.parametrize("right, videos", [(0, 10), (3, 10), (80, 100), (336, 336), (1, 1)])
def test_a_share_of_independent_videos_is_clopper_and_pearsons(right, videos):
    expected = scipy.stats.binomtest(right, videos).proportion_ci(method="exact")
    interval = share_interval(np.arange(videos) < right)
    assert interval == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_all_right_is_not_certain():
    low, high = share_interval(np.ones(336))
    assert f"{low:.1%} to {high:.1%}" == "98.9% to 100.0%"


def test_groups_as_a_whole_right_or_wrong_count_as_many_videos_as_there_are_groups():
    groups = np.repeat(np.arange(40), 6)
    for wrong in (0, 1, 8):
        right = (groups >= wrong).astype(float)
        expected = scipy.stats.binomtest(40 - wrong, 40).proportion_ci(method="exact")
        assert share_interval(right, groups=groups) == pytest.approx(expected, abs=1e-9)


def test_groups_that_do_not_hang_together_change_little_and_never_narrow():
    """With the same 8 of 10 right in every group, videos of a group are, if anything, opposed."""
    right = np.tile(np.arange(10) < 8, 50)
    alone = share_interval(right)
    assert share_interval(right, groups=np.repeat(np.arange(50), 10)) == alone
    low, high = share_interval(right, groups=np.random.default_rng(0).permutation(500) // 2)
    assert low <= alone[0] < 0.8 < alone[1] <= high
    assert high - low < 1.1 * (alone[1] - alone[0])


def test_clips_of_a_video_count_less_than_videos():
    """Videos that are right or wrong as a whole, of 1 to 9 clips, count as Kish's number."""
    size = np.random.default_rng(0).integers(1, 10, 400)
    right = size * (np.arange(400) % 4 > 0)
    share, number = right.sum() / size.sum(), size.sum() ** 2 / np.sum(size**2)
    low, high = share_interval(right, size)
    error = np.sqrt(share * (1 - share) / number)
    assert (low, high) == pytest.approx((share - 1.96 * error, share + 1.96 * error), abs=0.006)


def test_one_group_says_next_to_nothing():
    low, high = share_interval(np.ones(30), groups=np.zeros(30, int))
    assert (low, high) == pytest.approx((0.025, 1))


def test_the_difference_of_pairs_is_bonett_and_prices():
    """Their formula, written out: 20 right in the first alone, 5 in the second, of 100."""
    p12, p21, n = 21 / 102, 6 / 102, 102
    error = 1.959964 * np.sqrt((p12 + p21 - (p12 - p21) ** 2) / n)
    interval = difference_interval(np.repeat([1, -1, 0], [20, 5, 75]))
    assert interval == pytest.approx((p12 - p21 - error, p12 - p21 + error))


def test_a_difference_of_whole_groups_is_that_of_as_many_videos():
    groups = np.repeat(np.arange(60), 5)
    by_group = np.where(groups < 12, 1, np.where(groups < 15, -1, 0))
    expected = difference_interval(np.repeat([1, -1, 0], [12, 3, 45]))
    assert difference_interval(by_group, groups) == pytest.approx(expected)


def test_no_difference_is_not_certain_and_none_is_above_all():
    low, high = difference_interval(np.zeros(50, int))
    assert low == -high and 0.05 < high < 0.06
    assert difference_interval(np.ones(3, int))[1] == 1


@pytest.mark.parametrize("share, correlation", [(0.85, 0.3), (0.95, 0.9), (0.995, 0.6)])
def test_how_often_they_hold_the_truth(share, correlation):
    """56 groups of 6 videos, the demo's: 300 data sets, of which 93 % or more must hold it.

    As many as expected of 95 %, but for chance: 2.3 % of tests would find less, if it were exact.
    """
    generator = np.random.default_rng(0)
    groups, scale = np.repeat(np.arange(56), 6), 1 / correlation - 1
    held = {"group": 0, "video": 0}
    for _ in range(300):
        shares = generator.beta(share * scale, (1 - share) * scale, 56)
        right = generator.random(len(groups)) < shares[groups]
        for by, numbers in (("group", groups), ("video", None)):
            low, high = share_interval(right, groups=numbers)
            held[by] += low <= share <= high
    assert held["group"] >= 0.93 * 300
    assert held["video"] < held["group"]
