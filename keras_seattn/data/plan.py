"""Which clip comes when: a function of the seed, the epoch and the position, of nothing else."""

import functools
import hashlib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from keras_seattn.data.sampling import ClipRule, Crop, Timeline, random_crop

# If so many random clips of a video touch damaged frames, it has hardly any others.
_TRIES = 20


class Plan:
    """The clips of a training: an endless stream of them, every video once an epoch.

    Epoch e holds the positions e N to (e + 1) N - 1, for N videos in a random
    order of its own. Step s trains on the positions s B to (s + 1) B - 1, for
    batches of B, and belongs to the epoch that holds the first of them.
    With k clips of a video at once, each stands for k positions in a row, and N
    for k times as many.

    Args:
        videos: sequence of int, the videos, in an order that does not depend
            on how they are kept.
        timelines: sequence of `Timeline`, of each of a catalog's videos.
        rule: `ClipRule`.
        batch_size: int, B; no more than an epoch has positions.
        seed: int.
        crop_scales: sequence of float; see `sampling.random_crop`.
        clips_per_open: int, k; a divisor of B.
    """

    def __init__(
        self,
        videos: Sequence[int],
        timelines: Sequence[Timeline],
        rule: ClipRule,
        batch_size: int,
        seed: int,
        crop_scales: Sequence[float],
        clips_per_open: int = 1,
    ):
        self.videos, self.seed, self.clips_per_open = np.array(videos), seed, clips_per_open
        self.positions = clips_per_open * len(self.videos)
        self.batch_size = min(batch_size, self.positions)
        self._timelines, self._rule, self._crop_scales = timelines, rule, crop_scales
        self._orders = functools.lru_cache(4)(self._order)

    def steps(self, epoch: int) -> range:
        """The steps of an epoch, numbered from the beginning of the training."""
        first, end = (-(-e * self.positions // self.batch_size) for e in (epoch, epoch + 1))
        return range(first, end)

    def epoch_of(self, step: int) -> int:
        """The epoch that a step belongs to."""
        return step * self.batch_size // self.positions

    @property
    def digest(self) -> str:
        """Stands for what else the clips depend on: how many frames the videos have, in order.

        And when they are shown, where that counts.
        """
        timelines = [self._timelines[video] for video in self.videos]
        digest = hashlib.sha256(np.array([t.frames for t in timelines], "<i8").tobytes())
        if self._rule.sampling.frame_rate:
            for timeline in timelines:
                times = [timeline.rate] if timeline.times is None else timeline.times
                digest.update(np.array(times, "<f8").tobytes())
        return digest.hexdigest()[:16]

    def candidates(self, opening: int) -> Iterator[tuple[int, Iterator[tuple[np.ndarray, Crop]]]]:
        """What to show at the positions of a video: the first of these that can be read.

        Args:
            opening: int, which positions, their first one divided by k.

        Yields:
            `(video, clips)`: the video of these positions, then those to replace
            it by; and of each some random clips, `(frame numbers, Crop)`.
        """
        epoch, place = divmod(opening, len(self.videos))
        for replacement in itertools.count():
            # That of the order is [seed, epoch], which is the same as [seed, epoch, 0].
            generator = np.random.default_rng([self.seed, epoch, 1 + place, replacement])
            chosen = generator.integers(len(self.videos)) if replacement else place
            video = int(self._orders(epoch)[chosen])
            yield video, self._clips(video, generator)

    def _clips(self, video, generator):
        for _ in range(_TRIES * self.clips_per_open):
            numbers = self._rule.random(self._timelines[video], generator)
            yield numbers, random_crop(generator, self._crop_scales)

    def _order(self, epoch):
        """The videos in the order of an epoch."""
        return np.random.default_rng([self.seed, epoch]).permutation(self.videos)
