"""Which frames make a clip, and which part of them: sampling and augmentation."""

import dataclasses
import math
import typing
from collections.abc import Sequence

import numpy as np

from keras_seattn.data.video import Video
from keras_seattn.preprocessing import CONSECUTIVE, Preprocessing, Sampling
from keras_seattn.settings import CROP_SCALES

CROP_POSITIONS = ("center", "top left", "top right", "bottom left", "bottom right")
_ENDS = ("first end", "last end")


# Times of frames are compared with this tolerance, in seconds: Matroska rounds to milliseconds.
ROUNDING = 6e-4


class Timeline(typing.NamedTuple):
    """When the frames of a video are shown.

    Attributes:
        frames: int, how many there are.
        rate: float, their mean number a second; 0 where nobody tells.
        times: float array, when each is shown, in seconds from the first;
            None where all last equally long.
    """

    frames: int
    rate: float = 0.0
    times: np.ndarray | None = None

    @classmethod
    def of(cls, video: Video) -> "Timeline":
        """That of a video file."""
        times = None if video.times is None else np.array(video.times)
        return cls(video.frames, video.rate, times)

    def step(self, sampling: Sampling) -> float:
        """How far apart the frames are that `sampling` takes, in mean frames."""
        return self.rate / sampling.frame_rate if sampling.frame_rate else sampling.frame_stride

    def rounding(self, sampling: Sampling) -> float:
        """The tolerance with which times are compared, in mean frames; none where these count."""
        return min(0.25, ROUNDING * self.rate) if sampling.frame_rate else 0.0

    def places(self, sampling: Sampling) -> np.ndarray | None:
        """When each frame is shown, in mean frames; None for 0, 1, 2, ..."""
        if self.times is None or not sampling.frame_rate:
            return None
        return np.asarray(self.times) * self.rate


@dataclasses.dataclass(frozen=True)
class ClipRule:
    """Which frames of a video make a clip of it.

    Frames are taken from the video at equal distances: every one, every n-th
    one, or at any rate those that are shown at that time. A video that is too
    short for a clip is looped; spread over one, frames come several times.

    Attributes:
        frames: int, how many a clip has.
        sampling: `Sampling`.
        per_video: int, how many clips are tested, evenly spread over the
            video; None for all that do not overlap.

    Example:

    >>> rule = ClipRule(4, keras_seattn.preprocessing.Sampling(frame_rate=15))
    >>> rule.clip(Timeline(300, rate=60), 1)
    array([16, 20, 24, 28])
    """

    frames: int
    sampling: Sampling = CONSECUTIVE
    per_video: int | None = None

    def random(self, timeline: Timeline, generator: np.random.Generator) -> np.ndarray:
        """Frame numbers of a clip for training.

        Every start from which the whole clip fits is as likely.

        Args:
            timeline: `Timeline` of the video.
            generator: `numpy.random.Generator`.

        Returns:
            int array of `frames` frame numbers.
        """
        if self.sampling.frames == "spread":
            return self._spread(timeline, generator.random(self.frames))
        step, places = timeline.step(self.sampling), timeline.places(self.sampling)
        last = _end(timeline, places) - (self.frames - 1) * step - timeline.rounding(self.sampling)
        starts = math.ceil(last) if places is None else int(np.searchsorted(places, last))
        start = int(generator.integers(max(1, starts)))
        return self.looped(self._from(timeline, start if places is None else places[start]))

    def count(self, timeline: Timeline) -> int:
        """How many clips of a video are tested, a looped last one included."""
        if self.per_video:
            return self.per_video
        return 1 if self.sampling.frames == "spread" else -(-self._length(timeline) // self.frames)

    def clip(self, timeline: Timeline, number: int) -> np.ndarray:
        """Frame numbers of a clip for testing.

        Args:
            timeline: `Timeline` of the video.
            number: int from 0, below `count`.

        Returns:
            int array of `frames` frame numbers.
        """
        return self.looped(self.taken(timeline, number))

    def taken(self, timeline: Timeline, number: int) -> np.ndarray:
        """As `clip`, before it is looped: the last one of a video may be shorter."""
        if self.sampling.frames == "spread":
            return self._spread(timeline, (number + 0.5) / (self.per_video or 1))
        start = number * self.frames
        if self.per_video:
            share = number / (self.per_video - 1) if self.per_video > 1 else 0.5
            start = round(max(0, self._length(timeline) - self.frames) * share)
        return self._from(timeline, start * timeline.step(self.sampling))

    def looped(self, taken: np.ndarray) -> np.ndarray:
        """An array of up to `frames` numbers or frames, begun again up to that length."""
        return taken[np.arange(self.frames) % len(taken)]

    def _length(self, timeline):
        """How many frames are taken of a whole video, those of repeated ones included."""
        end = _end(timeline, timeline.places(self.sampling)) - timeline.rounding(self.sampling)
        return max(1, math.ceil(end / timeline.step(self.sampling)))

    def _from(self, timeline, start):
        """The frames that are shown at equal distances from a time on, to the end of the video."""
        places, step = timeline.places(self.sampling), timeline.step(self.sampling)
        left = _end(timeline, places) - timeline.rounding(self.sampling) - start
        there = max(1, math.ceil(left / step))
        times = start + np.arange(min(there, self.frames)) * step + timeline.rounding(self.sampling)
        if places is None:
            return times.astype("int64")
        return np.searchsorted(places, times, side="right") - 1

    def _spread(self, timeline, within):
        """One frame of each of equal parts of a video; `within` its part, from 0 to 1."""
        return ((np.arange(self.frames) + within) * timeline.frames / self.frames).astype("int64")


def _end(timeline, places):
    """When the last frame of a video ends, in mean frames; nobody tells, so as the one before."""
    if places is None:
        return timeline.frames
    return places[-1] + min(1, places[-1] - places[-2])


@dataclasses.dataclass(frozen=True)
class Crop:
    """A square part of a video, one for all frames of a clip.

    Attributes:
        scale: float in (0, 1], the square's side as a share of the shorter
            side of the frame, both as people see them.
        position: str, one of `CROP_POSITIONS`, or `"first end"` or `"last end"`
            of the longer side of the frame.
        flip: bool, whether to mirror left and right.
    """

    scale: float = 1.0
    position: str = "center"
    flip: bool = False

    def window(
        self, height: int, width: int, pixel_aspect: float = 1.0
    ) -> tuple[int, int, int, int]:
        """Which part of a frame the crop is.

        Args:
            height: int, of the frame, in pixels.
            width: int, likewise.
            pixel_aspect: float, the width of a pixel as shown, in heights of
                one.

        Returns:
            `(top, left, rows, columns)`, in pixels; as many columns as rows
            where pixels are square.
        """
        side = self.scale * min(height, width * pixel_aspect)
        rows = min(height, max(1, round(side)))
        columns = min(width, max(1, round(side / pixel_aspect)))
        top, left = round((height - rows) / 2), round((width - columns) / 2)
        if self.position in _ENDS:
            last = self.position == "last end"
            if height > width * pixel_aspect:
                top = last * (height - rows)
            else:
                left = last * (width - columns)
        elif self.position != "center":
            vertical, horizontal = self.position.split()
            top = 0 if vertical == "top" else height - rows
            left = 0 if horizontal == "left" else width - columns
        return top, left, rows, columns


class View(typing.NamedTuple):
    """How a network sees a video: how crops of its frames become the frames of clips.

    Attributes:
        size: int, the side of a clip, in pixels.
        frame: `(height, width)`, the pixels that a whole frame is scaled to,
            without a filter, and of which crops are. None: they are of the
            frame in its own ratio.
    """

    size: int
    frame: tuple[int, int] | None = None

    @classmethod
    def of(cls, size: int, preprocessing: Preprocessing) -> "View":
        """That of a network whose clips have sides of `size` pixels."""
        if preprocessing.frame is None:
            return cls(size)
        height, width = preprocessing.frame
        return cls(size, (round(height * size), round(width * size)))

    @property
    def filtered(self) -> bool:
        """Whether pixels are filtered before some are passed over."""
        return self.frame is None

    @property
    def middle(self) -> Crop:
        """The part of a video that is tested."""
        return Crop() if self.frame is None else Crop(scale=self.size / min(self.frame))

    def tested(self, crops: int) -> list[Crop]:
        """The parts of a video that are tested, list of `Crop`.

        Args:
            crops: 1 for the middle, or 3 for both ends of the longer side too.

        Source:
            Feichtenhofer et al. 2019, SlowFast Networks, Section 4 (inference).
        """
        places = ("center",) if crops == 1 else ("first end", "center", "last end")
        return [dataclasses.replace(self.middle, position=place) for place in places]

    def window(
        self, crop: Crop, height: int, width: int, pixel_aspect: float = 1.0
    ) -> tuple[float, float, float, float]:
        """Which part of a frame a crop is.

        Args:
            crop: `Crop`.
            height, width, pixel_aspect: as of `Crop.window`.

        Returns:
            `(top, left, rows, columns)`, in pixels of the frame: whole ones,
            unless frames are scaled to `frame`.

        Example:

        >>> view = View.of(112, keras_seattn.preprocessing.TORCHVISION)
        >>> view.window(view.middle, 256, 342)
        (16.0, 60.0, 224.0, 224.0)
        """
        if self.frame is None:
            return crop.window(height, width, pixel_aspect)
        top, left, rows, columns = crop.window(*self.frame)
        down, across = height / self.frame[0], width / self.frame[1]
        return top * down, left * across, rows * down, columns * across


def random_crop(generator: np.random.Generator, scales: Sequence[float] = CROP_SCALES) -> Crop:
    """A crop for training: any of the scales, at a corner or the centre, flipped or not.

    Args:
        generator: `numpy.random.Generator`.
        scales: sequence of float in (0, 1], equally likely.

    Returns:
        A `Crop`.
    """
    return Crop(
        scale=float(scales[int(generator.integers(len(scales)))]),
        position=CROP_POSITIONS[int(generator.integers(len(CROP_POSITIONS)))],
        flip=bool(generator.integers(2)),
    )
