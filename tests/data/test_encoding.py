"""Videos written: their frames, times and what is left behind by an error."""

import os

import av
import numpy as np
import pytest
from video_files import decode_all, moving_pattern

from keras_seattn.data.encoding import VideoWriter


def test_frames_and_times(tmp_path):
    images = moving_pattern(6, height=51, width=65)
    times = [0, 0.04, 0.04, 0.5, 0.3, 1]  # two that do not rise
    path = str(tmp_path / "written.mp4")
    with VideoWriter(path) as writer:
        for image, seconds in zip(images, times, strict=True):
            writer.write(image, seconds)
    assert os.listdir(tmp_path) == ["written.mp4"]
    frames = decode_all(path).astype(int)
    assert frames.shape == (6, 50, 64, 3)
    assert np.abs(frames - images[:, :50, :64]).mean() < 8
    with av.open(path) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        shown = [float(frame.time) for frame in container.decode(video=0)]
    np.testing.assert_allclose(shown, [0, 0.04, 0.04, 0.5, 0.5, 1], atol=1e-3)
    assert len(set(shown)) == 6


def test_an_error_leaves_nothing_and_keeps_what_was_there(tmp_path):
    path = tmp_path / "written.mp4"
    path.write_bytes(b"before")
    with pytest.raises(RuntimeError), VideoWriter(path) as writer:
        writer.write(moving_pattern(1)[0], 0)
        raise RuntimeError
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["written.mp4"]


def test_wrong_paths(tmp_path):
    with pytest.raises(ValueError, match=r"written as \.mp4. Received: video\.avi"):
        VideoWriter("video.avi")
    with pytest.raises(FileNotFoundError, match=r"folder of .*none/video\.mp4 does not exist"):
        VideoWriter(tmp_path / "none" / "video.mp4")
