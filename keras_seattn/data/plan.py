"""Which clip comes when: a function of the seed, the epoch and the position, of nothing else."""

import functools
import hashlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from keras_seattn.data.sampling import Crop, random_clip, random_crop

# If so many random clips of a video touch damaged frames, it has hardly any others.
_TRIES = 20


class Plan:
    """The clips of a training: an endless stream of them, one of each video an epoch.

    Epoch e holds the positions e N to (e + 1) N - 1, for N videos in a random
    order of its own. Step s trains on the positions s B to (s + 1) B - 1, for
    batches of B, and belongs to the epoch that holds the first of them.

    Args:
        videos: sequence of int, the videos, in an order that does not depend
            on how they are kept.
        video_frames: sequence of int, how many frames each of a catalog's
            videos has.
        frames: int, the number of frames of a clip.
        batch_size: int, B; no more than there are videos.
        seed: int.
        crop_scales: sequence of float; see `sampling.random_crop`.
    """

    def __init__(
        self,
        videos: Sequence[int],
        video_frames: Sequence[int] | np.ndarray,
        frames: int,
        batch_size: int,
        seed: int,
        crop_scales: Sequence[float],
    ):
        self.videos, self.seed = np.array(videos), seed
        self.batch_size = min(batch_size, len(self.videos))
        self._video_frames, self._frames = video_frames, frames
        self._crop_scales = crop_scales
        self._orders = functools.lru_cache(4)(self._order)

    def steps(self, epoch: int) -> range:
        """The steps of an epoch, numbered from the beginning of the training."""
        first, end = (-(-e * len(self.videos) // self.batch_size) for e in (epoch, epoch + 1))
        return range(first, end)

    def epoch_of(self, step: int) -> int:
        """The epoch that a step belongs to."""
        return step * self.batch_size // len(self.videos)

    @property
    def digest(self) -> str:
        """Stands for what else the clips depend on: how many frames the videos have, in order."""
        frames = np.array([self._video_frames[video] for video in self.videos], "<i8")
        return hashlib.sha256(frames.tobytes()).hexdigest()[:16]

    def candidates(self, position: int) -> Iterator[tuple[int, Iterator[tuple[np.ndarray, Crop]]]]:
        """What to show at a position: the first of these that can be read.

        Yields:
            `(video, clips)`: the video of that position, then those to replace
            it by; and of each some random clips, `(frame numbers, Crop)`.
        """
        epoch, place = divmod(position, len(self.videos))
        for replacement in itertools.count():
            # That of the order is [seed, epoch], which is the same as [seed, epoch, 0].
            generator = np.random.default_rng([self.seed, epoch, 1 + place, replacement])
            chosen = generator.integers(len(self.videos)) if replacement else place
            video = int(self._orders(epoch)[chosen])
            yield video, self._clips(video, generator)

    def _clips(self, video, generator):
        for _ in range(_TRIES):
            numbers = random_clip(self._video_frames[video], self._frames, generator)
            yield numbers, random_crop(generator, self._crop_scales)

    def _order(self, epoch):
        """The videos in the order of an epoch."""
        return np.random.default_rng([self.seed, epoch]).permutation(self.videos)
