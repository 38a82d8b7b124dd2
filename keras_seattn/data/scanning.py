"""What must be known of a video file before any of its frames can be read by number."""

import bisect
import functools
import itertools
import os
import stat
import typing
import warnings
from collections.abc import Callable

import av
import numpy as np

from keras_seattn.data import frame_folders, storage
from keras_seattn.data.opening import VideoError, frames_of, open_file, packets
from keras_seattn.data.pixels import is_shown_as_stored, odd_angle, orientation, shown_size
from keras_seattn.data.video import Keyframe, Video

# What a scan finds may change with this number, so that what is kept of older ones is not trusted.
READER = 3
# A file that ends before this share of the time that its header promises was cut off.
COMPLETE_SHARE = 0.9
# The formats whose headers promise a time: of each stream, and of the longest of the streams.
_PROMISE_EACH, _PROMISE_LONGEST = ("avi", "mov"), ("asf", "flv", "matroska")
# So many frames are decoded at first, to see whether times tell their numbers.
_SAMPLE = 8
# Shapes of pixels beyond these (and their inverse) are an error of the header's.
_WIDEST_PIXEL = 4
# Times of frames further off a constant rate, in frames, are not only rounded.
_LARGEST_ROUNDING = 0.25
# Codecs whose keyframes are drawn on what was there before.
_DRAWN_ON = ("apng", "gif")
# In MPEG-4, the start code of a picture, and the most bytes of one that only says that it is not
# coded, which brings no frame; XviD puts such ones beside packets that hold two pictures.
_PICTURE, _MOST_BYTES_NOT_CODED = b"\x00\x00\x01\xb6", 19


class _Packet(typing.NamedTuple):
    """What is kept of a packet, without its data."""

    pts: int | None
    dts: int | None
    duration: int | None
    is_keyframe: bool
    is_shown: bool
    has_one_picture: bool


def scan_video(path: str | os.PathLike) -> Video:
    """Finds out the size, the number of frames and the keyframes of a video file.

    Reads the whole file but decodes a few frames only (about 2 ms for a video
    of UCF-101), unless these show that the file's times do not tell which
    packet brings which frame, or it has none: then it decodes all. The answer
    is remembered until the file changes.

    The frames of a video are those that the `ffmpeg` command would write:
    frames that the container hides, as in a file cut without encoding it anew,
    do not count, and neither do those at the beginning that lack what they
    refer to. Frames further on that prove damaged keep their numbers:
    `read_frames` names them, and clips that touch them are left out.

    Args:
        path: str or path, of any file that FFmpeg reads, or of a folder of
            frames: numbered JPEG or PNG pictures; or an address such as
            `s3://...`, read with tensorflow-io. It opens no other file:
            playlists are refused.

    Returns:
        A `Video`. A warning says so where the file wants to be turned by an
        angle that is no multiple of 90 degrees; it is turned to the nearest.

    Raises:
        VideoError: There is no such file, or it is empty, cut off, no video,
            without a video stream or not decodable, or its frames have more
            than `opening.MAX_PIXELS`. The message names it.
    """
    path = os.fspath(path)
    status = _checked_status(path)
    scan = frame_folders.scan if stat.S_ISDIR(status.st_mode) else _scan
    return scan(path, status.st_size, status.st_mtime_ns)


def video_status(path: str) -> os.stat_result | storage.Status:
    """As `storage.status`, of a video file or a folder of frames.

    Raises:
        OSError: It does not exist, or cannot be reached.
        VideoError: A folder holds pictures of several kinds.
    """
    status = storage.status(path)
    return frame_folders.status(path) if stat.S_ISDIR(status.st_mode) else status


def _checked_status(path):
    """`video_status` of what may be a video, or a VideoError."""
    if not path:
        raise VideoError("The path of the video is empty. Name a file.")
    try:
        status = video_status(path)
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror or error}. Check the path.") from error
    if stat.S_ISDIR(status.st_mode) and not status.st_size:
        raise VideoError(
            f"{path}: is a folder, not a video file, and holds no frames, which are pictures "
            f"({', '.join(frame_folders.SUFFIXES)}) with numbers. Name a file in it."
        )
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        raise VideoError(
            f"{path}: is a pipe or a device, which cannot be read twice. Write what comes from "
            "it to a file first."
        )
    if status.st_size == 0:
        raise VideoError(f"{path}: the file is empty. Copy or download it again.")
    return status


@functools.cache
def _scan(path, size, changed):
    found, sample, first, fed = [], [], None, 0
    with open_file(path) as (container, stream):
        codec, is_shown = stream.codec_context.name, shown_packets(stream)
        for packet in itertools.chain(packets(container, stream), [None]):
            if packet is not None:
                found.append(_kept(packet, is_shown, codec == "mpeg4"))
            if len(sample) < _SAMPLE:
                fed = len(found)
                for frame in frames_of(stream, packet):
                    first = first or frame
                    sample.append(frame.pts)
        _check_complete(path, container, stream, found)
        aspect = float(stream.sample_aspect_ratio or 1)
        rate, unit = stream.average_rate or 0, stream.time_base
        reordered = stream.codec_context.has_b_frames > 0
        guessed = bool(container.format.flags & av.format.Flags.no_timestamps.value)
        if codec in _DRAWN_ON:
            found = [packet._replace(is_keyframe=False) for packet in found]
    if first is None:
        raise VideoError(
            f"{path}: no frame can be decoded. Copy or download it again; if it plays elsewhere, "
            "encode it anew, as H.264 for example; else leave it out."
        )
    _warn_of_odd_angle(path, first)
    height, width = shown_size(first)
    if not 1 / _WIDEST_PIXEL <= aspect <= _WIDEST_PIXEL:
        aspect = 1.0
    times = _times(found, fed, first.pts)
    order = _order(path, found, times, sample, reordered, guessed)
    if set(order) != set(times or ()):
        times = None
    timed, seconds = order == times, None
    if timed and len(times) > 1:
        rate = (len(times) - 1) / ((times[-1] - times[0]) * unit)
        seconds = _variable(np.subtract(times, times[0]) * float(unit), float(rate))
    return Video(
        path,
        len(order),
        height,
        width,
        1 / aspect if orientation(first).turns % 2 else aspect,
        float(rate),
        is_shown_as_stored(first),
        timed,
        _keyframes(found, order, times),
        seconds,
    )


def shown_packets(stream: av.VideoStream) -> Callable[[av.Packet], bool]:
    """A function of a packet that says whether it brings a frame to show.

    Others are hidden by the container, or hold only what other frames refer to.
    """
    if stream.codec_context.name == "vp8":
        return lambda packet: not packet.is_discard and bool(memoryview(packet)[0] >> 4 & 1)
    return lambda packet: not packet.is_discard


def _kept(packet, is_shown, is_mpeg4):
    has_one_picture = not is_mpeg4 or (
        packet.size > _MOST_BYTES_NOT_CODED and bytes(packet).count(_PICTURE) == 1
    )
    return _Packet(
        packet.pts,
        packet.dts,
        packet.duration,
        packet.is_keyframe,
        is_shown(packet),
        has_one_picture,
    )


def _times(found, fed, first):
    """When the frames are shown, in rising order; None where the packets do not tell.

    Packets for times before the first frame could not be decoded; there, among those that were
    `fed` to the decoder until then, some have no time.
    """
    if not all(packet.has_one_picture for packet in found) or not _are_rising(found, "dts"):
        return None
    shown = [packet.pts for packet in found if packet.is_shown]
    late = [packet.pts for packet in found[fed:] if packet.is_shown]
    times = sorted(time for time in shown if time is not None)
    if first is None or None in late or len(set(times)) < len(times):
        return None
    return times[bisect.bisect_left(times, first) :]


def _order(path, found, times, sample, reordered, guessed):
    """The times of the frames in the order in which they are shown; decodes all if it must."""
    # Where frames are reordered and times are not, each packet has one time only, as in AVI. It
    # tells which frame is which, but not their order. Those of raw streams are `guessed`.
    if times is not None and not guessed and not (reordered and _are_rising(found, "pts")):
        if sample == times[: max(len(sample), min(len(times), _SAMPLE))]:
            return times
    order = []
    with open_file(path) as (container, stream):
        for packet in itertools.chain(packets(container, stream), [None]):
            order += [frame.pts for frame in frames_of(stream, packet)]
    return order


def _variable(seconds, rate):
    """The times of frames as a tuple; None where these are no further off than files round them."""
    off = np.abs(seconds * rate - np.arange(len(seconds))).max()
    return tuple(seconds.tolist()) if off > _LARGEST_ROUNDING else None


def _are_rising(found, name):
    """Whether the times of the packets that are shown never go back."""
    times = [getattr(packet, name) for packet in found if packet.is_shown]
    return bool(np.all(np.diff([time for time in times if time is not None]) >= 0))


def _keyframes(found, order, times):
    """The keyframes among packets, as `Video` has them.

    Args:
        found: list of `_Packet`.
        order: list of int, the times of the frames in the order of display.
        times: the same if the packets have just these times; else None, and
            decoding starts at the first frame only.
    """
    keyframes = {0: Keyframe(0, order[0], None)}
    numbers = {time: number for number, time in enumerate(order)} if times else {}
    for packet in found:
        number = numbers.get(packet.pts, 0)
        if packet.is_keyframe and packet.is_shown and number > 0:
            keyframes[number] = Keyframe(number, packet.pts, packet.dts)
    return tuple(sorted(keyframes.values()))


def _check_complete(path, container, stream, found):
    """Raises a VideoError if a file ends long before its header says."""
    formats = container.format.name.split(",")
    start, end = 0.0, _end(found, stream)
    if not set(formats).isdisjoint(_PROMISE_EACH) and stream.duration:
        promised = stream.duration * stream.time_base
        if "mov" in formats:
            start = (stream.start_time or 0) * stream.time_base
    elif not set(formats).isdisjoint(_PROMISE_LONGEST) and container.duration:
        promised = container.duration / av.time_base
        if end < COMPLETE_SHARE * promised:
            end = _end_of_longest(path)
    else:
        return
    if end - start < COMPLETE_SHARE * promised:
        raise VideoError(
            f"{path}: the file is cut off: it ends after {float(end - start):.2f} of the "
            f"{float(promised):.2f} seconds that its header promises. Copy or download it again."
        )


def _end(found, stream):
    """When the last of some packets of a stream ends, in seconds."""
    times = ((packet.dts if packet.pts is None else packet.pts, packet) for packet in found)
    ends = [time + (packet.duration or 0) for time, packet in times if time is not None]
    return max(ends, default=0) * stream.time_base


def _end_of_longest(path):
    """When the last packet of any stream of a file ends, in seconds."""
    with open_file(path) as (container, _):
        everything = packets(container, container.streams.get())
        return max((_end([packet], packet.stream) for packet in everything), default=0)


def _warn_of_odd_angle(path, frame):
    angle = odd_angle(frame)
    if abs(angle) > 1:
        warnings.warn(
            f"{path}: says that its frames are to be turned by an angle that is no multiple of 90 "
            f"degrees, but {abs(angle):.0f} off one. They are turned to the nearest.",
            stacklevel=2,
        )
