"""Files, addresses and cameras -> frames with their times, one after the other."""

import math
import os
import typing
from collections.abc import Iterator

import av

from keras_seattn.data import storage
from keras_seattn.data.decoding import decode, scan_video
from keras_seattn.data.opening import frames_of, open_stream

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
        number: int, from 0; those of a file's frames that cannot be decoded
            are missing.
        pixel_aspect: float, the width of a pixel as shown, in heights of one.
    """

    start: float
    end: float
    frame: av.VideoFrame
    number: int
    pixel_aspect: float


def is_stream(source: str | os.PathLike) -> bool:
    """Whether `source` is an address or a camera rather than a file; see `stream_frames`."""
    source = os.fspath(source)
    if os.path.exists(source):  # whatever its name looks like
        return False
    scheme = storage.scheme(source)
    return bool(_device(source) or (scheme and scheme not in storage.FILE_SYSTEMS))


def is_endless(source: str | os.PathLike) -> bool:
    """Whether a stream does not tell when it ends, as cameras do not.

    Raises:
        VideoError: It cannot be read. The message names it.
    """
    if not is_stream(source) or _device(source):
        return is_stream(source)
    with _opened(source) as (container, _):
        return container.duration is None


def stream_frames(source: str | os.PathLike) -> Iterator[TimedFrame]:
    """Reads a video in one pass, in the order of display.

    Args:
        source: str or path: a file, on a local disk or at `s3://...` (with
            tensorflow-io); an address that FFmpeg knows (`http://...`,
            `rtsp://...`); or a camera, as FFmpeg's input device and the name
            that it has there: `v4l2:/dev/video0`, `avfoundation:0`,
            `dshow:video=Integrated Camera`.

    Yields:
        `TimedFrame`.

    Raises:
        VideoError: It cannot be read, or fails later. The message names it.
        ImportError: tensorflow-io is needed and cannot be used; says why.
    """
    source = os.fspath(source)
    if is_stream(source):
        yield from _stream(source)
        return
    video = scan_video(source)  # Finds now what would fail later: files cut off or without frames.
    rate = video.rate or _USUAL_RATE
    yield from _timed(decode(video), rate, video.pixel_aspect, video.timed)


def _device(source):
    """The device that a camera's name begins with; None for others."""
    device = os.fspath(source).partition(":")[0]
    return device if device in DEVICES else None


def _opened(source):
    device = _device(source)
    if device:
        return open_stream(source, source[len(device) + 1 :], format=device)
    return open_stream(source, source, timeout=TIMEOUT)


def _stream(source):
    with _opened(source) as (container, stream):
        # Not `packets`, for which an error is the end: here it is one.
        frames = (
            frame for packet in container.demux(stream) for frame in frames_of(stream, packet)
        )
        rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        yield from _timed(enumerate(frames), rate, float(stream.sample_aspect_ratio or 1), True)


def _timed(numbered, rate, pixel_aspect, has_times):
    """Yields a `TimedFrame` for each `(number, frame)`."""
    first, latest = None, -math.inf
    for number, frame in numbered:
        start = float(number / rate)
        if has_times and frame.time is not None:
            start = frame.time
        first = start if first is None else first
        # Some streams have times that go back; frames come in the order that players show.
        start = latest = max(start, latest)
        length = frame.duration * frame.time_base if frame.duration and has_times else 1 / rate
        yield TimedFrame(start - first, start - first + float(length), frame, number, pixel_aspect)
