"""Which frames make a clip, and which part of them: sampling and augmentation."""

import dataclasses
import typing
from collections.abc import Sequence

import numpy as np

from keras_seattn.preprocessing import Preprocessing
from keras_seattn.settings import CROP_SCALES

CROP_POSITIONS = ("center", "top left", "top right", "bottom left", "bottom right")


def random_clip(video_frames: int, clip_frames: int, generator: np.random.Generator) -> np.ndarray:
    """Frame numbers of a clip that starts at a random frame.

    Every start from which the whole clip fits is as likely. A video that is
    too short is looped.

    Args:
        video_frames: int, the number of frames of the video.
        clip_frames: int, the number of frames of the clip.
        generator: `numpy.random.Generator`.

    Returns:
        int array of `clip_frames` frame numbers.
    """
    start = generator.integers(max(1, video_frames - clip_frames + 1))
    return (start + np.arange(clip_frames)) % video_frames


def consecutive_clip(video_frames: int, clip_frames: int, number: int) -> np.ndarray:
    """Frame numbers of clip `number` of those that cut a video up without overlap.

    The last clip is looped to length: its own frames start again.

    Args:
        video_frames: int, the number of frames of the video.
        clip_frames: int, the number of frames of the clip.
        number: int from 0, below `count_consecutive_clips`.

    Returns:
        int array of `clip_frames` frame numbers.
    """
    start = number * clip_frames
    return start + np.arange(clip_frames) % min(clip_frames, video_frames - start)


def count_consecutive_clips(video_frames: int, clip_frames: int) -> int:
    """The number of clips that a video is cut up into, the looped last one included."""
    return -(-video_frames // clip_frames)


@dataclasses.dataclass(frozen=True)
class Crop:
    """A square part of a video, one for all frames of a clip.

    Attributes:
        scale: float in (0, 1], the square's side as a share of the shorter
            side of the frame, both as people see them.
        position: str, one of `CROP_POSITIONS`.
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
        if self.position != "center":
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
