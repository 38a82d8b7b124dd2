"""Frames in one pass: from files, from an address, from a device, and with what times."""

import functools
import http.server
import threading

import numpy as np
import pytest
from video_files import decode_all, moving_pattern, write_video

from keras_seattn.data import VideoError
from keras_seattn.data.streams import is_stream, stream_frames


@pytest.fixture
def server(tmp_path):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *arguments: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def frames_of(source):
    return np.stack([timed.frame.to_ndarray(format="rgb24") for timed in stream_frames(source)])


def test_a_file_and_its_times(tmp_path):
    path = write_video(tmp_path / "video.mp4", moving_pattern(10), codec="libx264")
    np.testing.assert_array_equal(frames_of(path), decode_all(path))
    times = [(timed.start, timed.end) for timed in stream_frames(path)]
    np.testing.assert_allclose(times, [(i / 25, (i + 1) / 25) for i in range(10)], atol=1e-3)


def test_variable_times(tmp_path):
    shown = [3, 4, 9, 10, 20]
    path = write_video(tmp_path / "video.mp4", moving_pattern(5), codec="libx264", times=shown)
    starts = [timed.start for timed in stream_frames(path)]
    np.testing.assert_allclose(starts, (np.array(shown) - 3) / 25, atol=1e-3)


def test_an_address(tmp_path, server):
    path = write_video(tmp_path / "a video.mp4", moving_pattern(10), codec="libx264")
    np.testing.assert_array_equal(frames_of(f"{server}/a%20video.mp4"), decode_all(path))
    with pytest.raises(VideoError, match=r"none\.mp4: FFmpeg cannot read it: .*404.*address"):
        frames_of(f"{server}/none.mp4")


def test_a_device():
    frames = frames_of("lavfi:testsrc=duration=1:size=64x48:rate=10")
    assert frames.shape == (10, 48, 64, 3)
    assert len(np.unique(frames, axis=0)) == 10
    with pytest.raises(VideoError, match=r"v4l2:/dev/none: FFmpeg cannot read it.*camera's name"):
        frames_of("v4l2:/dev/none")


def test_what_is_a_stream():
    assert is_stream("rtsp://camera/1") and is_stream("v4l2:/dev/video0")
    assert not is_stream("folder/v4l2.mp4") and not is_stream("C:/video.mp4")


def test_a_file_that_is_cut_off(tmp_path):
    path = tmp_path / "video.avi"
    write_video(path, moving_pattern(40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match=r"video\.avi"):
        frames_of(path)
