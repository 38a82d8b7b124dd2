"""Folders of numbered pictures, which are videos: their frames in the order of their numbers."""

import functools
import itertools
import os
import re
import stat
import warnings
from collections.abc import Iterable, Iterator

import av
import tensorflow as tf

from keras_seattn.data import opening, storage
from keras_seattn.data.opening import VideoError
from keras_seattn.data.pixels import shown_size
from keras_seattn.data.video import Video

SUFFIXES = (".jpeg", ".jpg", ".png")
# Optical flow, which tools write beside the frames that it was made of.
_NO_FRAMES = (".", "flow")


def frames_among(names: Iterable[str]) -> list[str]:
    """The names of frames among those of files, in the order of their numbers.

    Frames are JPEG and PNG pictures with a number in their name.
    """
    frames = [
        name
        for name in names
        if name.lower().endswith(SUFFIXES)
        and not name.startswith(_NO_FRAMES)
        and re.search(r"\d", name)
    ]
    return sorted(frames, key=lambda name: (_parts(name), name))


def frame_names(folder: str) -> list[str]:
    """The names of the frames in a folder, in their order; none if it holds none.

    Raises:
        VideoError: It holds pictures of several kinds.
        OSError: It cannot be listed.
    """
    names = frames_among(storage.list_folder(folder))
    kinds = sorted({re.sub(r"\d+", "#", name.lower()) for name in names})
    if len(kinds) > 1:
        raise VideoError(
            f"{folder}: nobody knows which of its pictures are its frames: they are called "
            f"{', '.join(kinds[:3])} (# is a number). Leave those of one kind in it."
        )
    return names


def status(folder: str) -> storage.Status:
    """That of a folder of frames: how many there are, and the latest change of it or its ends.

    So it tells that frames came and went, or that all were written anew, but
    not that one in the middle was. Without frames the size is 0.
    """
    names = frame_names(folder)
    looked_at = [folder, *(os.path.join(folder, name) for name in names[:1] + names[-1:])]
    changed = max(storage.status(path).st_mtime_ns for path in looked_at)
    return storage.Status(len(names), changed, stat.S_IFDIR)


@functools.cache
def scan(folder: str, *_: int) -> Video:
    """What is known of a folder of frames, until its status changes: looks at one of them.

    Args:
        folder: str.
        _: its size and the time of its last change.

    Raises:
        VideoError: No frame can be decoded, or they have more than
            `opening.MAX_PIXELS`.
    """
    names = frame_names(folder)
    gap = _gap(names)
    if gap:
        warnings.warn(
            f"{folder}: frames are missing, such as those between {gap[0]} and {gap[1]}. What is "
            "there counts as one frame after the other. Copy or extract them again.",
            stacklevel=2,
        )
    numbers = range(len(names))
    _, frame = next(read_pictures(folder, len(names), numbers), (0, None))
    if frame is None:
        _refuse_too_large(os.path.join(folder, names[0]))
        raise VideoError(
            f"{folder}: none of its {len(names)} frames can be decoded. Copy or extract them again."
        )
    height, width = shown_size(frame)
    return Video(folder, len(names), height, width, 1.0, 0.0, False, False, ())


def read_pictures(
    folder: str, count: int, numbers: Iterable[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decodes frames of a folder.

    Args:
        folder: str.
        count: int, how many frames it has.
        numbers: iterable of int, which, from 0.

    Yields:
        `(number, av.VideoFrame)`; those of pictures that are damaged are left
        out.

    Raises:
        VideoError: The folder was changed, or cannot be read any more. The
            message names it.
    """
    try:
        names = frame_names(folder)
        if len(names) != count:
            raise VideoError(
                f"{folder}: holds {len(names)} frames now, and held {count} before. Start again "
                "when nothing changes it any more."
            )
        decoders: dict[str, av.VideoCodecContext] = {}
        for number in numbers:
            with storage.open_file(os.path.join(folder, names[number])) as file:
                content = file.read(8 * opening.MAX_PIXELS)  # More, no picture has.
            codec = "png" if content.startswith(b"\x89PNG") else "mjpeg"
            if codec not in decoders:
                decoders[codec] = _decoder(codec)
            packet = av.Packet(content)
            packet.is_keyframe = True  # Else a PNG picture is added to the one before.
            try:
                frames = decoders[codec].decode(packet) if content else []
            except av.FFmpegError:
                frames = []
            if frames:
                yield int(number), frames[0]
    except (OSError, tf.errors.OpError) as error:
        raise VideoError(f"{folder}: a frame cannot be read: {error}. Check the path.") from error


def _refuse_too_large(path):
    """Says so where it is for its size that a picture is not decoded."""
    try:
        with opening.open_file(path):
            pass
    except opening.TooLargeError:
        raise
    except VideoError:
        pass  # It is damaged.


def _decoder(codec):
    decoder = av.VideoCodecContext.create(codec, "r")
    # Pictures that end early, or whose checksum is wrong, are errors.
    decoder.options = {"max_pixels": str(opening.MAX_PIXELS), "err_detect": "crccheck+explode"}
    decoder.thread_count = 1
    return decoder


def _parts(name):
    """A name as text, number, text, ..., which sorts by numbers."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split(r"(\d+)", name))]


def _gap(names):
    """Two frames that follow each other though most numbers are closer; None where none do."""
    numbers = [_parts(name)[-2] for name in names]
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    usual = min(steps, default=0)
    if 2 * steps.count(usual) <= len(steps) or usual == max(steps, default=0):
        return None
    place = next(place for place, step in enumerate(steps) if step > usual)
    return names[place], names[place + 1]
