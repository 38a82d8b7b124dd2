"""Clip sampling and crops against their definitions."""

import numpy as np
import pytest

from keras_seattn.data.sampling import (
    CROP_POSITIONS,
    CROP_SCALES,
    Crop,
    consecutive_clip,
    count_consecutive_clips,
    random_clip,
    random_crop,
)


def test_random_clips_start_at_every_possible_frame_alike():
    generator = np.random.default_rng(0)
    clips = np.array([random_clip(20, 16, generator) for _ in range(5000)])
    assert np.all(np.diff(clips, axis=1) == 1)
    starts, counts = np.unique(clips[:, 0], return_counts=True)
    assert starts.tolist() == [0, 1, 2, 3, 4]
    assert np.all(np.abs(counts - 1000) < 150)


def test_short_videos_are_looped():
    clip = random_clip(7, 16, np.random.default_rng(0))
    np.testing.assert_array_equal(clip, np.arange(16) % 7)


@pytest.mark.parametrize("video_frames", [1, 15, 16, 17, 40, 48])
def test_consecutive_clips_hold_every_frame_and_the_last_is_looped(video_frames):
    count = count_consecutive_clips(video_frames, 16)
    clips = [consecutive_clip(video_frames, 16, i) for i in range(count)]
    assert all(len(clip) == 16 for clip in clips)
    rest = video_frames - 16 * (count - 1)
    unlooped = np.concatenate([*clips[:-1], clips[-1][:rest]])
    np.testing.assert_array_equal(unlooped, np.arange(video_frames))
    np.testing.assert_array_equal(clips[-1], 16 * (count - 1) + np.arange(16) % rest)


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
