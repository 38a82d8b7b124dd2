"""Data sets that run functions of ours: their errors arrive as they are, and programs can end."""

import atexit
import functools
import gc

import tensorflow as tf

from keras_seattn import raised


class ClipDataset(tf.data.Dataset):
    """A data set whose errors arrive as they were raised, in a `for` loop over it.

    Args:
        dataset: `tf.data.Dataset`.
        most: int, the number of its elements unless some have to be left out,
            which is its cardinality for Keras; None if `dataset` knows it.
    """

    def __init__(self, dataset, most=None):
        self._dataset, self._most = dataset, most
        super().__init__(dataset._variant_tensor)

    def cardinality(self):
        return super().cardinality() if self._most is None else tf.constant(self._most, tf.int64)

    def _inputs(self):
        return [self._dataset]

    @property
    def element_spec(self):
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


def numpy_function(function, inputs, types):
    """`tf.numpy_function`, with errors that `raised.as_raised` knows again."""
    _end_iterators_at_exit()
    return tf.numpy_function(raised.kept(function), inputs, types)


@functools.cache
def _end_iterators_at_exit():
    """Has iterators that are still there deleted before the interpreter ends.

    Once it ends no thread gets Python's lock any more, and an iterator that is deleted then waits
    for ever for the functions of ours that it has called.
    """
    atexit.register(_end_iterators)


def _end_iterators():
    for thing in gc.get_objects():
        if issubclass(type(thing), tf.data.Iterator):
            vars(thing).clear()
