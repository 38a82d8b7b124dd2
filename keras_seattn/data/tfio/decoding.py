"""Clips of video files, decoded by tensorflow-io as an operation of TensorFlow's graph."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from keras_seattn.data.clip_dataset import numpy_function
from keras_seattn.data.sampling import View
from keras_seattn.data.scaling import crop_and_scale, interpolate, is_filtered
from keras_seattn.data.tfio import loading
from keras_seattn.data.video import Video

# At other widths tensorflow-io 0.37.1 leaves the last pixels of every row undefined or writes past
# the end of its buffer, which ends the process.
_WIDTH = 16
# It holds whole videos, several at once; longer ones would fill the memory.
_MOST_BYTES = 2**29


class GraphReader:
    """Reads clips without Python, all but the choice which.

    Args:
        videos: list of `Video`, or None for one that cannot be read.
        choose: function of a dataset's element, run by Python: `(index of the
            video, frame numbers, Crop)`.
        view: `View`.

    Raises:
        ImportError: tensorflow-io's decoder cannot be used; says why.
    """

    def __init__(self, videos: Sequence[Video | None], choose: Callable[..., tuple], view: View):
        self.videos, self.choose, self.view = videos, choose, view
        self._decode = loading.load_video_decoder()
        known = [video for video in videos if video is not None]
        others = sum(not _is_safe(video) for video in known)
        if others:
            warnings.warn(
                f"{others} of {len(known)} videos are decoded by PyAV: tensorflow-io decodes whole "
                f"files whose width is a multiple of {_WIDTH}, that are not turned, of square "
                "pixels, of BT.601 colours in limited range, and of at most "
                f"{_MOST_BYTES // 2**20} MiB in RGB.",
                stacklevel=4,
            )

    def clips(self, dataset: tf.data.Dataset, other: Callable[..., tuple]) -> tf.data.Dataset:
        """Maps `read` over a dataset, in order and in parallel; `other` where it cannot or fails.

        Args:
            dataset: `tf.data.Dataset` of elements.
            other: function of an element, likewise `(clip, index, *element)`.

        Returns:
            A `tf.data.Dataset` of `(clip, index, *element)`.
        """

        def read(*element):
            return *self.read(*element), *element

        def one(*element):
            element = tf.data.Dataset.from_tensors(element)
            tried = element.filter(self._takes).map(read).ignore_errors()
            return tried.concatenate(element.map(other)).take(1)

        return dataset.interleave(one, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def read(self, *element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The clip of an element, and the index of its video: uint8 `(frames, size, size, 3)`.

        It fails, in the graph, where the file cannot be decoded to its last frame.
        """
        index, path, count, numbers, window, flip = numpy_function(
            self._plan, element, [tf.int64, tf.string, tf.int64, tf.int64, tf.float32, tf.bool]
        )
        frames = tf.ensure_shape(self._decode(tf.io.read_file(path), 0), (None, None, None, 3))
        complete = tf.debugging.assert_equal(tf.shape(frames, tf.int64)[0], count)
        with tf.control_dependencies([complete]):
            frames = tf.gather(frames, tf.ensure_shape(numbers, (None,)))
        clip = self._scale(frames, tf.ensure_shape(window, (4,)))
        clip = tf.cond(flip, lambda: tf.reverse(clip, [2]), lambda: clip)
        clip = tf.saturate_cast(tf.round(clip), tf.uint8)
        clip = tf.ensure_shape(clip, (None, self.view.size, self.view.size, 3))
        return clip, tf.ensure_shape(index, ())

    def _scale(self, frames, window):
        size = self.view.size
        if not self.view.filtered:
            return interpolate(frames, window, size)
        window = tf.cast(window, tf.int32)
        return tf.cond(
            is_filtered(window[2], size),
            lambda: crop_and_scale(frames, window, size, True),
            lambda: crop_and_scale(frames, window, size, False),
        )

    def _takes(self, *element):
        def takes(*element):
            return (_is_safe(self.videos[self.choose(*element)[0]]),)

        (takes_it,) = numpy_function(takes, element, [tf.bool])
        return tf.ensure_shape(takes_it, ())

    def _plan(self, *element):
        index, numbers, crop = self.choose(*element)
        video = self.videos[index]
        window = np.array(self.view.window(crop, video.height, video.width), "float32")
        if self.view.filtered:
            window[:2] -= window[:2] % 2  # as PyAV's
        path = video.path.encode("utf-8", "surrogateescape")
        return index, path, video.frames, np.asarray(numbers, "int64"), window, crop.flip


def _is_safe(video):
    size = video.frames * video.height * video.width * 3
    usual = video.plain and video.pixel_aspect == 1 and video.first is None
    return usual and video.width % _WIDTH == 0 and size <= _MOST_BYTES
