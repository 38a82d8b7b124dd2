"""One video of each kind that people have: containers, codecs, and what cameras and tools make.

A kind is a function of a folder that writes a file there and returns its path. All show the same
48 frames, or those that are left of them.
"""

import functools
import pathlib

import numpy as np
from video_files import cut_without_encoding, moving_pattern, repack, write_video

FRAMES, GOP = 48, 12
_X264 = {"bf": "2", "preset": "veryfast"}
_X265 = "log-level=none:keyint=12:min-keyint=12:rc-lookahead=10"


def _kind(suffix, codec, options=None, size=(48, 64), **more):
    def write(folder):
        images = moving_pattern(FRAMES, *size)
        return write_video(
            folder / f"video.{suffix}", images, codec, options=options, gop=GOP, **more
        )

    return write


def _containers(codec, suffixes, options=None, **more):
    return {f"{codec} {suffix}": _kind(suffix, codec, options, **more) for suffix in suffixes}


# Each has a keyframe every 12 frames at least, and its container can be sought in.
SOUGHT = {
    **_containers("libx264", ["mp4", "mov", "mkv", "flv", "ts", "3gp", "3g2", "f4v"], _X264),
    **_containers("libx264", ["mts", "m2ts", "avi", "wmv", "mxf", "nut"], _X264),
    "libx264 without B-frames": _kind("mp4", "libx264", {"bf": "0"}),
    "libx264 fragmented": _kind(
        "mp4", "libx264", _X264, muxer={"movflags": "frag_keyframe+empty_moov"}
    ),
    "libx264 interlaced": _kind("ts", "libx264", {**_X264, "x264-params": "tff=1"}),
    **{
        f"libx264 open groups {suffix}": _kind(
            suffix, "libx264", {"bf": "3", "x264-params": "open-gop=1"}
        )
        for suffix in ("mp4", "mkv", "ts")
    },
    **_containers("libx265", ["mp4", "mkv", "ts"], {"x265-params": _X265}),
    "libx265 closed groups": _kind("mp4", "libx265", {"x265-params": f"{_X265}:open-gop=0"}),
    **_containers("mpeg2video", ["mpg", "vob", "ts", "mkv", "mp4", "m2v", "mxf"], {"bf": "2"}),
    "mpeg1video": _kind("mpg", "mpeg1video", {"bf": "2"}),
    "mpeg1video mpe": _kind("mpe", "mpeg1video", {"bf": "2"}, format="mpeg"),
    **_containers("mpeg4", ["avi", "mp4", "mkv"]),
    **{f"mpeg4 B {s}": _kind(s, "mpeg4", {"bf": "2"}) for s in ("avi", "mp4", "mkv")},
    "mpeg4 divx": _kind("divx", "mpeg4", format="avi"),
    **_containers("msmpeg4", ["avi", "asf"]),
    **_containers("wmv2", ["wmv", "asf"]),
    "flv1": _kind("flv", "flv"),
    "h263": _kind("3gp", "h263", size=(144, 176)),
    "rv20": _kind("rm", "rv20", size=(144, 176)),
    "vp8": _kind("webm", "libvpx", {"auto-alt-ref": "0", "deadline": "realtime"}),
    "vp8 with hidden frames": _kind(
        "webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "deadline": "good"}
    ),
    "vp8 ogg": _kind("ogv", "libvpx", {"deadline": "realtime"}, format="ogg"),
    **_containers("libvpx-vp9", ["webm", "mp4"], {"deadline": "realtime", "lag-in-frames": "8"}),
    "ffv1": _kind("mkv", "ffv1", {"level": "1"}),
    "flashsv": _kind("flv", "flashsv", pixels="bgr24"),
    "qtrle": _kind("mov", "qtrle", pixels="rgb24"),
    **_containers("mjpeg", ["avi", "mov", "mjpeg"], pixels="yuvj420p"),
    "huffyuv": _kind("avi", "huffyuv", pixels="yuv422p"),
    "rawvideo": _kind("avi", "rawvideo"),
    "prores": _kind("mov", "prores", pixels="yuv422p10le"),
    "png": _kind("mov", "png", pixels="rgb24"),
    "yuv4mpeg": _kind("y4m", "wrapped_avframe", format="yuv4mpegpipe"),
}


def write_av1(folder):
    """Its encoder refuses small frames, and writes of itself to the terminal."""
    options = {"preset": "12", "svtav1-params": "keyint=12:lp=1"}
    images = moving_pattern(FRAMES, 64, 64)
    return write_video(folder / "video.mp4", images, "libsvtav1", options=options, gop=GOP)


SOUGHT["av1"] = write_av1


def write_cut(folder, options, suffix="mp4"):
    whole = write_video(
        folder / "whole.mp4", moving_pattern(FRAMES), "libx264", options=options, gop=GOP
    )
    return cut_without_encoding(whole, folder / f"cut.{suffix}", 17)


def write_cut_with_leading_frames(folder):
    """Begins with a keyframe of an open group, whose first frames refer to what was cut off."""
    whole = write_video(
        folder / "whole.mkv", moving_pattern(FRAMES), "libx265", options={"x265-params": _X265}
    )
    return cut_without_encoding(whole, folder / "cut.mkv", 12)


def write_gaps(folder):
    """Screen recorders and phones: in AVI, empty chunks stand where there is no frame."""
    times = np.cumsum([1, 1, 3, 1, 2, 1] * 8)
    return write_video(folder / "gaps.avi", moving_pattern(FRAMES), times=times, gop=GOP)


def picture_kind(content):
    """0 to 2 for the I, P and B pictures of MPEG-4."""
    return content[content.index(b"\x00\x00\x01\xb6") + 4] >> 6


# A predicted picture of MPEG-4 that says that it is not coded: kind, seconds, marker, time, marker,
# coded, stuffing.
NOT_CODED = b"\x00\x00\x01\xb6" + int("0101000011001111", 2).to_bytes(2, "big")


def write_packed_b_frames(folder):
    """XviD, as UCF-101 and HMDB51 have it: a B-frame travels with the frame that it refers to."""

    def pack(contents):
        start = contents[0].index(b"\x00\x00\x01\xb6")
        packed = [contents[0][:start] + b"\x00\x00\x01\xb2DivX503b1393p" + contents[0][start:]]
        for content in contents[1:]:
            if picture_kind(content) == 2:
                packed[-1] += content
                content = NOT_CODED
            packed.append(content)
        return packed

    # Adaptive B-frames are turned off, and the encoder's own name is left out.
    options = {"bf": "1", "b_strategy": "0", "flags": "+bitexact"}
    whole = write_video(folder / "whole.avi", moving_pattern(FRAMES), options=options, gop=GOP)
    return repack(whole, folder / "packed.avi", pack)


def write_frames_not_coded(folder):
    """Where nothing moves, encoders write pictures that say so, which bring no frame."""

    def leave_out(contents):
        return [NOT_CODED if i in (5, 6, 30) else content for i, content in enumerate(contents)]

    options = {"flags": "+bitexact"}
    whole = write_video(folder / "whole.avi", moving_pattern(FRAMES), options=options, gop=GOP)
    return repack(whole, folder / "still.avi", leave_out)


def write_two_after_another(folder):
    """Recorders that go on in the same file begin with their times anew."""
    write = _kind("ts", "libx264", _X264)
    content = pathlib.Path(write(folder)).read_bytes()
    path = folder / "twice.ts"
    path.write_bytes(content * 2)
    return str(path)


def write_beginning_in_the_middle(folder, suffix, codec):
    path = pathlib.Path(_kind(suffix, codec, {"bf": "2"})(folder))
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 3 // 188 * 188 :])
    return str(path)


# What has its own ways: hidden frames, times that say nothing, keyframes that are none.
OTHERS = {
    "cut": functools.partial(write_cut, options=_X264),
    "cut without B-frames": functools.partial(write_cut, options={"bf": "0"}),
    "cut open groups": functools.partial(
        write_cut, options={"bf": "3", "x264-params": "open-gop=1"}
    ),
    "cut mov": functools.partial(write_cut, options=_X264, suffix="mov"),
    "cut mkv": functools.partial(write_cut, options=_X264, suffix="mkv"),
    "cut ts": functools.partial(write_cut, options=_X264, suffix="ts"),
    "cut avi": functools.partial(write_cut, options={"bf": "0"}, suffix="avi"),
    "cut with leading frames": write_cut_with_leading_frames,
    "gaps": write_gaps,
    "packed B-frames": write_packed_b_frames,
    "frames not coded": write_frames_not_coded,
    "intra refresh": _kind("ts", "libx264", {"bf": "0", "x264-params": "intra-refresh=1"}),
    "two after another": write_two_after_another,
    "in the middle ts": functools.partial(
        write_beginning_in_the_middle, suffix="ts", codec="libx264"
    ),
    "in the middle mpg": functools.partial(
        write_beginning_in_the_middle, suffix="mpg", codec="mpeg2video"
    ),
    "raw H.264": _kind("h264", "libx264", _X264),
    "raw HEVC": _kind("hevc", "libx265", {"x265-params": _X265}),
    "gif": _kind("gif", "gif", pixels="rgb8"),
    "apng": _kind("apng", "apng", pixels="rgb24", format="apng"),
}
KINDS = {**SOUGHT, **OTHERS}
