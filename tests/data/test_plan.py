"""Plans: which clip comes when."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_seattn.applications.video_network import VideoNetwork
from keras_seattn.data import Catalog, load_ucf101, train_clips
from keras_seattn.data.plan import Plan
from keras_seattn.data.records import write_records
from keras_seattn.data.sampling import ClipRule, Timeline
from keras_seattn.preprocessing import HARA_2018

OPTIONS = {"frames": 8, "size": 24, "preprocessing": HARA_2018}


def plan(videos=10, batch_size=4, seed=0):
    timelines = [Timeline(30 + video) for video in range(videos)]
    return Plan(range(videos), timelines, ClipRule(8), batch_size, seed, (1.0, 0.5))


def shown(plan, position):
    video, clips = next(plan.candidates(position))
    numbers, crop = next(clips)
    return video, numbers[0], crop


def steps_of(clips, *epochs):
    """`(step, clips, labels, digest)` of the steps of some epochs."""
    found = []
    for epoch in epochs:
        clips.begin_epoch(epoch)
        iterated = list(clips.as_numpy_iterator())
        steps = list(clips.steps(epoch))
        steps = steps[len(steps) - len(iterated) :]
        found += [(s, *batch, clips.taken(s)) for s, batch in zip(steps, iterated, strict=True)]
    return found


def test_epochs_are_permutations_and_steps_hold_consecutive_positions():
    videos = [[shown(plan(), 10 * epoch + i)[0] for i in range(10)] for epoch in range(3)]
    assert all(sorted(order) == list(range(10)) for order in videos)
    assert videos[0] != videos[1] != videos[2]
    # Of 10 videos, 4 at a time: an epoch has the steps whose first position lies in it.
    steps = [plan().steps(epoch) for epoch in range(4)]
    assert steps == [range(0, 3), range(3, 5), range(5, 8), range(8, 10)]
    for epoch, own in enumerate(steps):
        assert [plan().epoch_of(step) for step in own] == [epoch] * len(own)
        assert all(10 * epoch <= 4 * step < 10 * (epoch + 1) for step in own)


def test_a_clip_depends_on_seed_and_position_only():
    positions = np.random.default_rng(0).permutation(40)
    one, other = plan(), plan(batch_size=3)
    forwards = {p: shown(one, p) for p in range(40)}
    assert {p: shown(other, p) for p in positions} == forwards
    assert {p: shown(plan(seed=1), p) for p in range(40)} != forwards
    # No two videos or epochs share their random numbers.
    assert len({(start, crop) for _, start, crop in forwards.values()}) > 30


def test_batches_are_no_larger_than_the_videos_are_many():
    assert plan(videos=3, batch_size=32).batch_size == 3
    assert plan(videos=3, batch_size=32).steps(7) == range(7, 8)


def test_replacements_are_other_videos_and_part_of_the_function():
    candidates = plan().candidates(13)
    videos = [
        (video, [numbers[0] for numbers, _ in clips])
        for video, clips in itertools.islice(candidates, 30)
    ]
    assert len(videos[0][1]) == 20 and {video for video, _ in videos} == set(range(10))
    # Whatever was read of the candidates before.
    candidates = plan().candidates(13)
    for video, starts in videos:
        again, clips = next(candidates)
        assert (again, next(clips)[0][0]) == (video, starts[0])


@pytest.fixture
def sources(tiny_ucf101, tmp_path):
    catalog = load_ucf101(*tiny_ucf101, subset="train")
    write_records(catalog, tmp_path / "records", shards=2, quality=100)
    return catalog, str(tmp_path / "records")


def test_files_and_records_give_the_same_clips_in_the_same_order(sources):
    files, records = (
        steps_of(train_clips(source, seed=5, batch_size=4, **OPTIONS), 0, 1) for source in sources
    )
    for (step, clips, labels, _), (step_too, clips_too, labels_too, _) in zip(
        files, records, strict=True
    ):
        assert step == step_too
        np.testing.assert_array_equal(labels, labels_too)
        # No other clip, nor the same backwards or mirrored, is as near.
        others = np.concatenate([clips_too, clips_too[:, ::-1], clips_too[:, :, :, ::-1]])
        distance = np.abs(clips[:, None] - others[None]).mean((2, 3, 4, 5))
        np.testing.assert_array_equal(distance.argmin(1), np.arange(len(clips)))


@pytest.mark.parametrize("kind", [0, 1])
def test_any_step_can_be_the_first(sources, kind):
    whole = steps_of(train_clips(sources[kind], seed=5, batch_size=4, **OPTIONS), 0, 1, 2)
    for first in (1, 2, 3):
        clips = train_clips(sources[kind], seed=5, batch_size=4, first_step=first, **OPTIONS)
        rest = steps_of(clips, *range([0, 0, 1, 2][first], 3))
        assert [step for step, *_ in rest] == list(range(first, 5))
        for expected, found in zip(whole[first:], rest, strict=True):
            np.testing.assert_array_equal(expected[1], found[1])
            assert expected[3] == found[3]
    # An epoch whose steps were all taken is empty.
    clips = train_clips(sources[kind], seed=5, batch_size=4, first_step=2, **OPTIONS)
    assert steps_of(clips, 0) == []


def test_digests_tell_clips_and_labels_apart(sources):
    clips = train_clips(sources[0], seed=5, batch_size=2, **OPTIONS)
    digests = [digest for *_, digest in steps_of(clips, 0, 1, 2)]
    assert len(set(digests)) == 9 and all(len(digest) == 8 for digest in digests)
    other = train_clips(sources[0], seed=6, batch_size=2, **OPTIONS)
    assert not set(digests) & {digest for *_, digest in steps_of(other, 0, 1, 2)}
    with pytest.raises(KeyError):
        clips.taken(0)  # given once


class Network(keras.Model):
    """Notes the clips that it is trained on, the sum of each batch."""

    def __init__(self):
        super().__init__()
        self.dense, self.sums = keras.layers.Dense(1), []

    def call(self, clips):
        return self.dense(keras.ops.mean(clips, axis=(1, 2, 3)))

    def train_step(self, batch):
        self.sums.append(float(keras.ops.sum(batch[0])))
        return {"loss": 0.0}


@pytest.mark.parametrize("videos", [6, 1])
def test_what_keras_draws_to_build_a_model_is_no_epoch(sources, videos, eagerly):
    catalog = Catalog(sources[0].paths[:videos], sources[0].labels[:videos], ["a", "b"])
    clips = train_clips(catalog, seed=5, batch_size=1, **OPTIONS)
    # With a strategy Keras draws a batch before the first epoch.
    with tf.distribute.OneDeviceStrategy("cpu").scope():
        model = Network()
        model.compile("sgd", "mse")
    model.fit(clips, epochs=3, verbose=0, shuffle=False)
    expected = [batch.sum(dtype="float64") for _, batch, *_ in steps_of(clips, 0, 1, 2)]
    np.testing.assert_allclose(model.sums, expected, rtol=1e-3)


def test_without_a_seed_clips_are_others_each_time(sources):
    first, second = (train_clips(sources[0], batch_size=6, **OPTIONS) for _ in range(2))
    assert steps_of(first, 0)[0][3] != steps_of(second, 0)[0][3]


def test_a_first_step_below_zero_is_refused(sources):
    with pytest.raises(ValueError, match="`first_step` must be a whole number of 0 or more"):
        train_clips(sources[0], first_step=-1, **OPTIONS)


@pytest.mark.parametrize("kind", ["own", "other"])
def test_an_epoch_that_is_shorter_ends_with_its_last_step(sources, kind, recwarn):
    # Of six videos, four at a time: two steps, one step, two steps.
    clips = train_clips(sources[0], seed=5, batch_size=4, **OPTIONS)
    options, inputs = {}, keras.Input((8, 24, 24, 3))
    outputs = keras.layers.Dense(2, "softmax")(keras.layers.GlobalAveragePooling3D()(inputs))
    if kind == "own":
        model = VideoNetwork(inputs, outputs)
    else:
        model = keras.Model(inputs, outputs)
        options["callbacks"] = clips.callbacks_of_epochs()
    seen = []
    model.compile(keras.optimizers.SGD(0.0, weight_decay=0.5), "sparse_categorical_crossentropy")
    count = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: seen.append(int(optimizer.iterations))
    )
    optimizer = model.optimizer
    options["callbacks"] = [*options.get("callbacks", ()), count]
    model.fit(clips, epochs=4, verbose=0, shuffle=False, **options)
    assert seen == [2, 3, 5, 6]
    assert not [w for w in recwarn if "ran out of data" in str(w.message)]
