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
        choose: function of a dataset's element, run by Python; see
            `clip_reading.read`.
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
        """The clips of the elements of a dataset, in order and read in parallel.

        Args:
            dataset: `tf.data.Dataset` of elements.
            other: function of an element that this cannot read, or fails to:
                `((clips,), videos, keys)`.

        Returns:
            A `tf.data.Dataset` of `((clip,), video, key)`.
        """

        def one(element):
            element = tf.data.Dataset.from_tensors(element)
            tried = element.filter(self._takes).map(self.read).ignore_errors()
            return tried.concatenate(element.map(other)).take(1).unbatch()

        return dataset.interleave(one, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def read(self, element: tf.Tensor) -> tuple[tuple[tf.Tensor], tf.Tensor, tf.Tensor]:
        """The clips of an element, with their videos and keys.

        It fails, in the graph, where the file cannot be decoded to its last frame.
        """
        path, count, numbers, windows, flips, videos, keys = numpy_function(
            self._plan,
            [element],
            [tf.string, tf.int64, tf.int64, tf.float32, tf.bool, tf.int64, tf.int64],
        )
        frames = tf.ensure_shape(self._decode(tf.io.read_file(path), 0), (None, None, None, 3))
        complete = tf.debugging.assert_equal(tf.shape(frames, tf.int64)[0], count)

        def clip(part):
            numbers, window, flip = part
            pixels = tf.gather(frames, tf.ensure_shape(numbers, (None,)))
            pixels = self._scale(pixels, tf.ensure_shape(window, (4,)))
            pixels = tf.cond(flip, lambda: tf.reverse(pixels, [2]), lambda: pixels)
            return tf.saturate_cast(tf.round(pixels), tf.uint8)

        with tf.control_dependencies([complete]):
            frames = tf.identity(frames)
        clips = tf.map_fn(clip, (numbers, windows, flips), fn_output_signature=tf.uint8)
        return (clips,), videos, keys

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

    def _takes(self, element):
        def takes(element):
            return (_is_safe(self.videos[self.choose(element)[0]]),)

        (takes_it,) = numpy_function(takes, [element], [tf.bool])
        return tf.ensure_shape(takes_it, ())

    def _plan(self, element):
        index, clips, keys = self.choose(element)
        video, windows = self.videos[index], []
        for _, crop in clips:
            window = np.array(self.view.window(crop, video.height, video.width), "float32")
            if self.view.filtered:
                window[:2] -= window[:2] % 2  # as PyAV's
            windows.append(window)
        path = video.path.encode("utf-8", "surrogateescape")
        numbers = np.array([numbers for numbers, _ in clips], "int64")
        flips = np.array([crop.flip for _, crop in clips])
        videos = np.full(len(clips), index)
        return path, video.frames, numbers, np.stack(windows), flips, videos, keys


def _is_safe(video):
    size = video.frames * video.height * video.width * 3
    usual = video.plain and video.pixel_aspect == 1 and video.first is None
    return usual and video.width % _WIDTH == 0 and size <= _MOST_BYTES
