"""The clips of a training as a data set that knows its steps, and can begin at any."""

import collections
import sys
import zlib
from collections.abc import Callable

import tensorflow as tf

from keras_seattn.data.clip_dataset import ClipDataset, numpy_function
from keras_seattn.data.plan import Plan

# Where Keras draws a batch before it trains, to learn the shapes of a model's inputs.
_BUILDING = ("_symbolic_build", "_maybe_symbolic_build")
_MOST_DIGESTS = 4096


class TrainingClips(ClipDataset):
    """The batches of a plan. The k-th iteration is epoch k.

    What Keras draws before the first epoch, to build a model, is no iteration.

    Args:
        plan: `Plan`.
        clips_at: function of a dataset of positions that returns one of
            `(clip, label, position)`, clips uint8.
        preprocess: function of a batch of clips.
        first_step: int, the step to begin at, counted from the beginning of
            the training.
    """

    def __init__(
        self,
        plan: Plan,
        clips_at: Callable[[tf.data.Dataset], tf.data.Dataset],
        preprocess: Callable[[tf.Tensor], tf.Tensor],
        first_step: int = 0,
    ):
        self._plan, self._first_step = plan, first_step
        self._epoch = plan.epoch_of(first_step)
        self._digests: dict[int, str] = collections.OrderedDict()
        size = plan.batch_size

        def finish(clips, labels, positions):
            noted = numpy_function(self._note, [positions[0], clips, labels], [tf.bool])
            with tf.control_dependencies(noted):
                return preprocess(clips), tf.identity(labels)

        positions = tf.data.Dataset.range(1).flat_map(
            lambda _: tf.data.Dataset.range(*numpy_function(self._begin, [], [tf.int64] * 2))
        )
        batches = clips_at(positions).batch(size, drop_remainder=True)
        batches = batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        super().__init__(batches.prefetch(tf.data.AUTOTUNE), most=len(plan.steps(0)))

    def steps(self, epoch: int) -> range:
        """The steps of an epoch, numbered from the beginning of the training."""
        return self._plan.steps(epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Makes the next iteration that of an epoch, without its steps before `first_step`."""
        self._epoch = epoch

    def taken(self, step: int) -> str:
        """A digest of the clips and labels of a step that was drawn; it is given once."""
        return self._digests.pop(step)

    # What the data set calls while it is iterated.

    def _begin(self):
        """The positions of an iteration: the first, and the one behind the last."""
        steps = self.steps(self._epoch)
        if not _keras_builds():
            self._epoch += 1
        first = min(max(steps.start, self._first_step), steps.stop)
        return first * self._plan.batch_size, steps.stop * self._plan.batch_size

    def _note(self, position, clips, labels):
        """Notes the digest of a batch."""
        step = int(position) // self._plan.batch_size
        self._digests[step] = f"{zlib.crc32(clips, zlib.crc32(labels)):08x}"
        while len(self._digests) > _MOST_DIGESTS:
            self._digests.popitem(last=False)
        return (True,)


def _keras_builds():
    """Whether Keras waits for this iteration's first batch only to build a model."""
    for frame in sys._current_frames().values():
        while frame is not None:
            if frame.f_code.co_name in _BUILDING:
                return True
            frame = frame.f_back
    return False
