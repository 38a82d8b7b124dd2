"""Data sets that run functions of ours: their errors arrive as they are, and programs can end."""

import atexit
import functools
import gc
import threading
import time
import typing
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_seattn import raised

# Seconds without a call, after which data sets have read ahead as far as they do; and at most.
_REST, _LONGEST_END = 0.2, 60


class ClipDataset(tf.data.Dataset):
    """A data set whose errors arrive as they were raised, in a `for` loop over it.

    Args:
        dataset: `tf.data.Dataset`.
        most: int, the number of its elements unless some have to be left out,
            which is its cardinality for Keras; None if `dataset` knows it.
    """

    def __init__(self, dataset: tf.data.Dataset, most: int | None = None):
        self._dataset, self._most = dataset, most
        super().__init__(dataset._variant_tensor)

    def cardinality(self) -> tf.Tensor:
        return super().cardinality() if self._most is None else tf.constant(self._most, tf.int64)

    def _inputs(self):
        return [self._dataset]

    @property
    def element_spec(self) -> typing.Any:
        return self._dataset.element_spec

    def __iter__(self):
        iterator = super().__iter__()
        # Not an object around it: Keras hands the iterator to TensorFlow, which must know it.
        iterator.__class__ = _raising(type(iterator))
        return iterator


@functools.cache
def _raising(kind):
    """A class of iterators that raise errors as they were raised."""

    class RaisingIterator(kind):
        def __next__(self):
            with raised.as_raised():
                return super().__next__()

    return RaisingIterator


@tf.autograph.experimental.do_not_convert
def numpy_function(
    function: Callable[..., tuple], inputs: Sequence[tf.Tensor], types: Sequence[tf.DType]
) -> list[tf.Tensor]:
    """`tf.numpy_function`, with errors that `raised.as_raised` knows again.

    They are not raised in TensorFlow, which would write a traceback of its own to its log.

    Args:
        function: takes arrays and returns a tuple of arrays.
        inputs: sequence of tensors.
        types: sequence of `tf.DType`, of what the function returns.

    Returns:
        list of tensors.
    """
    _end_quietly()
    empty = [np.empty(0, kind.as_numpy_dtype) for kind in types]

    def call(*arguments):
        with _calls:
            if _calls.ending:
                return *empty, -1
            try:
                return *function(*arguments), 0
            except Exception as error:
                return *empty, raised.keep(error)

    *outputs, failed = tf.numpy_function(call, inputs, [*types, tf.int64])
    works = tf.raw_ops.Assert(condition=tf.equal(failed, 0), data=[raised.MARK, failed])
    with tf.control_dependencies([works]):
        return [tf.identity(output) for output in outputs]


class _Calls:
    """The calls of our functions by data sets, as a context around each.

    Attributes:
        ending: bool, whether they are to do nothing any more.
    """

    def __init__(self):
        self.ending = False
        self._running, self._latest, self._lock = 0, 0.0, threading.Lock()

    def __enter__(self):
        self._count(1)

    def __exit__(self, *_):
        self._count(-1)

    def _count(self, change):
        with self._lock:
            self._running += change
            self._latest = time.monotonic()

    def end(self):
        """Waits until no more come: data sets read ahead, and then stop."""
        self.ending = True
        last = time.monotonic() + _LONGEST_END
        while self._running or time.monotonic() - self._latest < _REST:
            if time.monotonic() > last:
                return
            time.sleep(_REST / 10)


_calls = _Calls()


@functools.cache
def _end_quietly():
    """Has iterators end before the interpreter does.

    Once it ends no thread gets Python's lock any more, and an iterator that is deleted then waits
    for ever for the functions of ours that it has called.
    """
    atexit.register(_end)


def _end():
    _calls.end()
    for thing in gc.get_objects():
        if issubclass(type(thing), tf.data.Iterator):
            vars(thing).clear()
