"""Records -> frames: one read of the bytes that hold them, and TensorFlow's JPEG decoder."""

import operator
import zlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seattn.data import storage
from keras_seattn.data.opening import VideoError
from keras_seattn.data.records.manifest import Records
from keras_seattn.data.sampling import Crop, View
from keras_seattn.data.scaling import crop_and_scale, interpolate, is_filtered

# Up to this share of the frame's shorter side, JPEG decoding is faster with cropping than without.
_SMALL_PART = 0.6


class RecordSource:
    """The videos of records; see `sources.FileSource`, which has the same methods.

    Args:
        records: `Records`.

    Attributes:
        frames, timelines, types, clips_at_once: as those of `FileSource`.
    """

    types = (tf.string, tf.int32, tf.int32, tf.float32, tf.bool)
    clips_at_once = 1

    def __init__(self, records: Records):
        self._records = records
        self.frames, self.timelines = records.frames, records.timelines

    def fetch(
        self, video: int, clips: Sequence[tuple[np.ndarray, Crop]], view: View
    ) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Reads the JPEG images of frames; see `FileSource.fetch`.

        Returns:
            `((bytes that hold them, where each begins, lengths, window, flip), there)`.
        """
        parts = [self._fetch(video, numbers, crop, view) for numbers, crop in clips]
        content, *rest = zip(*parts, strict=True)
        there = np.ones((len(clips), len(clips[0][0])), bool)
        return (np.array(content, object), *map(np.stack, rest)), there

    def _fetch(self, video, numbers, crop, view):
        """What is read of one clip."""
        shard, rows = self._records.rows(video)
        # As Python's numbers, which are quicker one by one.
        offsets, lengths, crcs, heights, widths = zip(*rows[numbers].tolist(), strict=True)
        start = min(offsets)
        begins = [offset - start for offset in offsets]
        try:
            content = storage.read_range(shard, start, max(map(operator.add, begins, lengths)))
        except OSError as error:
            raise self._error(video, shard, error) from error
        for number, begin, length, crc in zip(numbers, begins, lengths, crcs, strict=True):
            if zlib.crc32(content[begin : begin + length]) != crc:
                raise self._error(video, shard, f"frame {number} is not what was written")
        places = (np.array(values, "int32") for values in (begins, lengths))
        window = np.array(view.window(crop, heights[0], widths[0]), "float32")
        return content, *places, window, np.array(crop.flip)

    def decode(
        self,
        content: tf.Tensor,
        begins: tf.Tensor,
        lengths: tf.Tensor,
        window: tf.Tensor,
        flip: tf.Tensor,
        *,
        frames: int,
        view: View,
    ) -> tf.Tensor:
        """Decodes, crops and scales what `fetch` read; see `FileSource.decode`."""
        size = view.size
        images = tf.strings.substr(content, begins, lengths)
        images = tf.unstack(tf.ensure_shape(images, (frames,)))
        window = tf.ensure_shape(window, (4,))

        # Each frame from JPEG to its end before the next, which stays in the processor's cache;
        # not in a loop, for operations of their own run side by side.
        def clip(read, scale, *how):
            pixels = [scale(read(image), *how) for image in images]
            return tf.stack([tf.cast(frame + 0.5, tf.uint8) for frame in pixels])

        def whole(image):
            return tf.io.decode_jpeg(image, channels=3)

        def cut(image):
            return tf.image.decode_and_crop_jpeg(image, square, channels=3)

        def decoded(filtered):
            # libjpeg crops slowly: decoding all and cutting out is faster, unless for a small part.
            shorter = tf.reduce_min(tf.image.extract_jpeg_shape(images[0])[:2])
            is_small = tf.cast(side, tf.float32) < _SMALL_PART * tf.cast(shorter, tf.float32)
            corner = tf.stack([0, 0, side, side])
            return tf.cond(
                is_small,
                lambda: clip(cut, crop_and_scale, corner, size, filtered),
                lambda: clip(whole, crop_and_scale, square, size, filtered),
            )

        if view.filtered:
            square = tf.cast(window, tf.int32)
            side = square[2]
            pixels = tf.cond(is_filtered(side, size), lambda: decoded(True), lambda: decoded(False))
        else:
            pixels = clip(lambda image: whole(image)[None], interpolate, window, size)
        # As one picture, which TensorFlow mirrors several times faster than a batch of them.
        rows = tf.reshape(pixels, (frames * size, size, 3))
        rows = tf.cond(flip, lambda: tf.reverse(rows, [1]), lambda: rows)
        return tf.reshape(rows, (frames, size, size, 3))

    def _error(self, video, shard, reason):
        return VideoError(
            f"{self._records.paths[video]} in {shard}: {reason}. Remove the shard, and run the "
            "command that wrote it again, which writes that one only."
        )
