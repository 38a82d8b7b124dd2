"""From the number of a frame to the packets that bring it: decoding from the nearest keyframe."""

import bisect
import collections
import contextlib
import itertools
from collections.abc import Iterator

import av

from keras_seattn.data.frame_folders import read_pictures
from keras_seattn.data.opening import frames_of, open_file, packets
from keras_seattn.data.scanning import shown_packets
from keras_seattn.data.video import Video

# The codecs, of those with frames that no other refers to, whose decoders can pass over them at any
# time; and how many packets at most come between one and another whose frame is shown earlier.
_CAN_SKIP = ("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4")
_REORDERED = 16
# Of FFmpeg's AVPictureType: predicted from others.
_PREDICTED = (2, 3)


class _MisfitError(Exception):
    """A way to read a video that proves to be none."""


def decode(
    video: Video, first: int = 0, last: int | None = None
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decodes frames of a video file, from no further back than they need.

    Args:
        video: `Video`.
        first: int, the number of the first frame.
        last: int, the number of the last one; None for that of the video.

    Yields:
        `(number, av.VideoFrame)`, numbers rising; those of frames that cannot
        be decoded are left out.

    Raises:
        VideoError: The file cannot be read any more. The message names it.
    """
    before = video.first or 0  # in the file, by whose numbers it is decoded
    last = before + (video.frames - 1 if last is None else last)
    first += before
    if not video.keyframes:
        yield from read_pictures(video.path, video.frames, range(first, last + 1))
        return
    for way in _ways(video, first):
        with contextlib.suppress(_MisfitError):
            for number, frame in way:
                if first <= number <= last:
                    first = number + 1
                    yield number - before, frame
                if number >= last:
                    return
            return


def _ways(video, first):
    """The ways to frame `first` of a video, the shortest first; the last is always right."""
    number = _timed if video.timed else _counted
    numbers = [keyframe.number for keyframe in video.keyframes]
    keyframe = video.keyframes[bisect.bisect_right(numbers, first) - 1]
    if keyframe.number > 0:
        yield _from_keyframe(video, keyframe, number, first)
    if video.timed:
        yield _from_start(video, number, first)
    yield _from_start(video, _counted, first)


def _from_keyframe(video, keyframe, number, first):
    """Yields `(number, frame)` from a keyframe on."""
    for find in (_seek, _skip):
        with open_file(video.path) as (container, stream):
            found = find(container, stream, keyframe)
            if found is not None:
                yield from number(stream, found, keyframe, first)
                return
    raise _MisfitError


def _from_start(video, number, first):
    """Yields `(number, frame)` from the first frame on."""
    with open_file(video.path) as (container, stream):
        yield from number(stream, packets(container, stream), video.keyframes[0], first)


def _seek(container, stream, keyframe):
    """The packets from a keyframe on; None where seeking does not lead to it."""
    # Some containers find a keyframe by when it is shown, others by when it is decoded.
    for time in (keyframe.pts, keyframe.dts):
        try:
            container.seek(time, stream=stream)
        except (av.FFmpegError, TypeError):  # It cannot be sought in, or there is no such time.
            continue
        found = _skip(container, stream, keyframe)
        if found is not None:
            return found
    return None


def _skip(container, stream, keyframe):
    """The packets from a keyframe on; None if it is not among those that come, or was passed."""
    source, is_shown = packets(container, stream), shown_packets(stream)
    for packet in source:
        if packet.is_keyframe and packet.pts is not None and is_shown(packet):
            if packet.pts == keyframe.pts:
                return itertools.chain([packet], source)
            if packet.pts > keyframe.pts:
                break
    return None


def _timed(stream, source, keyframe, first):
    """Yields the frames of packets from a keyframe on, with numbers by their times.

    A frame's number is that of the keyframe and how many packets bring frames that are shown
    between the two, whether they can be decoded or not. Frames before `first` that no other frame
    refers to are not decoded.
    """
    is_shown, times, latest = shown_packets(stream), [], -1
    context, ahead = stream.codec_context, collections.deque()
    can_skip = context.name in _CAN_SKIP

    def decoded(packet):
        if can_skip and packet is not None and packet.pts is not None:
            number = keyframe.number + bisect.bisect_left(times, packet.pts)
            context.skip_frame = "NONREF" if number < first else "DEFAULT"
        return frames_of(stream, packet)

    for packet in itertools.chain(source, [None] * (_REORDERED + 1)):
        if packet is not None:
            time = packet.pts
            if time is not None and time >= keyframe.pts and is_shown(packet):
                bisect.insort(times, time)
        ahead.append(packet)
        if len(ahead) <= _REORDERED:
            continue
        for frame in decoded(ahead.popleft()):
            time = frame.pts
            if time is not None and time < keyframe.pts:
                continue  # It is shown before the keyframe and lacks what it refers to.
            # Times only rise: one that is not behind the latest is not found.
            place = len(times) if time is None else bisect.bisect_left(times, time, latest + 1)
            if place == len(times) or times[place] != time:
                raise _MisfitError
            if latest < 0:
                _check_start(frame, keyframe)
            yield keyframe.number + place, frame
            latest = place
    if latest < 0:
        raise _MisfitError


def _counted(stream, source, keyframe, _):
    """Yields the frames of packets from a keyframe on, with numbers as they come."""
    number = keyframe.number - 1
    for packet in itertools.chain(source, [None]):
        for frame in frames_of(stream, packet):
            if number < keyframe.number:
                if keyframe.number > 0 and frame.pts != keyframe.pts:
                    continue  # It is shown before the keyframe and lacks what it refers to.
                _check_start(frame, keyframe)
            number += 1
            yield number, frame
    if 0 <= number < keyframe.number:
        raise _MisfitError


def _check_start(frame, keyframe):
    """Raises a _MisfitError if decoding cannot start at what is said to be a keyframe."""
    if keyframe.number > 0 and (frame.pts != keyframe.pts or frame.pict_type in _PREDICTED):
        raise _MisfitError
