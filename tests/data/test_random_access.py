"""Any frame of any kind of video is that of a sequential decode, and costs no more than it must."""

import av
import numpy as np
import pytest
from video_files import decode_all, moving_pattern, write_video
from video_kinds import GOP, KINDS, OTHERS, SOUGHT

from keras_seattn.data import seeking
from keras_seattn.data.decoding import read_frames, read_present, read_video, scan_video

# Those whose frames the container hides, or which have lost some, and how many are left.
SHORTER = {
    "cut": 31,
    "cut without B-frames": 31,
    "cut open groups": 31,
    "cut mov": 31,
    "cut mkv": 37,  # Matroska, MPEG-TS and AVI cannot hide frames.
    "cut ts": 37,
    "cut avi": 37,
    "cut with leading frames": 24,
    "frames not coded": 45,
    "two after another": 96,
    "in the middle ts": 29,
    "in the middle mpg": 24,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_clip_is_that_of_a_sequential_decode(kind, tmp_path):
    path = KINDS[kind](tmp_path)
    expected = decode_all(path)
    video = scan_video(path)
    assert len(expected) == SHORTER.get(kind, 48)
    assert (video.frames, video.height, video.width) == expected.shape[:3]
    for start in range(video.frames - 7):
        clip = read_frames(video, range(start, start + 8))
        np.testing.assert_array_equal(clip, expected[start : start + 8])
    np.testing.assert_array_equal(read_video(path), expected)


@pytest.fixture
def decoded(monkeypatch):
    """The numbers of frames that were decoded, one for each packet."""
    counts, frames_of = [], seeking.frames_of

    def counting(stream, packet):
        frames = frames_of(stream, packet)
        counts.append(len(frames))
        return frames

    monkeypatch.setattr(seeking, "frames_of", counting)
    return counts


@pytest.mark.parametrize("kind", SOUGHT)
def test_a_clip_costs_the_group_of_pictures_that_holds_it(kind, decoded, tmp_path):
    video = scan_video(SOUGHT[kind](tmp_path))
    numbers = [keyframe.number for keyframe in video.keyframes]
    assert max(np.diff([*numbers, video.frames])) <= GOP
    for first in range(video.frames - 3):
        decoded.clear()
        read_frames(video, range(first, first + 4))
        start = max(number for number in numbers if number <= first)
        # Frames shown before a keyframe may come with it, and one behind the last.
        assert sum(decoded) <= first + 4 - start + 2


@pytest.mark.parametrize("kind", ["packed B-frames", "raw H.264", "intra refresh", "gif"])
def test_what_has_no_keyframes_to_start_at_is_decoded_from_its_first_frame(kind, decoded, tmp_path):
    video = scan_video(OTHERS[kind](tmp_path))
    decoded.clear()
    read_frames(video, [40])
    assert 41 <= sum(decoded) <= 44


@pytest.mark.parametrize("suffix, codec", [("mp4", "libx264"), ("avi", "mpeg4")])
def test_a_clip_does_not_need_what_is_before_its_keyframe(suffix, codec, tmp_path):
    path = write_video(
        tmp_path / f"video.{suffix}", moving_pattern(60), codec, options={"bf": "2"}, gop=GOP
    )
    video = scan_video(path)
    keyframe = max(key for key in video.keyframes if key.number <= 50)
    assert keyframe.number > 30
    numbers = range(keyframe.number, keyframe.number + 8)
    expected = read_frames(video, numbers)
    with av.open(path) as container:
        earlier = [
            (packet.pos, packet.size)
            for packet in container.demux(video=0)
            if packet.size and 2 < packet.pts < keyframe.pts and packet.dts < keyframe.dts
        ]
    assert len(earlier) > 20
    with open(path, "r+b") as file:
        for position, size in earlier:
            file.seek(position)
            file.write(bytes(size))
    np.testing.assert_array_equal(read_frames(video, numbers), expected)
    _, there = read_present(video, range(60))
    assert not there[keyframe.number - 10 : keyframe.number - 2].any() and there[numbers].all()
