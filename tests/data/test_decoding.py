"""Frames must be those of a plain sequential decode, to the pixel; broken files must be named."""

import av
import numpy as np
import pytest
from PIL import Image
from video_files import decode_all, moving_pattern, write_video

from keras_seattn.data.decoding import VideoError, read_frames, read_video, scan_video

IRREGULAR = np.cumsum([1, 2, 1, 5, 1, 1, 3] * 10)


def write_mpeg4_avi(folder):
    return write_video(folder / "mpeg4 #1;ä.avi", moving_pattern(60))


def write_mpeg4_avi_with_b_frames(folder):
    return write_video(folder / "b.avi", moving_pattern(60), options={"bf": "2"})


def write_h264_with_b_frames(folder):
    options = {"bf": "3", "preset": "medium"}
    return write_video(folder / "h264.mp4", moving_pattern(70), "libx264", options=options)


def write_h264_open_gop(folder):
    options = {"bf": "3", "x264-params": "open-gop=1:bframes=3:keyint=10"}
    return write_video(folder / "open.mkv", moving_pattern(70), "libx264", options=options)


def write_variable_frame_rate(folder):
    images = moving_pattern(len(IRREGULAR))
    return write_video(folder / "vfr.mp4", images, "libx264", times=IRREGULAR)


def write_vp8(folder):
    options = {"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good"}
    return write_video(folder / "vp8.webm", moving_pattern(40), "libvpx", options=options)


def write_single_keyframe(folder):
    return write_video(folder / "one.avi", moving_pattern(50), gop=600)


FORMATS = [
    write_mpeg4_avi,
    write_mpeg4_avi_with_b_frames,
    write_h264_with_b_frames,
    write_h264_open_gop,
    write_variable_frame_rate,
    write_vp8,
    write_single_keyframe,
]


@pytest.mark.parametrize("write", FORMATS)
def test_any_clip_is_that_of_a_sequential_decode(write, tmp_path):
    path = write(tmp_path)
    expected = decode_all(path)
    video = scan_video(path)
    assert (video.frames, video.height, video.width) == expected.shape[:3]
    for start in range(0, video.frames - 16, 3):
        clip = read_frames(video, np.arange(start, start + 16))
        np.testing.assert_array_equal(clip, expected[start : start + 16])
    np.testing.assert_array_equal(read_video(path), expected)


@pytest.mark.parametrize("write", [write_mpeg4_avi, write_h264_with_b_frames])
def test_a_clip_is_decoded_from_its_keyframe_not_from_the_start(write, tmp_path):
    video = scan_video(write(tmp_path))
    keyframe = video.keyframes[-1][0]
    assert keyframe > 40
    expected = read_frames(video, [keyframe + 3])
    with av.open(video.path) as container:
        packets = [
            (packet.pos, packet.size)
            for packet in container.demux(video=0)
            if packet.size and 0 < packet.pts < keyframe - 5
        ]
    # With the data of earlier frames gone, the clip must come out as before.
    with open(video.path, "r+b") as file:
        for position, size in packets:
            file.seek(position)
            file.write(bytes(size))
    np.testing.assert_array_equal(read_frames(video, [keyframe + 3]), expected)


def test_a_video_shorter_than_a_clip_is_looped(tmp_path):
    path = write_video(tmp_path / "short.avi", moving_pattern(5))
    expected = decode_all(path)
    numbers = np.arange(16) % 5
    np.testing.assert_array_equal(read_frames(scan_video(path), numbers), expected[numbers])


def test_frames_come_in_the_order_asked_for(tmp_path):
    path = write_mpeg4_avi(tmp_path)
    numbers = [40, 3, 3, 59, 12]
    np.testing.assert_array_equal(read_frames(scan_video(path), numbers), decode_all(path)[numbers])


def test_a_window_alone_is_that_part_of_the_frame(tmp_path):
    path = write_h264_with_b_frames(tmp_path)
    clip = read_frames(scan_video(path), [7, 3], window=(4, 8, 30, 40))
    np.testing.assert_array_equal(clip, decode_all(path)[[7, 3], 4:34, 8:48])
    # Colours stay in their places where it is odd.
    odd = read_frames(scan_video(path), [7, 3], window=(5, 9, 30, 40))
    np.testing.assert_array_equal(odd, clip)


@pytest.mark.parametrize("size", [(112, 112), (56, 84), (150, 150)])
def test_scaling_is_that_of_the_decoded_frame_in_rgb(size, tmp_path):
    """FFmpeg scales brightness and colours apart; Pillow, as upstream's training, scales RGB."""
    smooth = [
        np.asarray(Image.fromarray(image).resize((160, 120), Image.BICUBIC))
        for image in moving_pattern(20, 30, 40)
    ]
    path = write_video(tmp_path / "video.avi", np.stack(smooth))
    clip = read_frames(scan_video(path), range(4, 12), (10, 20, 100, 100), size)
    for image, frame in zip(clip, decode_all(path)[4:12], strict=True):
        errors = []
        for shift in (0, -1, 1):
            crop = Image.fromarray(frame).crop((20 + shift, 10, 120 + shift, 110))
            expected = np.asarray(crop.resize(size[::-1], Image.BILINEAR), float)
            errors.append(np.abs(image - expected).mean())
        assert errors[0] < 2.5 and errors[0] < min(errors[1:])


def test_a_file_whose_frames_change_their_size_comes_in_that_of_its_first(tmp_path):
    path = tmp_path / "video.mjpeg"
    with open(path, "wb") as joined:
        for height in (48, 96):
            image = Image.fromarray(np.full((height, height * 4 // 3, 3), height, "uint8"))
            for _ in range(5):
                image.save(joined, "JPEG")
    video = scan_video(path)
    frames = read_frames(video, range(video.frames), (0, 0, 48, 48), (24, 24))
    assert (video.frames, video.height, video.width) == (10, 48, 64)
    np.testing.assert_allclose(frames[:5], 48, atol=2)
    np.testing.assert_allclose(frames[5:], 96, atol=2)


def test_a_changed_file_is_scanned_again(tmp_path):
    path = write_video(tmp_path / "video.avi", moving_pattern(10))
    assert scan_video(path).frames == 10
    write_video(path, moving_pattern(25))
    assert scan_video(path).frames == 25


def write_missing(path):
    pass


def write_empty(path):
    path.write_bytes(b"")


def write_text(path):
    path.write_text("no video " * 1000)


def write_truncated(path):
    write_video(path, moving_pattern(100))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def write_truncated_header(path):
    write_video(path, moving_pattern(100))
    path.write_bytes(path.read_bytes()[:100])


def write_sound_only(path):
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), "int16"), format="s16", layout="mono"
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_folder(path):
    path.mkdir()


@pytest.mark.parametrize(
    "write, message",
    [
        (write_missing, "No such file"),
        (write_empty, "the file is empty"),
        (write_text, "FFmpeg cannot read it"),
        (write_truncated, "the file is cut off"),
        (write_truncated_header, "broken.avi: .*(FFmpeg cannot read it|cut off|no video stream)"),
        (write_sound_only, "no video stream"),
        (write_folder, "is a folder"),
    ],
)
def test_broken_files_are_named(write, message, tmp_path):
    path = tmp_path / "broken.avi"
    write(path)
    with pytest.raises(VideoError, match=message) as error:
        read_video(path)
    assert str(path) in str(error.value)


def test_a_truncated_mp4_is_named(tmp_path):
    path = tmp_path / "cut.mp4"
    write_video(path, moving_pattern(100), "libx264", options={"preset": "ultrafast"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(VideoError, match=r"cut\.mp4"):
        read_video(path)


def test_frame_numbers_outside_of_the_video_are_refused(tmp_path):
    video = scan_video(write_mpeg4_avi(tmp_path))
    with pytest.raises(IndexError, match="from 0 to 59"):
        read_frames(video, [58, 60])
