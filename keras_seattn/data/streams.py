"""Files, addresses and cameras -> frames with their times, one after the other."""

import math
import os
import typing

import av

from keras_seattn.data.decoding import open_video, scan_video

# What FFmpeg calls the cameras of Linux, macOS and Windows, and its own sources of test pictures.
DEVICES = ("v4l2", "avfoundation", "dshow", "lavfi")
TIMEOUT = 20  # seconds without an answer from an address
_USUAL_RATE = 25  # frames per second, where nothing tells


class TimedFrame(typing.NamedTuple):
    """A frame and when it is shown.

    Attributes:
        start: float, in seconds from the first frame.
        end: float, likewise.
        frame: `av.VideoFrame`.
    """

    start: float
    end: float
    frame: av.VideoFrame


def is_stream(source):
    """Whether `source` is an address or a camera rather than a file; see `stream_frames`."""
    source = os.fspath(source)
    return "://" in source or source.startswith(tuple(f"{device}:" for device in DEVICES))


def stream_frames(source):
    """Reads a video in one pass, in the order of display.

    Args:
        source: str or path: a file; an address that FFmpeg knows
            (`http://...`, `rtsp://...`); or a camera, as FFmpeg's input device
            and the name that it has there: `v4l2:/dev/video0`,
            `avfoundation:0`, `dshow:video=Integrated Camera`.

    Yields:
        `TimedFrame`.

    Raises:
        VideoError: It cannot be read, or fails later. The message names it.
    """
    source = os.fspath(source)
    if is_stream(source):
        device, _, name = source.partition(":")
        opened = (
            open_video(source, file=name, format=device)
            if device in DEVICES
            else open_video(source, timeout=TIMEOUT)
        )
    else:
        scan_video(source)  # Finds now what would fail later: files cut off or without frames.
        opened = open_video(source)
    with opened as (container, stream):
        rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        first, latest = None, -math.inf
        for number, frame in enumerate(container.decode(stream)):
            start = frame.time if frame.time is not None else float(number / rate)
            first = start if first is None else first
            # Some files have times that go back; frames come in the order that players show.
            start = latest = max(start, latest)
            length = frame.duration * frame.time_base if frame.duration else 1 / rate
            yield TimedFrame(start - first, start - first + float(length), frame)
