"""The clips that a plan or a test names -> their pixels, and these as a network takes them."""

import typing
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_seattn.data.clip_dataset import numpy_function
from keras_seattn.data.records.reading import RecordSource
from keras_seattn.data.sampling import View
from keras_seattn.data.sources import FileSource
from keras_seattn.data.tfio.decoding import GraphReader
from keras_seattn.preprocessing import Preprocessing


def read(
    dataset: tf.data.Dataset,
    source: FileSource | RecordSource,
    choose: Callable[[np.ndarray], tuple],
    fetch: Callable[[np.ndarray], tuple],
    frames: int,
    view: View,
    decoder: str,
) -> tf.data.Dataset:
    """Reads the clips of each element, in order and in parallel.

    Args:
        dataset: `tf.data.Dataset` of elements, each of some clips of one video.
        source: see `sources`.
        choose: function of an element: `(video, [(frame numbers, Crop), ...],
            keys)`, a key of each clip.
        fetch: function of an element: what `source.fetch` reads of the clips
            that can be read, their videos, their keys.
        frames: int, how many a clip has.
        view: `View`.
        decoder: `"pyav"` or `"tfio"`.

    Returns:
        A `tf.data.Dataset` of `(clip, video, key)`, one of each clip: uint8
        `(frames, view.size, view.size, 3)`, and two int64.
    """
    options: dict[str, typing.Any] = {
        "num_parallel_calls": tf.data.AUTOTUNE,
        "deterministic": True,
    }

    def load(element):
        *content, videos, keys = numpy_function(fetch, [element], [*source.types, *[tf.int64] * 2])
        return tuple(content), videos, keys

    def decode(content, video, key):
        return (
            source.decode(*content, frames=frames, view=view),
            tf.ensure_shape(video, ()),
            tf.ensure_shape(key, ()),
        )

    if decoder == "tfio" and isinstance(source, FileSource):
        reader = GraphReader(source.videos, choose, view)
        return reader.clips(dataset, load).map(decode, **options)
    return dataset.map(load, **options).unbatch().map(decode, **options)


def preprocessed(clips: tf.Tensor, data_format: str, preprocessing: Preprocessing) -> tf.Tensor:
    """`preprocess_input`, in TensorFlow whatever the backend, for a batch of clips."""
    # On whole rows of pixels: an operation on the last axis, of 3 elements, takes five times as
    # long as decoding JPEG leaves for it.
    shape, width = tf.shape(clips), clips.shape[-2]
    rows = tf.reshape(tf.cast(clips, tf.float32), (-1, 3 * width))
    rows -= np.tile(np.array(preprocessing.mean, "float32"), width)
    if set(preprocessing.deviation) != {1.0}:
        rows /= np.tile(np.array(preprocessing.deviation, "float32"), width)
    clips = tf.ensure_shape(tf.reshape(rows, shape), clips.shape)
    return clips if data_format == "channels_last" else tf.transpose(clips, (0, 4, 1, 2, 3))
