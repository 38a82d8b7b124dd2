"""Catalogs -> `tf.data` datasets of clips, for training and for testing."""

import os
import warnings
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seattn import arguments
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.clip_dataset import ClipDataset, numpy_function
from keras_seattn.data.decoding import MissingFramesError, VideoError, read_frames, read_present
from keras_seattn.data.records import reading
from keras_seattn.data.records.manifest import Records, opened
from keras_seattn.data.sampling import (
    CROP_SCALES,
    Crop,
    consecutive_clip,
    count_consecutive_clips,
    random_clip,
    random_crop,
)
from keras_seattn.data.tfio.decoding import GraphReader
from keras_seattn.data.unreadable import DamageLog, scan_catalog
from keras_seattn.errors import InputError
from keras_seattn.preprocessing import HARA_2018, Preprocessing

# Consecutive clips are decoded in runs of this many, so that few frames are decoded twice and
# a long video never lies in memory whole.
CLIPS_PER_RUN = 16
DECODERS = ("pyav", "tfio")
# If so many random clips of a video touch damaged frames, it has hardly any others.
_TRIES = 20


def train_clips(
    catalog: Catalog | Records | str | os.PathLike,
    frames: int = 16,
    size: int = 112,
    batch_size: int = 32,
    seed: int | None = None,
    unreadable: str = "stop",
    crop_scales: Sequence[float] = CROP_SCALES,
    data_format: str | None = None,
    preprocessing: Preprocessing | None = None,
    decoder: str = "pyav",
) -> tf.data.Dataset:
    """Random clips for training, one of each video an epoch, for `model.fit`.

    A clip is `frames` frames from a random start, a random square crop of
    them resized to `size`, flipped left-right half of the time; the crop is
    the same for all frames (`sampling.random_clip`, `sampling.random_crop`).
    The videos come in a new random order each epoch. Videos are opened and
    checked at once, and decoded while the model trains, on all cores. A clip
    that touches frames that cannot be decoded is drawn anew; a video that
    opens well but cannot be read later is replaced by another. Both with a
    warning.

    Args:
        catalog: `Catalog`; or the folder of TFRecord shards that
            `data.records.write_records` wrote, a pattern of these, or
            `Records`.
        frames: int, the number of frames of a clip.
        size: int, the height and width of a clip, in pixels.
        batch_size: int; the last batch of an epoch may be smaller.
        seed: int; the same seed gives the same clips in the same order. None
            for other clips each time.
        unreadable: what to do about videos that cannot be read: `"stop"`
            raises an error that lists them, `"skip"` warns and leaves them
            out, up to 1 % of the videos (one may always be).
        crop_scales: sequence of float in (0, 1]: the sides of the crops, as
            shares of the video's shorter side.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.
        preprocessing: `Preprocessing`, what the model's input is; a network
            knows it, `model.preprocessing`. None means that of the checkpoints
            of 2018, with a warning.
        decoder: what decodes video files: `"pyav"`, or `"tfio"`, tensorflow-io
            as an operation of the graph, which gives the same clips but always
            decodes whole videos. It is for files that you trust: damaged ones,
            or frames that change their size, can end the process. What it
            cannot decode is left to PyAV.

    Returns:
        A `tf.data.Dataset` of `(clips, labels)`: float32 of shape `(batch,
        frames, size, size, 3)`, or `(batch, 3, frames, size, size)`, as
        `preprocess_input` makes them, and int64 of shape `(batch,)`.

    Raises:
        ValueError: An argument outside of what is said above, or no videos.
        VideoError: Videos cannot be read; the message lists them. It may come
            later, from the data set, when more than 1 % of them vanish or
            prove unreadable, or a shard does. Networks of this package pass it
            on as it is; around `fit` of another model, use `data.as_raised`.
        ImportError: tensorflow-io is needed, for `decoder` or a path such as
            `s3://...`, and cannot be used; says why.

    Source:
        Anvarov, Kim, Song 2020, Section 4.1; crops as in Hara et al. 2018.

    Example:

    >>> clips = keras_seattn.data.train_clips(
    ...     catalog, batch_size=8, seed=1, preprocessing=model.preprocessing
    ... )
    >>> model.fit(clips, epochs=2)
    """
    frames = arguments.positive_integer(frames, "frames")
    size = arguments.positive_integer(size, "size")
    batch_size = arguments.positive_integer(batch_size, "batch_size")
    if not len(crop_scales) or not all(0 < scale <= 1 for scale in crop_scales):
        raise InputError(
            f"`crop_scales` must hold numbers above 0, up to 1. Received: crop_scales={crop_scales}"
        )
    data_format = arguments.standard_data_format(data_format)
    arguments.one_of(decoder, DECODERS, "decoder")
    preprocessing = preprocessing or _assumed()
    seed = arguments.seed(seed)
    catalog = opened(catalog, unreadable)
    if isinstance(catalog, Records):
        dataset = reading.random_clips(catalog, frames, size, seed=seed, crop_scales=crop_scales)
    else:
        dataset = _random_clips(catalog, frames, size, seed, unreadable, crop_scales, decoder)
    dataset = dataset.batch(batch_size).map(
        lambda clips, labels: (_preprocess(clips, data_format, preprocessing), labels),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return ClipDataset(dataset.prefetch(tf.data.AUTOTUNE))


def _random_clips(catalog, frames, size, seed, unreadable, crop_scales, decoder):
    """One random clip of each video file an epoch, a dataset of `(clip, label)`."""
    videos = scan_catalog(catalog, unreadable)
    readable = np.flatnonzero([video is not None for video in videos])
    damage = DamageLog(catalog)

    def draw(position, generator):
        index = readable[position]
        numbers = random_clip(videos[index].frames, frames, generator)
        return index, numbers, random_crop(generator, crop_scales)

    def choose(position, clip_seed):
        return draw(position, np.random.default_rng(clip_seed))

    def read(position, clip_seed):
        generator = np.random.default_rng(clip_seed)
        while True:
            for _ in range(_TRIES):
                index, numbers, crop = draw(position, generator)
                path = videos[index].path
                try:
                    window = _window(videos[index], crop)
                    pixels = read_frames(
                        videos[index], numbers, window, (size, size), flip=crop.flip
                    )
                    return pixels, index
                except MissingFramesError as error:
                    failure = error
                    damage.note_clips(path, 1)
                except VideoError as error:
                    failure = error
                    break
            damage.note_video(path, failure)
            position = generator.integers(len(readable))

    def load(*element):
        clip, index = numpy_function(read, element, [tf.uint8, tf.int64])
        return tf.ensure_shape(clip, (frames, size, size, 3)), tf.ensure_shape(index, ())

    # A seed per clip, drawn in order, gives the same clips on any number of threads.
    order = tf.data.Dataset.range(len(readable)).shuffle(len(readable), seed=seed)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    dataset = tf.data.Dataset.zip((order, seeds))
    if decoder == "tfio":
        dataset = GraphReader(videos, choose, size).clips(dataset, load)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(readable)))
    else:
        dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.map(
        lambda clip, index: (
            tf.ensure_shape(clip, (frames, size, size, 3)),
            tf.gather(catalog.labels, index),
        )
    )


def test_clips(
    catalog: Catalog | Records | str | os.PathLike,
    frames: int = 16,
    size: int = 112,
    batch_size: int = 32,
    unreadable: str = "stop",
    data_format: str | None = None,
    preprocessing: Preprocessing | None = None,
    decoder: str = "pyav",
    damage: DamageLog | None = None,
) -> tf.data.Dataset:
    """All consecutive clips of all videos, for validation and testing.

    A video is scaled to `size` on its shorter side, cropped at the centre, and
    cut into clips that do not overlap; the last one is looped to length.

    Args:
        catalog, frames, size, batch_size: as for `train_clips`.
        unreadable, data_format, preprocessing, decoder: as for `train_clips`.
        damage: `unreadable.DamageLog`, to learn of what proves damaged later;
            None if nobody asks.

    Returns:
        A `tf.data.Dataset` of `(inputs, labels)`. `inputs["clip"]` holds the
        clips, as those of `train_clips`; `inputs["video"]` the index into the
        catalog of the video that each comes from, int64 of shape `(batch,)`.
        The networks' input is named `"clip"`, so `fit`, `evaluate` and
        `predict` take the dataset as it is. Clips come in the order of the
        catalog. Clips that touch frames that cannot be decoded are left out,
        with a warning; `cardinality` counts them all the same.

    Raises:
        ValueError: An argument outside of what is said above, or no videos.
        VideoError, ImportError: As for `train_clips`.

    Source:
        Hara et al. 2018, Section 3.2 (testing).

    Example:

    >>> clips = keras_seattn.data.test_clips(
    ...     catalog, batch_size=8, preprocessing=model.preprocessing
    ... )
    >>> clip_scores = model.predict(clips)
    >>> videos = np.concatenate([inputs["video"] for inputs, _ in clips])
    """
    frames = arguments.positive_integer(frames, "frames")
    size = arguments.positive_integer(size, "size")
    batch_size = arguments.positive_integer(batch_size, "batch_size")
    data_format = arguments.standard_data_format(data_format)
    arguments.one_of(decoder, DECODERS, "decoder")
    preprocessing = preprocessing or _assumed()
    catalog = opened(catalog, unreadable)
    if isinstance(catalog, Records):
        dataset, clips = reading.consecutive_clips(catalog, frames, size)
    else:
        dataset, clips = _consecutive_clips(catalog, frames, size, unreadable, decoder, damage)
    dataset = dataset.batch(batch_size).map(
        lambda clips, video, labels: (
            {"clip": _preprocess(clips, data_format, preprocessing), "video": video},
            labels,
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return ClipDataset(dataset.prefetch(tf.data.AUTOTUNE), most=-(-clips // batch_size))


# pytest would take it for a test of whoever imports it.
test_clips.__test__ = False  # type: ignore[attr-defined]


def _consecutive_clips(catalog, frames, size, unreadable, decoder, damage):
    """All clips of all video files in order, a dataset of `(clip, video, label)`; and how many."""
    videos = scan_catalog(catalog, unreadable)
    damage = damage or DamageLog(catalog)
    clip_counts = [0 if v is None else count_consecutive_clips(v.frames, frames) for v in videos]
    runs = np.array(
        [
            (index, first)
            for index, count in enumerate(clip_counts)
            for first in range(0, count, CLIPS_PER_RUN)
        ],
        "int64",
    )

    def choose(index, first):
        last = min(first + CLIPS_PER_RUN, clip_counts[index])
        numbers = [consecutive_clip(videos[index].frames, frames, i) for i in range(first, last)]
        return index, np.concatenate(numbers), Crop()

    def read(index, first):
        _, numbers, crop = choose(index, first)
        path = videos[index].path
        try:
            pixels, there = read_present(
                videos[index], numbers, _window(videos[index], crop), (size, size)
            )
        except VideoError as error:
            damage.note_video(path, error)
            return (np.empty((0, size, size, 3), "uint8"),)
        whole = there.reshape(-1, frames).all(axis=1)
        if not whole.all():
            damage.note_clips(path, int(np.sum(~whole)))
        return (pixels[np.repeat(whole, frames)],)

    def load(index, first):
        (pixels,) = numpy_function(read, [index, first], [tf.uint8])
        return tf.ensure_shape(pixels, (None, size, size, 3)), index

    def cut(pixels, index):
        clips = tf.reshape(pixels, (-1, frames, size, size, 3))
        video = tf.repeat(index, tf.shape(clips)[0])
        return clips, video, tf.gather(catalog.labels, video)

    dataset = tf.data.Dataset.from_tensor_slices((runs[:, 0], runs[:, 1]))
    if decoder == "tfio":
        dataset = GraphReader(videos, choose, size).clips(dataset, load)
    else:
        dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.map(cut).unbatch(), sum(clip_counts)


def _window(video, crop):
    """Which part of a video's frames a crop is."""
    return crop.window(video.height, video.width, video.pixel_aspect)


def _assumed():
    warnings.warn(
        "`preprocessing` was not given: clips are made for a network of the checkpoints of 2018. "
        "Give that of yours, preprocessing=model.preprocessing.",
        stacklevel=3,
    )
    return HARA_2018


def _preprocess(clips, data_format, preprocessing):
    """`preprocess_input`, in TensorFlow whatever the backend, for a batch of frames."""
    # On whole rows of pixels: an operation on the last axis, of 3 elements, takes five times as
    # long as decoding JPEG leaves for it.
    shape, width = tf.shape(clips), clips.shape[-2]
    rows = tf.reshape(tf.cast(clips, tf.float32), (-1, 3 * width))
    rows -= np.tile(np.float32(preprocessing.mean), width)
    if set(preprocessing.deviation) != {1.0}:
        rows /= np.tile(np.float32(preprocessing.deviation), width)
    clips = tf.ensure_shape(tf.reshape(rows, shape), clips.shape)
    return clips if data_format == "channels_last" else tf.transpose(clips, (0, 4, 1, 2, 3))
