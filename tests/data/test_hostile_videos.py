"""Videos as phones, other encoders and bad disks make them."""

import collections
import fractions
import pathlib
import re
import struct
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from mutations import mutants
from video_files import decode_all, moving_pattern, write_video
from video_kinds import KINDS

from keras_seattn.data import Catalog, VideoError, read_video, scanning, train_clips
from keras_seattn.data.decoding import read_frames, read_present, scan_video
from keras_seattn.preprocessing import HARA_2018


def test_frames_of_a_variable_rate_are_counted_not_timed(tmp_path):
    times = np.cumsum([1, 1, 9, 1, 30, 2, 2, 2, 1, 50, 1, 1, 1, 1, 7, 1, 1, 1, 3, 3])
    path = write_video(tmp_path / "v.mp4", moving_pattern(20), "libx264", times=times, gop=5)
    video = scan_video(path)
    assert video.frames == 20
    assert np.array_equal(read_frames(video, [17, 3, 11]), decode_all(path)[[17, 3, 11]])


def test_sound_without_pictures_is_named(tmp_path):
    path = str(tmp_path / "sound.mp4")
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for i in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), "float32"), "fltp", "stereo")
            frame.sample_rate, frame.pts = 44100, 1024 * i
            frame.time_base = fractions.Fraction(1, 44100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(VideoError, match=r"sound\.mp4: the file has no video stream"):
        scan_video(path)


@pytest.mark.parametrize(
    "promised, error", [(5, None), (0, None), (4000, "cut off: it ends after 0.80 of the 160.00 s")]
)
def test_a_header_that_lies_about_the_frames(promised, error, tmp_path):
    path = tmp_path / "lying.avi"
    write_video(path, moving_pattern(20))
    content = bytearray(path.read_bytes())
    place = content.index(b"strh") + 8 + 32  # dwLength of the stream
    assert struct.unpack_from("<I", content, place) == (20,)
    struct.pack_into("<I", content, place, promised)
    path.write_bytes(content)
    if error:
        with pytest.raises(VideoError, match=error):
            scan_video(path)
    else:
        assert scan_video(path).frames == len(read_video(path)) == 20


def test_huge_frames_are_refused_before_memory_is_taken(tmp_path):
    # JPEG frames that say to be of 16,000 x 16,000 pixels, 768 MB each, in a file of some kB.
    path = tmp_path / "huge.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"
        for image in moving_pattern(8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    content = path.read_bytes()
    side = struct.pack(">HH", 16_000, 16_000)
    content = re.sub(rb"(\xff\xc0\x00\x11\x08)....", rb"\1" + side, content, flags=re.DOTALL)
    path.write_bytes(content)
    place = content.index(b"strf") + 12
    content = content[:place] + struct.pack("<ii", 16_000, 16_000) + content[place + 8 :]
    told = tmp_path / "told.avi"  # by the header too
    told.write_bytes(content)
    code = (
        "import resource, sys\n"
        "from keras_seattn.data.decoding import VideoError, scan_video\n"
        "def taken():\n    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "for path in sys.argv[1:]:\n"
        "    before = taken()\n"
        "    try:\n        scan_video(path)\n"
        "    except VideoError as error:\n        print(error)\n"
        "    print(taken() - before)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(told), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    refused, megabytes, not_decoded, more_megabytes = result.stdout.splitlines()
    assert "told.avi: its frames have 16000 x 16000 pixels, more than 33,554,432" in refused
    assert "huge.avi: no frame can be decoded" in not_decoded
    assert int(megabytes) < 100 and int(more_megabytes) < 100


def test_damaged_files_give_frames_or_an_error(tmp_path):
    contents = {}
    for kind, write in KINDS.items():
        (tmp_path / kind).mkdir()
        path = pathlib.Path(write(tmp_path / kind))
        contents[kind, path.suffix] = path.read_bytes()
    generator, outcomes, slowest = np.random.default_rng(1), collections.Counter(), 0
    for (_, suffix), _, content in mutants(contents, 100):
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(content)
        scanning._scan.cache_clear()
        start = time.monotonic()
        try:
            video = scan_video(path)
            first = int(generator.integers(max(1, video.frames - 8)))
            numbers = np.minimum(np.arange(first, first + 8), video.frames - 1)
            clip, there = read_present(video, numbers, (2, 3, 28, 30), (28, 28))
            frames = read_video(path)
        except VideoError as error:
            assert str(error).startswith(str(path))
            outcomes["error"] += 1
        else:
            assert clip.shape == (8, 28, 28, 3) and clip.dtype == np.uint8
            assert there.any() or len(frames) < video.frames
            assert 0 < len(frames) <= video.frames
            outcomes["frames"] += 1
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < 10
    assert min(outcomes.values()) > 20, outcomes


def test_a_broken_video_does_not_spoil_a_batch(tmp_path):
    paths = []
    for i in range(4):
        paths.append(write_video(tmp_path / f"{i}.avi", moving_pattern(20, seed=i)))
    clips = train_clips(
        Catalog(paths, [0, 1, 0, 1], ["a", "b"]), 8, 24, 4, seed=0, preprocessing=HARA_2018
    )
    for batch, labels in clips:
        assert batch.shape == (4, 8, 24, 24, 3) and sorted(labels.numpy()) == [0, 0, 1, 1]
