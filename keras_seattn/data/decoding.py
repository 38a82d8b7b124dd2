"""Video files -> frames: exactly the frames asked for, decoding no more than they need."""

import contextlib
import dataclasses
import fractions
import functools
import itertools
import os
import typing

import av
import av.filter
import numpy as np
import tensorflow as tf

from keras_seattn.data import storage

# A file with fewer frames than this share of what its header promises was cut off.
COMPLETE_SHARE = 0.9
# One packet of these codecs does not always hold one frame, so their frames are counted by
# decoding: VP8 has packets that are never shown.
COUNTED_BY_DECODING = ("vp8",)
# Larger frames are refused before memory is taken for them: a damaged or hostile header may ask for
# gigabytes. It is above 8K video (7680 x 4320); set it higher where that is not enough.
MAX_PIXELS = 2**25
# Of FFmpeg's AVColorSpace: unspecified, BT.470 BG and SMPTE 170M, which are those of BT.601; and of
# its AVColorRange: unspecified and MPEG, which is limited.
_USUAL_COLORS, _USUAL_RANGES = (2, 5, 6), (0, 1)


class VideoError(ValueError):
    """A video file that cannot be read; the message names the file and what to do."""


class TooLargeError(VideoError):
    """A video whose frames have more than `MAX_PIXELS`."""


@dataclasses.dataclass(frozen=True)
class Video:
    """What must be known of a video file to read any of its frames.

    Attributes:
        path: str.
        frames: int, the number of frames that a sequential decode delivers.
        height: int, in pixels, as the video is shown: turned upright where
            the file says so, as those of phones do.
        width: int, likewise.
        rate: float, the mean number of frames per second; 0 if the file does
            not tell.
        plain: bool, whether frames are shown as they are stored, not turned,
            and in the usual colours: ITU-R BT.601, of limited range.
        keyframes: tuple of `(frame number, dts)` pairs in rising order: where
            decoding can start, and the time stamp to seek to. The first is
            frame 0.
    """

    path: str
    frames: int
    height: int
    width: int
    rate: float
    plain: bool
    keyframes: tuple


class _Packet(typing.NamedTuple):
    """What is kept of a packet, without its data."""

    pts: int | None
    dts: int | None
    is_keyframe: bool
    is_corrupt: bool


def scan_video(path):
    """Finds out the size, the number of frames and the keyframes of a video file.

    Reads the whole file but decodes one frame only (about 2 ms for a video of
    UCF-101). The answer is remembered until the file changes.

    Args:
        path: str or path, of any file that FFmpeg reads, or an address such as
            `s3://...`, read with tensorflow-io.

    Returns:
        A `Video`.

    Raises:
        VideoError: There is no such file, or it is empty, cut off, no video,
            without a video stream or not decodable, or its frames have more
            than `MAX_PIXELS`. The message names it.
    """
    path = os.fspath(path)
    try:
        status = storage.status(path)
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror or error}. Check the path.") from error
    if not storage.is_remote(path) and os.path.isdir(path):
        raise VideoError(f"{path}: is a folder, not a video file. Name a file in it.")
    if status.st_size == 0:
        raise VideoError(f"{path}: the file is empty. Copy or download it again.")
    return _scan(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _scan(path, size, changed):
    with _open_stored(path) as (container, stream):
        packets = [
            _Packet(packet.pts, packet.dts, packet.is_keyframe, packet.is_corrupt)
            for packet in container.demux(stream)
            if packet.size
        ]
        promised = stream.frames
        by_decoding = stream.codec_context.name in COUNTED_BY_DECODING
        height, width = stream.codec_context.height, stream.codec_context.width
        rate = float(stream.average_rate or 0)
    if not packets or len(packets) < COMPLETE_SHARE * promised or packets[-1].is_corrupt:
        raise VideoError(
            f"{path}: the file is cut off: {len(packets)} frames where its header promises "
            f"{promised or 'more'}. Copy or download it again."
        )
    video = Video(path, len(packets), height, width, rate, False, keyframes=((0, None),))
    if by_decoding:
        video = dataclasses.replace(video, frames=sum(1 for _ in _decode(video, 0)))
    _, frame = next(_decode(video, 0), (0, None))
    if frame is None:
        raise VideoError(f"{path}: no frame can be decoded. Copy or download it again.")
    height, width = shown_size(frame)
    keyframes = video.keyframes if by_decoding else _keyframes(packets)
    return dataclasses.replace(
        video, height=height, width=width, plain=_is_plain(frame), keyframes=keyframes
    )


def _keyframes(packets):
    """The (frame number, dts) pairs of the keyframes among the packets of a stream."""
    times = [packet.pts for packet in packets]
    if None in times or len(set(times)) < len(times):
        return ((0, None),)
    # Packets come in decoding order. A frame's number is its place in the order of display.
    order = np.sort(times)
    keyframes = [(0, None)]
    for packet in packets[1:]:
        if packet.is_keyframe and packet.dts is not None:
            keyframes.append((int(np.searchsorted(order, packet.pts)), packet.dts))
    return tuple(keyframes)


def read_frames(video, numbers, window=None, size=None, flip=False):
    """Reads frames of a video file by number, cropping and scaling on the way.

    Decoding starts at the last keyframe before the first frame asked for and
    ends at the last one. Frames are those of a sequential decode of the whole
    file, to the pixel.

    Args:
        video: `Video`, from `scan_video`.
        numbers: sequence of int, frame numbers from 0, in any order, with or
            without repeats.
        window: `(top, left, height, width)` of the part of a frame to keep, in
            pixels; None keeps all. It begins at even pixels: odd ones are
            rounded, for colours are mostly stored for every second one.
        size: `(height, width)` to scale that part to, in pixels; None keeps
            its size.
        flip: bool, whether to mirror left and right.

    Returns:
        uint8 array, `(len(numbers), height, width, 3)`, RGB.

    Raises:
        VideoError: The file is damaged. The message names it.
        IndexError: A number is outside of the video.
    """
    numbers = np.asarray(numbers)
    if numbers.min() < 0 or numbers.max() >= video.frames:
        raise IndexError(
            f"`numbers` must be from 0 to {video.frames - 1} for {video.path}. Received: "
            f"{numbers.min()} to {numbers.max()}"
        )
    whole = (video.height, video.width)
    size = size or (window[2:] if window else whole)
    wanted = np.unique(numbers)
    pixels = np.empty((len(wanted), *size, 3), "uint8")
    scale = Scaler()
    found = 0
    for number, frame in _decode(video, wanted[0]):
        if number == wanted[found]:
            try:
                if shown_size(frame) != whole:  # The size changes in the middle of the file.
                    image = np.ascontiguousarray(scale(frame, size=whole))
                    frame = av.VideoFrame.from_ndarray(image)
                pixels[found] = scale(frame, window, size, flip)
            except av.FFmpegError as error:
                raise VideoError(
                    f"{video.path}: frame {number} cannot be scaled: {error}. Encode the video "
                    "anew, or leave it out."
                ) from error
            found += 1
            if found == len(wanted):
                return pixels[np.searchsorted(wanted, numbers)]
    raise VideoError(
        f"{video.path}: the file is damaged: it ends before frame {wanted[found]} of "
        f"{video.frames}. Copy or download it again, or leave it out."
    )


def shown_size(frame):
    """The height and width that a decoded frame is shown with, in pixels."""
    lying = frame.rotation % 180 != 0
    return (frame.width, frame.height) if lying else (frame.height, frame.width)


def frame_pixels(frame):
    """A decoded frame in RGB, upright: uint8 array, `(height, width, 3)`."""
    return np.rot90(frame.to_ndarray(format="rgb24"), _turns(frame))


def _turns(frame):
    """The quarter turns to the left by which a decoded frame is turned to be shown."""
    return round(frame.rotation / 90) % 4


def _is_plain(frame):
    usual = frame.colorspace in _USUAL_COLORS and frame.color_range in _USUAL_RANGES
    return usual and _turns(frame) == 0


class Scaler:
    """Crops and scales decoded frames, by FFmpeg's filters, which it keeps from frame to frame.

    Cropping comes first: it costs nothing, and what is cut off need not be
    scaled.
    """

    def __init__(self):
        self._made_for, self._filters = None, None

    def __call__(self, frame, window=None, size=None, flip=False):
        """A decoded frame in RGB, upright, cropped and scaled.

        Args:
            frame: `av.VideoFrame`.
            window: `(top, left, height, width)` of the frame as it is shown,
                in pixels; None keeps all. It begins at even pixels: odd ones
                are rounded.
            size: `(height, width)` to scale that to, in pixels; None keeps it.
            flip: bool, whether to mirror left and right.

        Returns:
            uint8 array, `(height, width, 3)`.
        """
        whole = shown_size(frame)
        window = tuple(window or (0, 0, *whole))
        size = tuple(size or window[2:])
        if window == (0, 0, *whole) and size == whole:
            pixels = frame_pixels(frame)
            return pixels[:, ::-1] if flip else pixels
        turns = _turns(frame)
        wanted = (frame.height, frame.width, frame.format.name, turns, window, size, flip)
        if wanted != self._made_for:
            self._filters = _crop_and_scale(frame, turns, window, size, flip)
            self._made_for = wanted
        self._filters.vpush(frame)
        return np.rot90(self._filters.vpull().to_ndarray(), turns)


def _crop_and_scale(frame, turns, window, size, flip):
    """The filters for frames like this one; `window`, `size` and `flip` are of it as shown."""
    top, left, rows, columns = window
    height, width = shown_size(frame)
    for _ in range(turns):
        # Turned back clockwise by a quarter, to how the frame is stored.
        top, left, rows, columns = left, height - top - rows, columns, rows
        height, width, size = width, height, size[::-1]
    # Most formats store colours for every second pixel only, so a crop begins at such a one.
    top, left = top // 2 * 2, left // 2 * 2
    filters = av.filter.Graph()
    filters.threads = 1
    chain = [
        filters.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or fractions.Fraction(1, 25),
        ),
        filters.add("crop", f"{columns}:{rows}:{left}:{top}:exact=1"),
    ]
    if flip:
        chain.append(filters.add("vflip" if turns % 2 else "hflip"))
    chain += [
        filters.add("scale", f"{size[1]}:{size[0]}:flags=bilinear"),
        filters.add("format", "rgb24"),
        filters.add("buffersink"),
    ]
    filters.link_nodes(*chain).configure()
    return filters


def read_video(path):
    """Reads all frames of a video file.

    Args:
        path: str or path, of any file that FFmpeg reads.

    Returns:
        uint8 array, `(frames, height, width, 3)`, RGB.

    Raises:
        VideoError: The file cannot be read; the message names it and what to
            do.

    Example:

    >>> frames = keras_seattn.data.read_video("v_Archery_g01_c01.avi")
    >>> frames.shape
    (164, 240, 320, 3)
    """
    video = scan_video(path)
    return read_frames(video, range(video.frames))


def _decode(video, first):
    """Yields `(number, frame)` from the last keyframe at or before frame `first` on."""
    number, dts = max(keyframe for keyframe in video.keyframes if keyframe[0] <= first)
    if number > 0:
        with _open_stored(video.path) as (container, stream):
            # Containers find their keyframes by decoding time, so that is what to seek to.
            container.seek(dts, stream=stream)
            packets = container.demux(stream)
            packet = next(packets, None)
            if packet is not None and packet.dts == dts and packet.is_keyframe:
                packets = itertools.chain([packet], packets)
                frames = (frame for packet in packets for frame in packet.decode())
                # Frames that are shown before the keyframe lack what they refer to.
                frames = itertools.dropwhile(lambda frame: not frame.key_frame, frames)
                yield from enumerate(frames, start=number)
                return
    with _open_stored(video.path) as (container, stream):
        yield from enumerate(container.decode(stream))


@contextlib.contextmanager
def _open_stored(path):
    """`open_video` of a file, local or remote, rather than of an address that streams."""
    if not storage.is_remote(path):
        with open_video(path) as opened:
            yield opened
        return
    try:
        file = storage.open_file(path)
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror or error}. Check the path.") from error
    with file, open_video(path, file) as opened:
        yield opened


@contextlib.contextmanager
def open_video(path, file=None, format=None, timeout=None):
    """Opens a video as a context: `(container, its first video stream)`.

    Args:
        path: str, a file, or an address or camera; what errors name.
        file: str or file object, what FFmpeg is to open; None means `path`.
        format: str, the name of an FFmpeg format; None lets FFmpeg find out.
        timeout: float, seconds to wait for an address; None waits for ever.

    Raises:
        VideoError: It cannot be read, at once or within the context.
    """
    try:
        container = av.open(file or path, format=format, timeout=timeout)
    except (av.FFmpegError, OSError, ValueError, tf.errors.OpError) as error:
        advice = (
            "Check the address, or the camera's name and whether another program uses it."
            if format or timeout
            else "If it should be a video, copy or download it again; else take it out of the "
            "folder or list."
        )
        raise VideoError(
            f"{path}: FFmpeg cannot read it: {getattr(error, 'strerror', None) or error}. {advice}"
        ) from error
    with container:
        if not container.streams.video:
            raise VideoError(
                f"{path}: the file has no video stream. Take it out of the folder or list."
            )
        stream = container.streams.video[0]
        context = stream.codec_context
        if context is None:
            raise VideoError(
                f"{path}: FFmpeg has no decoder for its video stream. If it plays elsewhere, "
                "encode it anew, as H.264 for example; else take it out of the folder or list."
            )
        if context.height * context.width > MAX_PIXELS:
            raise TooLargeError(
                f"{path}: its frames have {context.width} x {context.height} pixels, more than "
                f"{MAX_PIXELS:,}. If they are meant to, set keras_seattn.data.decoding.MAX_PIXELS "
                "higher; else take it out of the folder or list."
            )
        # The decoder looks too, for frames may be larger than headers say. It counts with edges.
        context.options = {"max_pixels": str(2 * MAX_PIXELS + 2**20)}
        # Clips are decoded in parallel, which uses the cores better than threads in one decoder.
        context.thread_count = 1
        try:
            yield container, stream
        except (av.FFmpegError, tf.errors.OpError) as error:
            raise VideoError(
                f"{path}: the file is damaged: {getattr(error, 'strerror', error)}. Copy or "
                "download it again, or leave it out."
            ) from error
