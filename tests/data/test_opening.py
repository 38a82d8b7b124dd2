"""A file opens itself alone and shows its film; what is none is named."""

import os
import socket
import struct
import threading

import av
import numpy as np
import pytest
from video_files import decode_all, moving_pattern, write_video

from keras_seattn import predict
from keras_seattn.data import VideoError, read_video
from keras_seattn.data.decoding import scan_video


@pytest.fixture
def listener():
    """An address on this machine, and the list of those who have called it."""
    callers = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                callers.append(caller)
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", callers


MPD = (
    '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT10S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1000"><BaseURL>'
    "{address}/other.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
PLAYLISTS = {
    "concat of a file": "ffconcat version 1.0\nfile other.mp4\n",
    "concat of an address": "ffconcat version 1.0\nfile {address}/other.mp4\n",
    "m3u8 of an address": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n"
    "{address}/other.ts\n#EXT-X-ENDLIST\n",
    "m3u8 of a file": "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nother.mp4\n",
    "mpd": MPD,
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 9999 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("suffix", ["avi", "mp4", "m3u8", "ffconcat", "mpd", "sdp"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_playlists_are_refused_and_nothing_they_name_is_opened(kind, suffix, listener, tmp_path):
    address, callers = listener
    write_video(tmp_path / "other.mp4", moving_pattern(10), "libx264")
    path = tmp_path / f"list.{suffix}"
    path.write_text(PLAYLISTS[kind].format(address=address), encoding="utf-8")
    for read in (scan_video, read_video):
        with pytest.raises(
            VideoError, match=rf"list\.{suffix}: is a playlist.*Name the video file"
        ):
            read(path)
    assert not callers


def test_a_pattern_of_pictures_is_one_file_or_none(tmp_path):
    for number in range(3):
        write_video(tmp_path / f"{number}.mjpeg", moving_pattern(1), "mjpeg", pixels="yuvj420p")
        os.rename(tmp_path / f"{number}.mjpeg", tmp_path / f"picture{number}.jpg")
    for name in ("picture%d.jpg", "picture*.jpg"):
        with pytest.raises(VideoError, match="No such file"):
            read_video(tmp_path / name)
        os.link(tmp_path / "picture1.jpg", tmp_path / name)
        frames = read_video(tmp_path / name)
        np.testing.assert_array_equal(frames, decode_all(tmp_path / "picture1.jpg"))
        os.remove(tmp_path / name)
    os.rename(tmp_path / "picture1.jpg", tmp_path / "picture%d.avi")
    assert len(read_video(tmp_path / "picture%d.avi")) == 1


def test_names_of_all_kinds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = write_video("plain.avi", moving_pattern(8))
    expected = decode_all(source)
    names = [
        "12:30.avi",
        "http:x.avi",
        "concat:a|b.avi",
        "-f.avi",
        "a #?%20[1];'é.avi",
        "v4l2:x.avi",
    ]
    for name in [*names, os.fsdecode(b"\xff\xe9.avi")]:
        os.link(source, name)
        np.testing.assert_array_equal(read_video(name), expected)
        os.remove(name)


def boxes(content, start, end):
    """The boxes of an MP4 file between two places: `(kind, bytes)`."""
    while start < end:
        size = struct.unpack_from(">I", content, start)[0]
        yield bytes(content[start + 4 : start + 8]), bytes(content[start : start + size])
        start += size


def write_with_cover(path, add_film):
    """An MP4 file whose cover picture stands before everything else, as some taggers put it."""
    with av.open(str(path), "w") as container:
        cover = container.add_stream("mjpeg", rate=1)
        cover.height, cover.width, cover.pix_fmt = 32, 32, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic.value
        rest = add_film(container)
        picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 99, "uint8"))
        container.mux(cover.encode(picture))
        container.mux(cover.encode())
        for packets in rest():
            container.mux(packets)
    content = path.read_bytes()
    place = content.index(b"moov") - 4
    inner = list(boxes(content, place + 8, len(content)))
    first = [box for kind, box in inner if kind in (b"mvhd", b"udta")]
    others = [box for kind, box in inner if kind not in (b"mvhd", b"udta")]
    path.write_bytes(content[: place + 8] + b"".join([*first, *others]))


def film(container):
    stream = container.add_stream("libx264", rate=25)
    stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"

    def encode():
        for image in moving_pattern(20):
            yield stream.encode(av.VideoFrame.from_ndarray(image))
        yield stream.encode()

    return encode


def sound(container):
    stream = container.add_stream("aac", rate=44100, layout="mono")

    def encode():
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), "float32"), "fltp", "mono")
        frame.sample_rate = 44100
        yield stream.encode(frame)
        yield stream.encode()

    return encode


def test_a_cover_is_not_the_film(tmp_path, model_path):
    path = tmp_path / "film.mp4"
    write_with_cover(path, film)
    with av.open(str(path)) as container:
        assert [stream.width for stream in container.streams.video] == [32, 64]
    assert scan_video(path).frames == 20
    np.testing.assert_array_equal(read_video(path), decode_all(path, index=1))
    assert len(predict(model_path, path).clips) == 3


def test_a_song_with_a_cover_is_no_video(tmp_path, model_path):
    path = tmp_path / "song.mp4"
    write_with_cover(path, sound)
    for read in (read_video, lambda path: predict(model_path, path)):
        with pytest.raises(VideoError, match=r"song\.mp4: the file has no video stream"):
            read(path)


def test_a_stream_that_appears_late(tmp_path):
    path = tmp_path / "video.ts"
    write_video(path, moving_pattern(48), "libx264", options={"bf": "0"})
    content = bytearray(path.read_bytes())
    # The last picture's first packet of 188 bytes says that it is of another stream.
    starts = [
        place
        for place in range(0, len(content), 188)
        if content[place + 1] & 0x40 and content[place + 1 : place + 3] == b"\x41\x00"
    ]
    content[starts[-1] + 1] |= 4
    path.write_bytes(content)
    assert scan_video(path).frames == len(read_video(path)) == 47


def test_pipes_and_devices_are_named(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", "/dev/zero"):
        with pytest.raises(VideoError, match=r"is a pipe or a device.*Write what"):
            scan_video(path)


def test_what_ffmpeg_has_no_decoder_for_is_named(tmp_path):
    images = moving_pattern(4)
    path = tmp_path / "animated.webp"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libwebp_anim", rate=5)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
    try:
        frames = read_video(path)
    except VideoError as error:
        assert "animated.webp: no frame can be decoded" in str(error)
        assert "if it plays elsewhere, encode it anew, as H.264 for example" in str(error)
    else:  # Later releases of FFmpeg decode it.
        assert len(frames) == 4


def test_a_damaged_front_gives_frames_or_an_error(tmp_path):
    path = tmp_path / "video.avi"
    write_video(path, moving_pattern(60), gop=12)
    content = path.read_bytes()
    outcomes = set()
    for start in range(len(content) // 10, len(content) * 9 // 10, len(content) // 40):
        cut = tmp_path / f"cut{start}.avi"
        cut.write_bytes(content[start:])
        try:
            frames = len(read_video(cut))
        except VideoError:
            outcomes.add("error")
        else:
            assert frames == scan_video(cut).frames > 0
            outcomes.add("frames")
    assert "frames" in outcomes
