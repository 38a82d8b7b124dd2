"""Frames as people see them: turned, mirrored, in their colours and their shape."""

import fractions
import pathlib
import struct

import av
import numpy as np
import pytest
from PIL import Image
from video_files import decode_all, moving_pattern, write_video

from keras_seattn import predict
from keras_seattn.data import Catalog, read_video, test_clips
from keras_seattn.data.decoding import read_frames, scan_video
from keras_seattn.data.pixels import interpolated, picture_shape
from keras_seattn.data.records import write_records
from keras_seattn.data.streams import stream_frames
from keras_seattn.preprocessing import HARA_2018

# Where a display matrix puts a point (x, y), y downwards: (a, b, c, d) for (a x + c y, b x + d y);
# and what that does to a picture.
MATRICES = {
    "a quarter to the right": ((0, 1, -1, 0), lambda x: np.rot90(x, -1, (1, 2))),
    "upside down": ((-1, 0, 0, -1), lambda x: np.rot90(x, 2, (1, 2))),
    "a quarter to the left": ((0, -1, 1, 0), lambda x: np.rot90(x, 1, (1, 2))),
    "left and right": ((-1, 0, 0, 1), lambda x: x[:, :, ::-1]),
    "above and below": ((1, 0, 0, -1), lambda x: x[:, ::-1]),
    "transposed": ((0, 1, 1, 0), lambda x: x.swapaxes(1, 2)),
    "transposed the other way": ((0, -1, -1, 0), lambda x: x[:, ::-1, ::-1].swapaxes(1, 2)),
}


def with_matrix(source, path, matrix):
    """A copy of an MP4 file that says how it is to be shown, as phones write it."""
    a, b, c, d = (round(number * 2**16) for number in matrix)
    content = bytearray(pathlib.Path(source).read_bytes())
    place = content.index(b"tkhd") + 44
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("name", MATRICES)
def test_videos_are_shown_as_their_matrix_says(name, tmp_path, model_path):
    matrix, change = MATRICES[name]
    plain = write_video(tmp_path / "plain.mp4", moving_pattern(30), codec="libx264", gop=8)
    path = with_matrix(plain, tmp_path / "turned.mp4", matrix)
    expected = change(read_video(plain))
    video = scan_video(path)
    assert (video.height, video.width) == expected.shape[1:3] and not video.plain
    assert np.array_equal(read_video(path), expected)
    # With seeking, scaling and a window, as clips are read.
    window = read_frames(video, [20, 9], (4, 6, 36, 40))
    np.testing.assert_array_equal(window, expected[[20, 9], 4:40, 6:46])
    scaled = read_frames(video, [20, 9], (4, 6, 36, 40), (18, 20))
    blocks = window.reshape(2, 18, 2, 20, 2, 3).mean((2, 4))
    assert scaled.shape == (2, 18, 20, 3) and np.abs(scaled - blocks).mean() < 8
    flipped = read_frames(video, [20, 9], (4, 6, 36, 40), (18, 20), flip=True)
    assert np.abs(flipped - scaled[:, :, ::-1].astype(float)).mean() < 1
    part, size = (4.5, 6.25, 36, 40), (18, 20)
    (exact,) = read_frames(video, [9], part, size, flip=True, filtered=False)
    np.testing.assert_array_equal(exact, interpolated(expected[9], part, size, flip=True))
    # Recognising reads the file another way.
    upright = write_video(
        tmp_path / "upright.mp4", expected, codec="libx264", options={"crf": "1"}, gop=8
    )
    scores = [[clip.scores for clip in predict(model_path, p).clips] for p in (path, upright)]
    np.testing.assert_allclose(*scores, atol=0.02)


@pytest.mark.parametrize("degrees, turns", [(3, 0), (-3, 0), (87, 1), (200, 2)])
def test_other_angles_are_turned_to_the_nearest_quarter(degrees, turns, tmp_path):
    plain = write_video(tmp_path / "plain.mp4", moving_pattern(4), codec="libx264")
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    path = with_matrix(plain, tmp_path / "turned.mp4", (cosine, -sine, sine, cosine))
    with pytest.warns(UserWarning, match=r"turned\.mp4: .*no multiple of 90.*to the nearest"):
        video = scan_video(path)
    expected = np.rot90(read_video(plain), turns, (1, 2))
    assert (video.height, video.width) == expected.shape[1:3]
    np.testing.assert_array_equal(read_video(path), expected)


COLOURS = {
    "8 bit": ("libx264", "mp4", "yuv420p", {}),
    "full range": ("libx264", "mp4", "yuvj420p", {}),
    "BT.709": ("libx264", "mp4", "yuv420p", {"x264-params": "colormatrix=bt709"}),
    "10 bit": ("libx264", "mp4", "yuv420p10le", {}),
    "10 bit HEVC": ("libx265", "mp4", "yuv420p10le", {"x265-params": "log-level=none"}),
    "10 bit 4:2:2": ("prores", "mov", "yuv422p10le", {}),
    "12 bit": ("ffv1", "mkv", "yuv420p12le", {}),
    "HDR10": (
        "libx265",
        "mp4",
        "yuv420p10le",
        {"x265-params": "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"},
    ),
    "HLG": (
        "libx265",
        "mp4",
        "yuv420p10le",
        {
            "x265-params": "log-level=none:colorprim=bt2020:transfer=arib-std-b67:"
            "colormatrix=bt2020nc"
        },
    ),
    "interlaced": ("libx264", "mp4", "yuv420p", {"x264-params": "tff=1"}),
    "interlaced MPEG-2": ("mpeg2video", "mpg", "yuv420p", {"flags": "+ildct+ilme"}),
    "4:4:4": ("libx264", "mp4", "yuv444p", {}),
    "grey": ("libx264", "mp4", "gray", {}),
    "RGB": ("libx264rgb", "mp4", "rgb24", {}),
    "transparent": ("ffv1", "mkv", "yuva420p", {}),
    "palette": ("gif", "gif", "rgb8", {}),
}


@pytest.mark.parametrize("kind", COLOURS)
def test_frames_are_the_same_whole_cropped_and_scaled(kind, tmp_path):
    codec, suffix, pixels, options = COLOURS[kind]
    images = np.stack([smooth(image) for image in moving_pattern(8, 24, 32)])
    path = write_video(tmp_path / f"video.{suffix}", images, codec, options=options, pixels=pixels)
    expected = decode_all(path)  # as the `ffmpeg` command writes it
    whole = read_video(path)
    np.testing.assert_array_equal(whole, expected)
    if kind not in ("grey", "palette"):
        assert np.abs(whole.astype(int) - images).mean() < 20  # BT.601 or not
    video = scan_video(path)
    cropped = read_frames(video, range(8), (4, 8, 60, 80))
    difference = np.abs(cropped.astype(int) - expected[:, 4:64, 8:88])
    # At its edges, where colours have fewer neighbours, those of more than 8 bits may differ.
    assert difference.mean() < 0.1 and difference.max() <= 6
    scaled = read_frames(video, range(8), (4, 8, 60, 80), (30, 40))
    crops = [Image.fromarray(frame[4:64, 8:88]) for frame in expected]
    pictures = np.stack([np.asarray(crop.resize((40, 30), Image.BILINEAR)) for crop in crops])
    assert np.abs(scaled.astype(int) - pictures).mean() < 2.6


def smooth(image):
    """A picture of 72 x 96 pixels without detail that scaling would treat in its own way."""
    return np.asarray(Image.fromarray(image).resize((96, 72), Image.BICUBIC))


def write_wide_pixels(path, images, aspect):
    """A video whose pixels are `aspect` times as wide as high."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.height, stream.width = images.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = fractions.Fraction(aspect)
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    return str(path)


def test_pixels_that_are_not_square_are_shown_in_their_shape(tmp_path, model_path):
    """As in AVCHD, 1440 x 1080 pixels of 4:3 for a picture of 16:9."""
    y, x = np.mgrid[:96, :160]
    wide = np.stack([np.stack([y * 2, x, (x + 4 * t) % 200], -1) for t in range(16)])
    wide = wide.astype("uint8")
    narrow = np.stack([np.asarray(Image.fromarray(i).resize((120, 96))) for i in wide])
    path = write_wide_pixels(tmp_path / "video.mp4", narrow, "4/3")
    video = scan_video(path)
    assert (video.height, video.width, video.shape) == (96, 120, (96, 160))
    assert read_video(path).shape == (16, 96, 120, 3)  # as stored
    expected = write_video(tmp_path / "square.mp4", wide, "libx264", options={"crf": "5"})
    means = np.asarray(HARA_2018.mean, "float32")
    clips = []
    for file in (path, expected):
        (inputs, _), *_ = test_clips(
            Catalog([file], [0], ["any"]), 8, 48, 4, preprocessing=HARA_2018
        )
        clips.append(inputs["clip"].numpy() + means)
    # The place in a picture, which red and green tell, is the same.
    assert np.abs(clips[0] - clips[1])[..., :2].mean() < 2
    (timed, *_) = stream_frames(path)
    assert picture_shape(timed.frame, timed.pixel_aspect) == (96, 160)
    scores = [predict(model_path, file).scores for file in (path, expected)]
    np.testing.assert_allclose(*scores, atol=0.02)
    # Records hold square pixels.
    write_records(Catalog([path], [0], ["any"]), str(tmp_path / "records"), shards=1, short_side=48)
    (inputs, _), *_ = test_clips(str(tmp_path / "records"), 8, 48, 4, preprocessing=HARA_2018)
    assert np.abs(inputs["clip"].numpy() + means - clips[1])[..., :2].mean() < 3
