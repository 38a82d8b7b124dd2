"""The clips of a training as a data set that knows its steps, and can begin at any."""

import collections
import sys
import zlib
from collections.abc import Callable, Iterable

import keras
import tensorflow as tf

from keras_seattn.data.clip_dataset import ClipDataset, numpy_function
from keras_seattn.data.plan import Plan

# Where Keras draws a batch before it trains, to learn the shapes of a model's inputs.
_BUILDING = ("_symbolic_build", "_maybe_symbolic_build")
_MOST_DIGESTS = 4096


class TrainingClips(ClipDataset):
    """The batches of a plan. The k-th iteration is epoch k.

    What Keras draws before the first epoch, to build a model, is no iteration.
    `fit` of this package's networks ends epochs where they end; for that of
    another model see `callbacks_of_epochs`.

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
        self.plan, self._first_step = plan, first_step
        self._epoch = plan.epoch_of(first_step)
        self._digests: dict[int, str] = collections.OrderedDict()
        size = plan.batch_size

        def finish(clips, labels, positions):
            # Of every fourth row of pixels of every frame, in which another clip is another one.
            _, frames, height, width, _ = clips.shape
            rows = tf.reshape(clips, (size, frames * height, width * 3))
            rows = tf.gather(rows, range(0, frames * height, 4), axis=1)
            prints = tf.fingerprint(tf.reshape(rows, (size, -1)))
            noted = numpy_function(self._note, [positions[0], prints, labels], [tf.bool])
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
        return self.plan.steps(epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Makes the next iteration that of an epoch, without its steps before `first_step`."""
        self._epoch = epoch

    def taken(self, step: int) -> str:
        """A digest of the clips and labels of a step that was drawn; it is given once."""
        return self._digests.pop(step)

    def steps_left(self) -> range:
        """The steps of the next iteration."""
        steps = self.steps(self._epoch)
        return range(min(max(steps.start, self._first_step), steps.stop), steps.stop)

    def callbacks_of_epochs(
        self, callbacks: Iterable[keras.callbacks.Callback] | None = None
    ) -> list[keras.callbacks.Callback]:
        """Callbacks for `fit`, between two that end an epoch behind its last step.

        Keras takes all epochs to be as long as the longest. In a shorter one it
        would begin a step for which there are no clips, and there TensorFlow
        decays the weights before it finds that out.
        """
        callbacks = list(callbacks or ())
        if any(isinstance(callback, _EpochEnds) for callback in callbacks):
            return callbacks
        last = _EpochEnds(self)
        return [keras.callbacks.LambdaCallback(on_epoch_end=last.go_on), *callbacks, last]

    # What the data set calls while it is iterated.

    def _begin(self):
        """The positions of an iteration: the first, and the one behind the last."""
        steps, size = self.steps_left(), self.plan.batch_size
        if not _keras_builds():
            self._epoch += 1
        return steps.start * size, steps.stop * size

    def _note(self, position, prints, labels):
        """Notes the digest of a batch, of the fingerprints of its clips."""
        step = int(position) // self.plan.batch_size
        self._digests[step] = f"{zlib.crc32(prints, zlib.crc32(labels)):08x}"
        while len(self._digests) > _MOST_DIGESTS:
            self._digests.popitem(last=False)
        return (True,)


class _EpochEnds(keras.callbacks.Callback):
    """Ends epochs behind their last step, as a stop of the training that is taken back."""

    def __init__(self, clips):
        super().__init__()
        self.clips, self.stops = clips, None

    def on_epoch_begin(self, epoch, logs=None):
        self.steps, self.stops = len(self.clips.steps_left()), None

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 >= self.steps:
            # Another callback may have stopped it for good.
            self.stops, self.model.stop_training = self.model.stop_training, True

    def go_on(self, epoch, logs=None):
        if self.stops is not None:
            self.model.stop_training = self.stops


def _keras_builds():
    """Whether Keras waits for this iteration's first batch only to build a model."""
    for frame in sys._current_frames().values():
        while frame is not None:
            if frame.f_code.co_name in _BUILDING:
                return True
            frame = frame.f_back
    return False
