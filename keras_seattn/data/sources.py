"""What clips come from, video files or records: how many frames there are, and how to read some."""

import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.decoding import FramesOfClip, VideoError, read_clips
from keras_seattn.data.records import Records
from keras_seattn.data.records.reading import RecordSource
from keras_seattn.data.sampling import Crop, Timeline, View
from keras_seattn.data.unreadable import scan_catalog
from keras_seattn.preprocessing import Sampling
from keras_seattn.processes import release_memory

_READS = 1000  # after which memory is given back


class FileSource:
    """The videos of a catalog. All are opened and checked at once.

    Args:
        catalog: `Catalog`.
        unreadable: `"stop"` or `"skip"`; see `unreadable.scan_catalog`.

    Attributes:
        videos: list of `Video`, None for one that cannot be read.
        frames: int array, the number of frames of each video, 0 for one that
            cannot be read.
        timelines: list of `Timeline`, of each video.
        types: tuple of `tf.DType`, of what `fetch` reads.
        clips_at_once: int, how many consecutive clips are best read at once.

    Raises:
        VideoError: Videos cannot be read; the message lists them.
    """

    types = (tf.uint8,)
    # So few frames are decoded twice, and a long video never lies in memory whole.
    clips_at_once = 16

    def __init__(self, catalog: Catalog, unreadable: str = "stop"):
        self.videos = scan_catalog(catalog, unreadable)
        self.frames = np.array([0 if video is None else video.frames for video in self.videos])
        self.timelines = [
            Timeline(0) if video is None else Timeline.of(video) for video in self.videos
        ]
        self._reads = itertools.count(1)

    def fetch(
        self, video: int, clips: Sequence[tuple[np.ndarray, Crop]], view: View
    ) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Reads the frames of clips of one video, in Python.

        Args:
            video: int, the index into the catalog.
            clips: sequence of `(frame numbers from 0, Crop)`, as many frames of
                each.
            view: `View`.

        Returns:
            `(content, there)`: tuple of arrays, of which `decode` takes what
            belongs to a clip; and bool array, `(clips, frames)`, False for
            frames that cannot be decoded.

        Raises:
            VideoError: The video cannot be read any more. The message names it.
        """
        file = self.videos[video]
        assert file is not None, "Nobody asks for what cannot be read."
        if next(self._reads) % _READS == 0:
            release_memory()
        parts = []
        for numbers, crop in clips:
            window = view.window(crop, file.height, file.width, file.pixel_aspect)
            parts.append(FramesOfClip(numbers, window, crop.flip))
        pixels, there = read_clips(file, parts, (view.size, view.size), filtered=view.filtered)
        return (pixels,), there

    def decode(self, pixels: tf.Tensor, *, frames: int, view: View) -> tf.Tensor:
        """Makes frames of what `fetch` read, in TensorFlow's graph.

        Args:
            pixels: tensor of a clip's part of each array of its content.
            frames: int, how many a clip has.
            view: `View`, as it was given to `fetch`.

        Returns:
            uint8 tensor, `(frames, view.size, view.size, 3)`.
        """
        return tf.ensure_shape(pixels, (frames, view.size, view.size, 3))


def source_of(catalog: Catalog | Records, unreadable: str) -> FileSource | RecordSource:
    """The source of a catalog's videos, or of those of records."""
    if isinstance(catalog, Records):
        return RecordSource(catalog)
    return FileSource(catalog, unreadable)


def check_times(
    paths: Sequence[str],
    timelines: Sequence[Timeline],
    sampling: Sampling,
    of_records: bool = False,
) -> None:
    """Raises a VideoError if a frame rate is asked for and some videos do not tell theirs."""
    if not sampling.frame_rate:
        return
    unknown = [
        path
        for path, timeline in zip(paths, timelines, strict=True)
        if timeline.frames > 1 and not timeline.rate
    ]
    if unknown:
        advice = "take every n-th frame instead, Sampling(frame_stride=n), --frame-stride n"
        if of_records:
            advice = f"write the records again, of files that tell it, or {advice}"
        raise VideoError(
            f"{unknown[0]}: {sampling.frame_rate:g} frames a second are asked for, but nobody "
            f"tells when the frames of {len(unknown)} of {len(paths)} videos are shown: {advice}."
        )
