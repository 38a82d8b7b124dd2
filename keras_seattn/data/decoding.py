"""Video files -> frames: exactly the frames asked for, decoding no more than they need."""

import bisect
import math
import os
import typing
from collections.abc import Sequence

import av
import numpy as np

from keras_seattn.data.frame_folders import read_pictures
from keras_seattn.data.opening import TooLargeError, VideoError
from keras_seattn.data.pixels import Scaler, Window
from keras_seattn.data.scanning import scan_video
from keras_seattn.data.seeking import decode
from keras_seattn.data.video import Video

__all__ = [
    "FramesOfClip",
    "MissingFramesError",
    "TooLargeError",
    "Video",
    "VideoError",
    "decode",
    "read_clips",
    "read_frames",
    "read_present",
    "read_video",
    "scan_video",
]
# To open a file again and seek takes about as long as to decode so many frames.
_WORTH_SEEKING = 16


class MissingFramesError(VideoError):
    """Frames of a video that cannot be decoded, where others can."""


def read_frames(
    video: Video,
    numbers: Sequence[int] | np.ndarray,
    window: Window | None = None,
    size: tuple[int, int] | None = None,
    *,
    flip: bool = False,
    filtered: bool = True,
) -> np.ndarray:
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
        filtered: bool; see `pixels.Scaler`.

    Returns:
        uint8 array, `(len(numbers), height, width, 3)`, RGB.

    Raises:
        VideoError: The file cannot be read any more. The message names it.
        MissingFramesError: Frames that were asked for are damaged. It is a
            VideoError; others of the file can be read.
        IndexError: A number is outside of the video.
    """
    pixels, there = read_present(video, numbers, window, size, flip=flip, filtered=filtered)
    if not there.all():
        missing = np.unique(np.asarray(numbers)[~there])
        raise MissingFramesError(
            f"{video.path}: the file is damaged: {len(missing)} frames asked for cannot be "
            f"decoded, such as {missing[0]} of {video.frames}. Copy or download it again, or leave "
            "it out."
        )
    return pixels


def read_present(
    video: Video,
    numbers: Sequence[int] | np.ndarray,
    window: Window | None = None,
    size: tuple[int, int] | None = None,
    *,
    flip: bool = False,
    filtered: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """As `read_frames`, but frames that cannot be decoded are no error.

    Returns:
        `(pixels, there)`: `there` is a bool array, `(len(numbers),)`, False for
        frames that cannot be decoded, whose pixels mean nothing.
    """
    clip = FramesOfClip(numbers, window, flip)
    pixels, there = read_clips(video, [clip], size, filtered=filtered)
    return pixels[0], there[0]


class FramesOfClip(typing.NamedTuple):
    """What `read_clips` reads of a video for one clip.

    Attributes:
        numbers: sequence of int, frame numbers from 0.
        window: as of `read_frames`.
        flip: bool, whether to mirror left and right.
    """

    numbers: Sequence[int] | np.ndarray
    window: Window | None = None
    flip: bool = False


def read_clips(
    video: Video,
    clips: Sequence[FramesOfClip],
    size: tuple[int, int] | None = None,
    *,
    filtered: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Reads the frames of several clips of a video file; each is decoded once.

    Args:
        video: `Video`.
        clips: sequence of `FramesOfClip`, each with as many frames.
        size, filtered: as of `read_frames`.

    Returns:
        `(pixels, there)`: uint8 array, `(clips, frames, height, width, 3)`, and
        bool array, `(clips, frames)`, False for frames that cannot be decoded,
        whose pixels mean nothing.

    Raises:
        VideoError: The file cannot be read any more. The message names it.
        IndexError: A number is outside of the video.
    """
    numbers = np.array([clip.numbers for clip in clips])
    if numbers.min() < 0 or numbers.max() >= video.frames:
        raise IndexError(
            f"`numbers` must be from 0 to {video.frames - 1} for {video.path}. Received: "
            f"{numbers.min()} to {numbers.max()}"
        )
    whole, window = (video.height, video.width), clips[0].window
    size = size or ((int(window[2]), int(window[3])) if window else whole)
    places: dict[int, dict[int, list[int]]] = {}
    for (clip, place), number in np.ndenumerate(numbers):
        places.setdefault(int(number), {}).setdefault(clip, []).append(place)
    pixels = np.empty((*numbers.shape, *size, 3), "uint8")
    there = np.zeros(numbers.shape, bool)
    scale = Scaler()
    for number, frame in _decode_wanted(video, sorted(places)):
        try:
            if scale.shown_size(frame) != whole:  # The size changes in the middle of the file.
                image = np.ascontiguousarray(scale(frame, size=whole))
                frame = av.VideoFrame.from_ndarray(image)
            for clip, own in places[number].items():
                _, window, flip = clips[clip]
                pixels[clip, own] = scale(frame, window, size, flip=flip, filtered=filtered)
                there[clip, own] = True
        except av.FFmpegError as error:
            raise VideoError(
                f"{video.path}: frame {number} cannot be scaled: {error}. Encode the video anew, "
                "or leave it out."
            ) from error
    return pixels, there


def _decode_wanted(video, wanted):
    """Yields `(number, frame)` of frames of rising numbers, seeking where frames lie far apart."""
    if not video.keyframes:
        yield from read_pictures(video.path, video.frames, wanted)
        return
    before = video.first or 0
    keyframes = [keyframe.number - before for keyframe in video.keyframes]
    first = 0
    for place, number in enumerate(wanted, start=1):
        following = wanted[place] if place < len(wanted) else math.inf
        sought = keyframes[bisect.bisect_right(keyframes, following) - 1]
        if following == math.inf or sought - number > _WORTH_SEEKING:
            run = set(wanted[first:place])
            for decoded, frame in decode(video, wanted[first], number):
                if decoded in run:
                    yield decoded, frame
            first = place


def read_video(path: str | os.PathLike) -> np.ndarray:
    """Reads all frames of a video.

    Args:
        path: str or path, of any file that FFmpeg reads, or of a folder of
            frames.

    Returns:
        uint8 array, `(frames, height, width, 3)`, RGB; frames that cannot be
        decoded are left out. Pixels are as stored, square or not.

    Raises:
        VideoError: The file cannot be read; the message names it and what to
            do.

    Example:

    >>> frames = keras_seattn.data.read_video("v_Archery_g01_c01.avi")
    >>> frames.shape
    (164, 240, 320, 3)
    """
    video = scan_video(os.fspath(path))
    pixels, there = read_present(video, range(video.frames))
    return pixels if there.all() else pixels[there]
