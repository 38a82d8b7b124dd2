"""Clip sampling and crops against their definitions."""

import numpy as np
import pytest

from keras_seattn.data.sampling import (
    CROP_POSITIONS,
    CROP_SCALES,
    ClipRule,
    Crop,
    Timeline,
    View,
    random_crop,
)
from keras_seattn.preprocessing import TORCHVISION, Sampling

SPREAD = Sampling("spread")


def clips_of(rule, timeline):
    return [rule.clip(timeline, number).tolist() for number in range(rule.count(timeline))]


def test_random_clips_start_at_every_possible_frame_alike():
    generator = np.random.default_rng(0)
    clips = np.array([ClipRule(16).random(Timeline(20), generator) for _ in range(5000)])
    assert np.all(np.diff(clips, axis=1) == 1)
    starts, counts = np.unique(clips[:, 0], return_counts=True)
    assert starts.tolist() == [0, 1, 2, 3, 4]
    assert np.all(np.abs(counts - 1000) < 150)


def test_short_videos_are_looped():
    clip = ClipRule(16).random(Timeline(7), np.random.default_rng(0))
    np.testing.assert_array_equal(clip, np.arange(16) % 7)
    # Of 7 frames, every second one: 0, 2, 4, 6.
    rule = ClipRule(6, Sampling(frame_stride=2))
    assert rule.random(Timeline(7), np.random.default_rng(0)).tolist() == [0, 2, 4, 6, 0, 2]
    assert clips_of(rule, Timeline(7)) == [[0, 2, 4, 6, 0, 2]]


@pytest.mark.parametrize("video_frames", [1, 15, 16, 17, 40, 48])
def test_consecutive_clips_hold_every_frame_and_the_last_is_looped(video_frames):
    clips = clips_of(ClipRule(16), Timeline(video_frames))
    assert all(len(clip) == 16 for clip in clips) and len(clips) == -(-video_frames // 16)
    rest = video_frames - 16 * (len(clips) - 1)
    unlooped = np.concatenate([*clips[:-1], clips[-1][:rest]])
    np.testing.assert_array_equal(unlooped, np.arange(video_frames))
    np.testing.assert_array_equal(clips[-1], 16 * (len(clips) - 1) + np.arange(16) % rest)


def test_strides_take_every_nth_frame_and_start_at_any_from_which_a_clip_fits():
    rule, generator = ClipRule(4, Sampling(frame_stride=3)), np.random.default_rng(0)
    assert clips_of(rule, Timeline(26)) == [[0, 3, 6, 9], [12, 15, 18, 21], [24, 24, 24, 24]]
    clips = np.array([rule.random(Timeline(13), generator) for _ in range(200)])
    assert np.all(np.diff(clips, axis=1) == 3) and set(clips[:, 0]) == {0, 1, 2, 3}


def test_frames_are_counted_exactly_however_many_a_second_there_are():
    both = [list(range(8)), list(range(8, 16))]
    for rate in (0, 25, 2000, 90000):
        assert clips_of(ClipRule(8), Timeline(16, rate)) == both
    assert clips_of(ClipRule(8, Sampling(frame_rate=2000)), Timeline(16, 2000)) == both


@pytest.mark.parametrize("rate", [15, 24, 25, 30000 / 1001, 30, 50, 60])
def test_at_a_frame_rate_videos_of_all_rates_look_alike(rate):
    rule, seconds = ClipRule(8, Sampling(frame_rate=15)), 4
    timeline = Timeline(round(seconds * rate), rate)
    clips = clips_of(rule, timeline)
    assert len(clips) == -(-seconds * 15 // 8)
    shown = np.concatenate(clips[:-1]) / rate
    wanted = np.arange(len(shown)) / 15
    # The frame that is shown then: the last that began, however files round.
    assert np.all(shown <= wanted + 1e-3) and np.all(wanted < shown + 1 / rate)
    generator = np.random.default_rng(0)
    random = np.array([rule.random(timeline, generator) for _ in range(300)])
    assert abs((random[:, -1] - random[:, 0]) / rate - 7 / 15).max() <= 1 / rate
    # Every start from which the clip fits, and no other.
    assert random[:, 0].min() == 0 and random.max() == timeline.frames - 1


def test_times_count_where_frames_do_not_last_equally_long():
    # Two frames a second for two seconds, then eight.
    times = np.concatenate([np.arange(4) / 2, 2 + np.arange(16) / 8])
    timeline = Timeline(20, (len(times) - 1) / times[-1], times)
    assert clips_of(ClipRule(8, Sampling(frame_rate=4)), timeline) == [
        [0, 0, 1, 1, 2, 2, 3, 3],
        [4, 6, 8, 10, 12, 14, 16, 18],
    ]
    # To which strides pay no attention.
    assert clips_of(ClipRule(8, Sampling(frame_stride=2)), timeline) == [
        list(range(0, 16, 2)),
        [16, 18] * 4,
    ]
    rule, generator = ClipRule(5, Sampling(frame_rate=4)), np.random.default_rng(0)
    for clip in (rule.random(timeline, generator) for _ in range(200)):
        np.testing.assert_array_less(times[clip] - times[clip[0]], np.arange(5) / 4 + 1e-3)
        assert np.all(times[clip] - times[clip[0]] > np.arange(5) / 4 - 0.5)


def test_spread_clips_take_one_frame_of_each_equal_part():
    assert clips_of(ClipRule(4, SPREAD), Timeline(40)) == [[5, 15, 25, 35]]
    generator = np.random.default_rng(0)
    clips = np.array([ClipRule(4, SPREAD).random(Timeline(40), generator) for _ in range(500)])
    assert np.all(clips // 10 == np.arange(4))
    assert [len(set(column)) for column in clips.T] == [10] * 4
    assert clips_of(ClipRule(4, SPREAD), Timeline(2)) == [[0, 0, 1, 1]]
    # More clips than one see other frames of each part.
    assert clips_of(ClipRule(4, SPREAD, 2), Timeline(40)) == [[2, 12, 22, 32], [7, 17, 27, 37]]


def test_clips_are_evenly_spread_over_a_video_from_its_beginning_to_its_end():
    starts = [clip[0] for clip in clips_of(ClipRule(16, per_video=10), Timeline(106))]
    assert starts == list(range(0, 91, 10))
    assert clips_of(ClipRule(4, per_video=1), Timeline(20)) == [[8, 9, 10, 11]]
    assert clips_of(ClipRule(4, per_video=2), Timeline(3)) == [[0, 1, 2, 0]] * 2
    strided = ClipRule(4, Sampling(frame_stride=2), 2)
    assert clips_of(strided, Timeline(20)) == [[0, 2, 4, 6], [12, 14, 16, 18]]


@pytest.mark.parametrize("view", [View(112), View.of(112, TORCHVISION)])
def test_three_crops_are_the_middle_and_both_ends_of_the_longer_side(view):
    for height, width in ((240, 320), (320, 240)):
        windows = [view.window(crop, height, width) for crop in view.tested(3)]
        (middle,) = [view.window(crop, height, width) for crop in view.tested(1)]
        assert windows[1] == middle
        along = int(width > height or view.frame is not None)
        places = [window[along] for window in windows]
        assert places[0] == 0 and places[1] == pytest.approx(places[2] / 2, abs=1)
        assert places[2] + windows[2][2 + along] == pytest.approx((height, width)[along])
        assert len({window[1 - along] for window in windows}) == 1


def test_crop_scales_are_those_of_the_recipe():
    np.testing.assert_allclose(CROP_SCALES, [1, 2**-0.25, 2**-0.5, 2**-0.75, 0.5])


@pytest.mark.parametrize(
    "crop, window",
    [
        (Crop(), (0, 40, 240, 240)),
        (Crop(0.5, "top left"), (0, 0, 120, 120)),
        (Crop(0.5, "bottom right"), (120, 200, 120, 120)),
        (Crop(0.5, "top right"), (0, 200, 120, 120)),
        (Crop(0.5, "bottom left"), (120, 0, 120, 120)),
    ],
)
def test_crop_windows_are_shares_of_the_shorter_side(crop, window):
    assert crop.window(240, 320) == window


def test_crops_are_squares_inside_of_the_frame():
    generator = np.random.default_rng(0)
    for _ in range(300):
        height, width = map(int, generator.integers(1, 400, 2))
        top, left, rows, columns = random_crop(generator).window(height, width)
        assert 1 <= rows == columns
        assert 0 <= top <= height - rows
        assert 0 <= left <= width - columns


def test_random_crops_take_every_scale_position_and_flip():
    generator = np.random.default_rng(0)
    crops = [random_crop(generator) for _ in range(2000)]
    assert {crop.scale for crop in crops} == set(CROP_SCALES)
    assert {crop.position for crop in crops} == set(CROP_POSITIONS)
    assert abs(np.mean([crop.flip for crop in crops]) - 0.5) < 0.05
