"""Opens video files, addresses and cameras; names those that cannot be opened, and what to do."""

import contextlib
import functools
import os
from collections.abc import Iterator

import av
import av.container
import tensorflow as tf

from keras_seattn.data import storage
from keras_seattn.errors import InputError

# Larger frames are refused before memory is taken for them: a damaged or hostile header may ask for
# gigabytes. It is above 8K video (7680 x 4320); set it higher where that is not enough.
MAX_PIXELS = 2**25
# Formats whose files name other files and addresses, which FFmpeg would open, and how they begin.
_LISTS = ("concat", "dash", "hls", "lavfi", "mlv", "rtp", "rtsp", "sap", "sdp", "vobsub")
_BEGINNINGS = (b"ffconcat", b"#EXTM3U", b"v=0")
_NOT_A_VIDEO = (
    "If it should be a video, copy or download it again; else take it out of the folder or list."
)


class VideoError(InputError):
    """A video file that cannot be read; the message names the file and what to do."""


class TooLargeError(VideoError):
    """A video whose frames have more than `MAX_PIXELS`."""


@contextlib.contextmanager
def open_file(path: str) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Opens a video file, local or remote, as a context: `(container, its video stream)`.

    Whatever it holds, no other file and no address is opened: playlists are
    refused. The stream is the first that is not a cover picture.

    Raises:
        VideoError: It cannot be read, at once or within the context.
    """
    options = {
        "format_whitelist": _formats_of_one_file(),
        "protocol_whitelist": "file",
        "pattern_type": "none",  # of numbered pictures: "%03d" in a name stands for itself
    }
    with contextlib.ExitStack() as stack:
        try:
            # By its absolute path: FFmpeg takes `12:30.avi` for an address.
            source = os.path.abspath(path)
            if storage.is_remote(path):
                source = stack.enter_context(storage.open_file(path))
            container = av.open(source, container_options=options)
        except FileNotFoundError as error:
            raise VideoError(f"{path}: {error.strerror}. Was it moved or deleted?") from error
        except (av.FFmpegError, OSError, ValueError, tf.errors.OpError) as error:
            if _is_list(path):
                raise VideoError(
                    f"{path}: is a playlist, which names other files or addresses, and these are "
                    "not opened for it. Name the video files themselves."
                ) from error
            raise _unreadable(path, error, _NOT_A_VIDEO) from error
        yield stack.enter_context(_film(path, container))


@contextlib.contextmanager
def open_stream(
    source: str, target: str, *, format: str | None = None, timeout: float | None = None
) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Opens an address or a camera as a context: `(container, its video stream)`.

    Args:
        source: str, what errors name.
        target: str, what FFmpeg is to open.
        format: str, the name of FFmpeg's input device; None for an address.
        timeout: float, seconds to wait for an address; None waits for ever.

    Raises:
        VideoError: It cannot be read, at once or within the context.
    """
    try:
        container = av.open(target, format=format, timeout=timeout)
    except (av.FFmpegError, OSError, ValueError) as error:
        advice = "Check the address, or the camera's name and whether another program uses it."
        raise _unreadable(source, error, advice) from error
    with _film(source, container) as opened:
        yield opened


def packets(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet]:
    """The packets of a stream with data in them, to where it ends or cannot be read any further.

    As the `ffmpeg` command does it: what follows an error of the container is
    not there.
    """
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except IndexError:
        pass  # A stream that appeared late confuses PyAV, at the end of the file.
    except av.FFmpegError:
        pass


def frames_of(stream: av.VideoStream, packet: av.Packet | None) -> list[av.VideoFrame]:
    """The frames that a packet brings; none if they cannot be decoded. None flushes the decoder."""
    try:
        frames = stream.decode(packet)
    except av.FFmpegError:
        return []
    if packet is None:
        for frame in frames:
            frame.time_base = stream.time_base  # which PyAV takes from the packet
    return frames


@contextlib.contextmanager
def _film(path, container):
    """The container and its video stream, ready to decode."""
    with container:
        cover = av.stream.Disposition.attached_pic
        films = [stream for stream in container.streams.video if not stream.disposition & cover]
        if not films:
            raise VideoError(
                f"{path}: the file has no video stream. Take it out of the folder or list."
            )
        stream = next((film for film in films if film.codec_context is not None), None)
        if stream is None:
            raise VideoError(
                f"{path}: FFmpeg has no decoder for its video stream. If it plays elsewhere, "
                "encode it anew, as H.264 for example; else take it out of the folder or list."
            )
        context = stream.codec_context
        if context.height * context.width > MAX_PIXELS:
            raise TooLargeError(
                f"{path}: its frames have {context.width} x {context.height} pixels, more than "
                f"{MAX_PIXELS:,}. If they are meant to, set keras_seattn.data.opening.MAX_PIXELS "
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


def _unreadable(path, error, advice):
    reason = getattr(error, "strerror", None) or error
    return VideoError(f"{path}: FFmpeg cannot read it: {reason}. {advice}")


@functools.cache
def _formats_of_one_file():
    """The names of FFmpeg's formats but for those of lists, with commas between them."""
    names = {name for names in av.formats_available for name in names.split(",")}
    return ",".join(sorted(names.difference(_LISTS)))


def _is_list(path):
    """Whether a file that cannot be opened begins as playlists do."""
    try:
        with storage.open_file(path) as file:
            content = file.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n")
            return content.startswith(_BEGINNINGS) or b"<MPD" in content
    except OSError:
        return False
