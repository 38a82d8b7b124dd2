"""Catalogs -> `tf.data` datasets of clips, for training and for testing."""

import itertools
import os
import secrets
import warnings
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_seattn import arguments
from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.clip_dataset import ClipDataset
from keras_seattn.data.clip_reading import preprocessed, read
from keras_seattn.data.decoding import VideoError
from keras_seattn.data.plan import Plan
from keras_seattn.data.records import Records
from keras_seattn.data.records.manifest import opened
from keras_seattn.data.sampling import (
    CROP_SCALES,
    ClipRule,
    View,
)
from keras_seattn.data.sources import check_times, source_of
from keras_seattn.data.training_clips import TrainingClips
from keras_seattn.data.unreadable import DamageLog
from keras_seattn.errors import InputError
from keras_seattn.preprocessing import HARA_2018, Preprocessing

DECODERS = ("pyav", "tfio")


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
    clips_per_open: int = 1,
    first_step: int = 0,
) -> TrainingClips:
    """Random clips for training, one of each video an epoch, for `model.fit`.

    A clip is `frames` frames from a random start, or others as the sampling of
    `preprocessing` says (`sampling.ClipRule`); a random square crop of them
    resized to `size`, flipped left-right half of the time; the crop is the same
    for all frames (`sampling.random_crop`), and of frames as `preprocessing`
    has them (`sampling.View`).
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
        clips_per_open: int, how many clips are cut out of a video each time
            that it is opened, for a batch; a divisor of `batch_size`. Its
            frames are decoded once for all of them, and an epoch holds so many
            clips of each video.
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
            prove unreadable, or a shard does. Or a frame rate is asked for, and
            videos do not tell theirs. Networks of this package pass it
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
    clips_per_open = arguments.positive_integer(clips_per_open, "clips_per_open")
    if batch_size % clips_per_open:
        raise InputError(
            "`batch_size` must be a multiple of `clips_per_open`. Received: "
            f"batch_size={batch_size}, clips_per_open={clips_per_open}"
        )
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
    view, rule = View.of(size, preprocessing), ClipRule(frames, preprocessing.sampling)
    check_times(catalog.paths, source.timelines, rule.sampling, isinstance(catalog, Records))
    plan = Plan(videos, source.timelines, rule, batch_size, seed, crop_scales, clips_per_open)
    damage = DamageLog(catalog)

    def choose(positions):
        video, clips = next(plan.candidates(int(positions[0]) // clips_per_open))
        return video, list(itertools.islice(clips, clips_per_open)), positions

    def fetch(positions):
        for video, clips in plan.candidates(int(positions[0]) // clips_per_open):
            title, failure = titles[video], None
            chosen = list(itertools.islice(clips, clips_per_open))
            while len(chosen) == clips_per_open:
                try:
                    content, there = source.fetch(video, chosen, view)
                except VideoError as error:
                    failure = error
                    break
                whole = there.all(axis=1)
                if whole.all():
                    return *content, np.full(clips_per_open, video), positions
                damage.note_clips(title, int(np.sum(~whole)))
                kept = list(itertools.compress(chosen, whole))
                chosen = kept + list(itertools.islice(clips, clips_per_open - len(kept)))
            damage.note_video(title, failure or VideoError(f"{title}: hardly any clip is whole."))

    def clips_at(positions):
        openings = positions.batch(clips_per_open)
        return read(openings, source, choose, fetch, frames, view, decoder).map(
            lambda clip, video, position: (clip, tf.gather(catalog.labels, video), position)
        )

    def preprocess(clips):
        return preprocessed(clips, data_format, preprocessing)

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
    *,
    clips_per_video: int | None = None,
    crops: int = 1,
) -> tf.data.Dataset:
    """All consecutive clips of all videos, for validation and testing.

    A video is scaled to `size` on its shorter side, or as `preprocessing` says,
    cropped at the centre, and cut into clips that do not overlap; the last one
    is looped to length. Of which frames, the sampling of `preprocessing` says
    (`sampling.ClipRule`).

    Args:
        catalog, frames, size, batch_size: as for `train_clips`.
        unreadable, data_format, preprocessing, decoder: as for `train_clips`.
        clips_per_video: int, how many clips to test of each video, evenly
            spread from its beginning to its end; None for all that do not
            overlap.
        crops: 1 for the centre, or 3, for both ends of the frame's longer side
            too; the same clip with each is a clip of its own.
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
    if clips_per_video is not None:
        clips_per_video = arguments.positive_integer(clips_per_video, "clips_per_video")
    arguments.one_of(crops, (1, 3), "crops")
    rule = ClipRule(frames, preprocessing.sampling, clips_per_video)
    dataset, clips = _tested_clips(
        catalog,
        rule,
        View.of(size, preprocessing),
        crops,
        unreadable,
        decoder,
        damage or DamageLog(catalog),
    )
    dataset = dataset.batch(batch_size).map(
        lambda clips, video, labels: (
            {"clip": preprocessed(clips, data_format, preprocessing), "video": video},
            labels,
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return ClipDataset(dataset.prefetch(tf.data.AUTOTUNE), most=-(-clips // batch_size))


# pytest would take it for a test of whoever imports it.
test_clips.__test__ = False  # type: ignore[attr-defined]


def _tested_clips(catalog, rule, view, crops, unreadable, decoder, damage):
    """The clips of all videos in order, a dataset of `(clip, video, label)`; and how many."""
    source, titles = source_of(catalog, unreadable), catalog.titles
    check_times(catalog.paths, source.timelines, rule.sampling, isinstance(catalog, Records))
    counts = [rule.count(line) if line.frames else 0 for line in source.timelines]
    at_once = max(1, source.clips_at_once // crops)
    runs = np.array(
        [
            (video, first)
            for video, count in enumerate(counts)
            for first in range(0, count, at_once)
        ],
        "int64",
    )

    def choose(run):
        video, first = map(int, run)
        numbers = np.arange(first, min(first + at_once, counts[video]))
        clips = [
            (rule.clip(source.timelines[video], int(number)), crop)
            for number in numbers
            for crop in view.tested(crops)
        ]
        return video, clips, np.repeat(numbers, crops)

    def fetch(run):
        video, clips, numbers = choose(run)
        try:
            content, there = source.fetch(video, clips, view)
        except VideoError as error:
            damage.note_video(titles[video], error)
            return nothing
        whole = there.all(axis=1)
        if not whole.all():
            damage.note_clips(titles[video], int(np.sum(~whole)))
            content = [part[whole] for part in content]
        return *content, np.full(int(np.sum(whole)), video), numbers[whole]

    types = (*source.types, tf.int64, tf.int64)
    nothing = tuple(np.empty(0, kind.as_numpy_dtype) for kind in types)
    dataset = tf.data.Dataset.from_tensor_slices(runs)
    dataset = read(dataset, source, choose, fetch, rule.frames, view, decoder).map(
        lambda clip, video, _: (clip, video, tf.gather(catalog.labels, video))
    )
    return dataset, crops * sum(counts)


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
