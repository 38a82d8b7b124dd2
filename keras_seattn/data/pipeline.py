"""Catalogs -> `tf.data` datasets of clips, for training and for testing."""

import os
import secrets
import warnings
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seattn import arguments
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.clip_dataset import ClipDataset, numpy_function
from keras_seattn.data.decoding import VideoError
from keras_seattn.data.plan import Plan
from keras_seattn.data.records import Records
from keras_seattn.data.records.manifest import opened
from keras_seattn.data.sampling import (
    CROP_SCALES,
    View,
    consecutive_clip,
    count_consecutive_clips,
)
from keras_seattn.data.sources import FileSource, source_of
from keras_seattn.data.tfio.decoding import GraphReader
from keras_seattn.data.training_clips import TrainingClips
from keras_seattn.data.unreadable import DamageLog
from keras_seattn.errors import InputError
from keras_seattn.preprocessing import HARA_2018, Preprocessing

DECODERS = ("pyav", "tfio")
_NONE = -1  # in place of a video that cannot be read any more


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
    *,
    first_step: int = 0,
) -> TrainingClips:
    """Random clips for training, one of each video an epoch, for `model.fit`.

    A clip is `frames` frames from a random start, a random square crop of
    them resized to `size`, flipped left-right half of the time; the crop is
    the same for all frames (`sampling.random_clip`, `sampling.random_crop`),
    and of frames as `preprocessing` has them (`sampling.View`).
    The videos come in a new random order each epoch. Videos are opened and
    checked at once, and decoded while the model trains, on all cores. A clip
    that touches frames that cannot be decoded is drawn anew; a video that
    opens well but cannot be read later is replaced by another. Both with a
    warning.

    Which clip comes when is a function of the seed, the epoch and the position
    in it (`plan.Plan`), whether the videos are files or records, and whatever
    the backend, the number of cores and the batches are. The k-th iteration is
    epoch k. Batches are always full: epochs of 100 videos, 32 at a time, have
    4, 3, 3, 3, 4, ... steps, for the last batch of one takes some clips of the
    next. Where `fit` is not that of a network of this package, give it
    `callbacks=clips.callbacks_of_epochs()`, or Keras tries to take as many
    steps in the shorter ones.

    Args:
        catalog: `Catalog`; or the folder of TFRecord shards that
            `data.records.write_records` wrote, a pattern of these, or
            `Records`.
        frames: int, the number of frames of a clip.
        size: int, the height and width of a clip, in pixels.
        batch_size: int; no more than there are videos.
        seed: int; the same seed gives the same clips in the same order. None
            for other clips each time.
        unreadable: what to do about videos that cannot be read: `"stop"`
            raises an error that lists them, `"skip"` warns and leaves them
            out, up to 1 % of the videos (one may always be).
        crop_scales: sequence of float in (0, 1]: the sides of the crops, as
            shares of a frame's shorter side.
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
        first_step: int, the step to begin at, counted from the beginning of
            the training: the first iteration is the rest of its epoch.

    Returns:
        A `TrainingClips`, which is a `tf.data.Dataset` of `(clips, labels)`:
        float32 of shape `(batch, frames, size, size, 3)`, or `(batch, 3,
        frames, size, size)`, as `preprocess_input` makes them, and int64 of
        shape `(batch,)`.

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
    preprocessing = _checked(preprocessing)
    seed = arguments.seed(seed)
    seed = secrets.randbits(32) if seed is None else seed
    first_step = arguments.whole_number(first_step, "first_step")
    catalog = opened(catalog, unreadable)
    source = source_of(catalog, unreadable)
    names, titles = catalog.names, catalog.titles
    videos = sorted(np.flatnonzero(source.frames).tolist(), key=names.__getitem__)
    view = View.of(size, preprocessing)
    plan = Plan(videos, source.frames, frames, batch_size, seed, crop_scales)
    damage = DamageLog(catalog)

    def choose(position):
        video, clips = next(plan.candidates(int(position)))
        return video, *next(clips)

    def fetch(position):
        for video, clips in plan.candidates(int(position)):
            title, failure = titles[video], None
            for numbers, crop in clips:
                try:
                    content, there = source.fetch(video, numbers, crop, view)
                except VideoError as error:
                    failure = error
                    break
                if there.all():
                    return *content, video
                damage.note_clips(title, 1)
            damage.note_video(title, failure or VideoError(f"{title}: hardly any clip is whole."))

    def clips_at(positions):
        return _read(positions, source, choose, fetch, frames, view, decoder).map(
            lambda clip, video, position: (
                tf.ensure_shape(clip, (frames, size, size, 3)),
                tf.gather(catalog.labels, video),
                position,
            )
        )

    def preprocess(clips):
        return _preprocess(clips, data_format, preprocessing)

    return TrainingClips(plan, clips_at, preprocess, first_step)


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

    A video is scaled to `size` on its shorter side, or as `preprocessing` says,
    cropped at the centre, and cut into clips that do not overlap; the last one
    is looped to length.

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
    preprocessing = _checked(preprocessing)
    catalog = opened(catalog, unreadable)
    view = View.of(size, preprocessing)
    dataset, clips = _consecutive_clips(
        catalog, frames, view, unreadable, decoder, damage or DamageLog(catalog)
    )
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


def _consecutive_clips(catalog, frames, view, unreadable, decoder, damage):
    """All clips of all videos in order, a dataset of `(clip, video, label)`; and how many."""
    source, titles = source_of(catalog, unreadable), catalog.titles
    clip_counts = [count_consecutive_clips(int(count), frames) for count in source.frames]
    runs = np.array(
        [
            (video, first)
            for video, count in enumerate(clip_counts)
            for first in range(0, count, source.clips_at_once)
        ],
        "int64",
    )

    def choose(video, first):
        clips = range(first, min(first + source.clips_at_once, clip_counts[video]))
        numbers = [consecutive_clip(source.frames[video], frames, clip) for clip in clips]
        return video, np.concatenate(numbers), view.middle

    def fetch(video, first):
        nothing = [np.empty(0, kind.as_numpy_dtype) for kind in source.types]
        try:
            content, there = source.fetch(*choose(video, first), view)
        except VideoError as error:
            damage.note_video(titles[video], error)
            return *nothing, _NONE
        whole = there.reshape(-1, frames).all(axis=1)
        if not whole.all():
            damage.note_clips(titles[video], int(np.sum(~whole)))
            content = [part[np.repeat(whole, frames)] for part in content]
        return *content, video

    def cut(pixels, video, *_):
        clips = tf.reshape(pixels, (-1, frames, *pixels.shape[1:]))
        video = tf.repeat(video, tf.shape(clips)[0])
        return clips, video, tf.gather(catalog.labels, video)

    dataset = tf.data.Dataset.from_tensor_slices((runs[:, 0], runs[:, 1]))
    dataset = _read(dataset, source, choose, fetch, frames, view, decoder).map(cut).unbatch()
    return dataset, sum(clip_counts)


def _read(dataset, source, choose, fetch, frames, view, decoder):
    """Reads the frames of each element, in order and in parallel.

    Args:
        dataset: `tf.data.Dataset` of elements.
        source: see `sources`.
        choose: function of an element: `(video, frame numbers, Crop)`.
        fetch: function of an element: what `source.fetch` reads, and the video, or `_NONE`.
        frames: int, how many a clip has.
        view: `View`.
        decoder: `"pyav"` or `"tfio"`.

    Returns:
        A `tf.data.Dataset` of `(frames, video, *element)`.
    """

    def load(*element):
        *content, video = numpy_function(fetch, element, [*source.types, tf.int64])
        return tuple(content), tf.ensure_shape(video, ()), *element

    def decode(content, *rest):
        return source.decode(*content, frames=frames, view=view), *rest

    if decoder == "tfio" and isinstance(source, FileSource):
        reader = GraphReader(source.videos, choose, view)
        return reader.clips(dataset, lambda *element: decode(*load(*element)))
    options = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}
    fetched = dataset.map(load, **options).filter(lambda _, video, *element: video != _NONE)
    return fetched.map(decode, **options)


def _checked(preprocessing):
    """What is given; or that of the checkpoints of 2018, with a warning."""
    if preprocessing is not None:
        return Preprocessing.checked(preprocessing)
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
