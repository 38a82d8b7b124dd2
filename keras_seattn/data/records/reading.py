"""Shards -> clips, by operations of TensorFlow's graph alone."""

from collections.abc import Sequence

import tensorflow as tf

from keras_seattn.data.records.manifest import Records
from keras_seattn.data.sampling import CROP_POSITIONS
from keras_seattn.data.scaling import crop_and_scale

# How many shards are read in turns, and how many of them at once: were that left to TensorFlow,
# whole records, of a megabyte each, would pile up. How many clips' JPEG frames wait to be drawn
# from: about 80 kB each.
_SHARDS_IN_TURNS = 16
_READERS = 4
_SHUFFLED = 1024
# Up to this share of the frame's shorter side, JPEG decoding is faster with cropping than without.
_SMALL_PART = 0.6


def random_clips(
    records: Records, frames: int, size: int, *, seed: int | None, crop_scales: Sequence[float]
) -> tf.data.Dataset:
    """One random clip of each video an epoch; see `data.train_clips`.

    Returns:
        A `tf.data.Dataset` of `(clip, label)`: float32 of shape `(frames,
        size, size, 3)`, from 0 to 255, and int64.
    """
    files = tf.data.Dataset.from_tensor_slices(records.files)
    files = files.shuffle(len(records.files), seed=seed)
    dataset = files.interleave(
        tf.data.TFRecordDataset,
        cycle_length=min(_SHARDS_IN_TURNS, len(records.files)),
        num_parallel_calls=min(_READERS, len(records.files)),
        deterministic=True,
    )
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)

    def pick(record, draw):
        """The JPEG frames of a random clip, the cheap part."""
        images, context = _parse(record)
        count = tf.size(images)
        start = tf.random.stateless_uniform(
            (), draw, maxval=tf.maximum(1, count - frames + 1), dtype=tf.int32
        )
        chosen = tf.gather(images, (start + tf.range(frames)) % count)
        # As one string: thousands of small ones that wait among the large ones that pass would
        # tear the memory up.
        return tf.io.serialize_tensor(chosen), context, draw

    def decode(images, context, draw):
        images = tf.ensure_shape(tf.io.parse_tensor(images, tf.string), (frames,))
        scales = tf.constant(crop_scales, tf.float32)
        choices = tf.constant([len(crop_scales), len(CROP_POSITIONS), 2], tf.float32)
        which = tf.cast(tf.random.stateless_uniform((3,), draw + 1) * choices, tf.int32)
        window = _crop_window(context, scales[which[0]], which[1])
        clip = decode_clip(images, window, size)
        clip = tf.cond(which[2] == 1, lambda: tf.reverse(clip, [2]), lambda: clip)
        return clip, context["clip/label/index"]

    dataset = tf.data.Dataset.zip((dataset, seeds))
    dataset = dataset.map(pick, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.shuffle(min(_SHUFFLED, len(records)), seed=seed)
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(records)))


def consecutive_clips(records: Records, frames: int, size: int) -> tuple[tf.data.Dataset, int]:
    """All clips of all videos, in order; see `data.test_clips`.

    Returns:
        `(dataset, clips)`: a `tf.data.Dataset` of `(clip, video, label)`, video
        the index into `records.paths`; and the number of clips.
    """
    dataset = tf.data.TFRecordDataset(records.files).enumerate()

    def cut(video, record):
        """The JPEG frames of each clip of a video; the last one is looped to length."""
        images, context = _parse(record)
        count = tf.size(images)
        starts = tf.range(0, count, frames)[:, None]
        lengths = tf.minimum(frames, count - starts)
        clips = tf.gather(images, starts + tf.range(frames)[None] % lengths)
        return tf.data.Dataset.from_tensor_slices(clips).map(
            lambda clip: (tf.ensure_shape(clip, (frames,)), context, video)
        )

    def decode(images, context, video):
        window = _crop_window(context, 1.0, CROP_POSITIONS.index("center"))
        return decode_clip(images, window, size), video, context["clip/label/index"]

    dataset = dataset.flat_map(cut)
    dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    clips = int(sum(-(-count // frames) for count in records.frames))
    return dataset, clips


def _parse(record):
    """The JPEG frames of a record, and its label and size."""
    context, lists = tf.io.parse_single_sequence_example(
        record,
        {
            name: tf.io.FixedLenFeature((), tf.int64)
            for name in ("clip/label/index", "image/height", "image/width")
        },
        {"image/encoded": tf.io.FixedLenSequenceFeature((), tf.string)},
    )
    return lists["image/encoded"], context


def _crop_window(context, scale, position):
    """`(top, left, side, side)` of a square crop, as `sampling.Crop` has it."""
    height, width = (tf.cast(context[f"image/{axis}"], tf.int32) for axis in ("height", "width"))
    shorter = tf.cast(tf.minimum(height, width), tf.float32)
    side = tf.maximum(1, tf.cast(tf.round(scale * shorter), tf.int32))
    # By the order of CROP_POSITIONS: the share of the room that is left above, and on the left.
    above = tf.gather([0.5, 0.0, 0.0, 1.0, 1.0], position)
    left = tf.gather([0.5, 0.0, 1.0, 0.0, 1.0], position)

    def place(share, room):
        return tf.cast(tf.round(share * tf.cast(room, tf.float32)), tf.int32)

    return tf.stack([place(above, height - side), place(left, width - side), side, side])


def decode_clip(images: tf.Tensor, window: tf.Tensor, size: int) -> tf.Tensor:
    """Decodes, crops and scales the JPEG frames of a clip.

    Args:
        images: string tensor, `(frames,)`.
        window: int32 tensor, `(top, left, side, side)`, in pixels.
        size: int, the side to scale to, in pixels.

    Returns:
        float32 tensor, `(frames, size, size, 3)`, from 0 to 255.
    """
    # Not one after the other in a loop: each is an operation of its own.
    images, side = tf.unstack(images), window[2]

    def whole():
        pixels = tf.stack([tf.io.decode_jpeg(image, channels=3) for image in images])
        return crop_and_scale(pixels, window, size)

    def part():
        pixels = tf.stack(
            [tf.image.decode_and_crop_jpeg(image, window, channels=3) for image in images]
        )
        return crop_and_scale(pixels, tf.stack([0, 0, side, side]), size)

    # libjpeg crops slowly: decoding all and cutting out is faster, unless the part is small.
    shorter = tf.reduce_min(tf.image.extract_jpeg_shape(images[0])[:2])
    is_small = tf.cast(side, tf.float32) < _SMALL_PART * tf.cast(shorter, tf.float32)
    return tf.cond(is_small, part, whole)
