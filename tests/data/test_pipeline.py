"""train_clips and test_clips: what they deliver, and what they do about broken videos."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf
from video_files import decode_all, moving_pattern, write_damaged, write_video
from video_kinds import OTHERS

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.data import (
    Catalog,
    VideoError,
    as_raised,
    load_ucf101,
    test_clips,
    train_clips,
)
from keras_seattn.data.unreadable import DamageLog
from keras_seattn.preprocessing import HARA_2018


def collect(dataset):
    clips, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(clips), np.concatenate(labels)


def same_content_catalog(tmp_path, videos=8):
    """Videos of one frame repeated, so that any clip of one has the same pixels in all frames."""
    paths = []
    for i in range(videos):
        images = np.repeat(moving_pattern(1, seed=i), 20, axis=0)
        paths.append(write_video(tmp_path / f"{i}.mkv", images, "ffv1"))
    return Catalog(paths, [i % 2 for i in range(videos)], ["even", "odd"])


def test_train_clips_show_each_video_once_an_epoch(tiny_ucf101):
    catalog = load_ucf101(*tiny_ucf101, subset="train")
    dataset = train_clips(catalog, frames=8, size=32, batch_size=4, seed=0, preprocessing=HARA_2018)
    assert dataset.cardinality() == 2
    assert [dataset.steps(epoch) for epoch in range(3)] == [range(2), range(2, 3), range(3, 5)]
    # A batch takes what it lacks from the next epoch: twice six videos are three batches of four.
    epochs = [list(dataset.as_numpy_iterator()) for _ in range(2)]
    batches = [batch for epoch in epochs for batch in epoch]
    assert [len(epoch) for epoch in epochs] == [2, 1]
    assert {clips.shape for clips, _ in batches} == {(4, 8, 32, 32, 3)}
    assert batches[0][0].dtype == np.float32
    labels = np.concatenate([labels for _, labels in batches])
    assert sorted(labels[:6]) == sorted(labels[6:]) == sorted(catalog.labels)


def test_the_same_seed_gives_the_same_clips_and_epochs_differ(tiny_ucf101):
    catalog = load_ucf101(*tiny_ucf101, subset="train")
    first = train_clips(catalog, frames=8, size=32, seed=3, preprocessing=HARA_2018)
    second = train_clips(catalog, frames=8, size=32, seed=3, preprocessing=HARA_2018)
    epochs = [collect(first), collect(first)]
    again = [collect(second), collect(second)]
    for (clips, labels), (clips_again, labels_again) in zip(epochs, again, strict=True):
        np.testing.assert_array_equal(clips, clips_again)
        np.testing.assert_array_equal(labels, labels_again)
    assert not np.array_equal(epochs[0][0], epochs[1][0])
    other, _ = collect(train_clips(catalog, frames=8, size=32, seed=4, preprocessing=HARA_2018))
    assert not np.array_equal(epochs[0][0], other)


@pytest.mark.parametrize("make", [train_clips, test_clips])
def test_a_guess_of_the_preprocessing_is_told(make, tmp_path):
    with pytest.warns(UserWarning, match="`preprocessing` was not given"):
        guessed = make(same_content_catalog(tmp_path), frames=8, size=24)
    expected = make(same_content_catalog(tmp_path), frames=8, size=24, preprocessing=HARA_2018)
    assert guessed.element_spec == expected.element_spec


def test_one_crop_and_flip_for_the_whole_clip(tmp_path):
    clips, _ = collect(
        train_clips(
            same_content_catalog(tmp_path), frames=8, size=24, seed=0, preprocessing=HARA_2018
        )
    )
    # The frames of these videos are alike, so those of a clip must be too.
    np.testing.assert_array_equal(clips, np.repeat(clips[:, :1], 8, axis=1))
    assert np.min(np.std(clips, axis=(2, 3))) > 12


def test_test_clips_are_all_consecutive_clips_with_their_videos(tmp_path):
    lengths = [16, 5, 40, 33]
    paths = [
        write_video(tmp_path / f"{i}.avi", moving_pattern(n, 32, 32, seed=i))
        for i, n in enumerate(lengths)
    ]
    catalog = Catalog(paths, [1, 0, 1, 0], ["a", "b"])
    dataset = test_clips(catalog, frames=16, size=32, batch_size=3, preprocessing=HARA_2018)
    batches = list(dataset.as_numpy_iterator())
    videos = np.concatenate([inputs["video"] for inputs, _ in batches])
    clips = np.concatenate([inputs["clip"] for inputs, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    assert videos.tolist() == [0, 1, 2, 2, 2, 3, 3, 3]
    np.testing.assert_array_equal(labels, catalog.labels[videos])
    # At the videos' own size nothing is scaled, so the pixels are those of a plain decode.
    numbers = [np.arange(16), np.arange(16) % 5, np.arange(16), 16 + np.arange(16)]
    numbers += [32 + np.arange(16) % 8, np.arange(16), 16 + np.arange(16), np.full(16, 32)]
    expected = [decode_all(paths[v])[n] for v, n in zip(videos, numbers, strict=True)]
    mean = np.asarray(HARA_2018.mean, "float32")
    np.testing.assert_allclose(clips, np.stack(expected).astype("float32") - mean, atol=1e-4)


def test_long_videos_are_cut_up_in_runs_without_a_seam(tmp_path):
    path = write_video(tmp_path / "long.avi", moving_pattern(150, 32, 32))
    dataset = test_clips(
        Catalog([path], [0], ["a"]), frames=4, size=32, batch_size=7, preprocessing=HARA_2018
    )
    clips = np.concatenate([inputs["clip"] for inputs, _ in dataset.as_numpy_iterator()])
    expected = decode_all(path)[: 37 * 4].reshape(37, 4, 32, 32, 3)
    np.testing.assert_allclose(
        clips[:37], expected.astype("float32") - np.asarray(HARA_2018.mean, "float32"), atol=1e-4
    )
    assert len(clips) == 38


def test_channels_first(tiny_ucf101):
    catalog = load_ucf101(*tiny_ucf101, subset="test")
    for make in (train_clips, test_clips):
        options = {"frames": 4, "size": 16, "preprocessing": HARA_2018}
        options.update({"seed": 0} if make is train_clips else {})
        last = make(catalog, data_format="channels_last", **options)
        first = make(catalog, data_format="channels_first", **options)
        last, first = next(last.as_numpy_iterator())[0], next(first.as_numpy_iterator())[0]
        if make is test_clips:
            last, first = last["clip"], first["clip"]
        np.testing.assert_array_equal(first, np.moveaxis(last, -1, 1))


def test_fit_evaluate_and_predict_take_both_as_they_are(tiny_ucf101, recwarn):
    train = load_ucf101(*tiny_ucf101, subset="train")
    test = load_ucf101(*tiny_ucf101, subset="test")
    model = SEAResNet18_3D(input_shape=(8, 16, 16, 3), classes=2, width=0.05)
    # Small logits and steps, so that no score is rounded to 0.
    predictions = model.get_layer("predictions").kernel
    predictions.assign(predictions * 1e-6)
    model.compile(keras.optimizers.SGD(1e-9), "sparse_categorical_crossentropy")
    validation = test_clips(test, frames=8, size=16, preprocessing=HARA_2018)
    history = model.fit(
        train_clips(train, frames=8, size=16, seed=0, preprocessing=HARA_2018),
        validation_data=validation,
        verbose=0,
    )
    # Three clips of each of the six test videos, of 23 to 25 frames: the video index must not
    # have been taken for a weight or a label.
    scores = model.predict(validation, verbose=0)
    labels = np.concatenate([labels for _, labels in validation.as_numpy_iterator()])
    assert len(scores) == len(labels) == 6 * 3 + 2
    expected = -np.mean(np.log(scores[np.arange(len(labels)), labels]))
    assert history.history["val_loss"][0] == pytest.approx(expected, rel=1e-4)
    noise = ("ran out of data", "doesn't match the expected structure")
    assert not [w for w in recwarn if any(part in str(w.message) for part in noise)]


@pytest.fixture
def partly_broken(tmp_path):
    """150 catalog entries over three good videos and one that is empty."""
    good = [
        write_video(tmp_path / f"good{i}.avi", moving_pattern(16, 16, 16, seed=i)) for i in range(3)
    ]
    empty = tmp_path / "empty.avi"
    empty.touch()
    paths = [*good * 49, *good[:2], str(empty)]
    return Catalog(paths, [i % 2 for i in range(150)], ["a", "b"])


@pytest.mark.parametrize("make", [train_clips, test_clips])
def test_unreadable_videos_stop_before_the_first_epoch(partly_broken, make):
    with pytest.raises(VideoError, match=r"1 of 150 videos cannot be read:\n.*empty.avi"):
        make(partly_broken, frames=4, size=16, preprocessing=HARA_2018)


@pytest.mark.parametrize("make", [train_clips, test_clips])
def test_unreadable_videos_are_skipped_with_a_warning_that_names_them(partly_broken, make):
    with pytest.warns(UserWarning, match=r"1 of 150 videos cannot be read:\n.*empty.avi"):
        dataset = make(partly_broken, frames=4, size=16, unreadable="skip", preprocessing=HARA_2018)
    labels = np.concatenate([labels for _, labels in dataset.as_numpy_iterator()])
    # An epoch's last batch is full, so it takes some clips of the next one.
    assert len(labels) == (5 * 32 if make is train_clips else 149 * 4)


def test_more_than_one_percent_unreadable_stops_with_the_list(partly_broken):
    missing = "no such file.avi"
    paths = [*partly_broken.paths[:-1], partly_broken.paths[-1], missing]
    catalog = Catalog(paths, [0] * len(paths), ["a", "b"])
    with pytest.raises(
        VideoError, match=r"2 of 151 .*\n.*empty.avi.*\n.*no such file.avi"
    ) as error:
        train_clips(catalog, unreadable="skip", preprocessing=HARA_2018)
    assert "more than 1%" in str(error.value)


def test_of_eight_videos_one_may_be_left_out_and_of_one_none(tmp_path):
    good = write_video(tmp_path / "good.avi", moving_pattern(16, 16, 16))
    missing = [str(tmp_path / f"{i}.avi") for i in range(2)]
    with pytest.warns(UserWarning, match=r"1 of 8 videos cannot be read:\n.*0\.avi"):
        clips = train_clips(Catalog([good] * 7 + missing[:1], [0] * 8, ["a"]), 4, 16, 8, seed=0,
                            unreadable="skip", preprocessing=HARA_2018)  # fmt: skip
    assert sum(len(labels) for _, labels in clips) == 7
    for paths in ([good] * 7 + missing, missing[:1]):
        with pytest.raises(VideoError, match="more than 1%"):
            train_clips(
                Catalog(paths, [0] * len(paths), ["a"]),
                4,
                16,
                8,
                unreadable="skip",
                preprocessing=HARA_2018,
            )


def test_a_folder_of_videos_cut_without_encoding_is_trained_and_tested_on(tmp_path, recwarn):
    paths = []
    for i in range(8):
        (tmp_path / str(i)).mkdir()
        paths.append(OTHERS["cut"](tmp_path / str(i)))
    catalog = Catalog(paths, [0] * 8, ["a"])
    numbers = [np.arange(8 * i, 8 * i + 8) for i in range(3)] + [24 + np.arange(8) % 7]
    expected = decode_all(paths[0])[np.stack(numbers)][:, :, :, 8:56]
    (inputs, _), *_ = test_clips(catalog, frames=8, size=48, batch_size=4, preprocessing=HARA_2018)
    mean = np.asarray(HARA_2018.mean, "float32")
    np.testing.assert_allclose(inputs["clip"], expected - mean, atol=1e-4)
    epochs = train_clips(
        catalog, frames=8, size=16, batch_size=8, seed=0, preprocessing=HARA_2018
    ).repeat(12)
    assert len(list(epochs)) == 12
    assert not [w for w in recwarn if "cut" in str(w.message)]


@pytest.fixture
def partly_damaged(tmp_path):
    """Four videos of 32 frames, of which frame 12 cannot be decoded, in two classes."""
    images = moving_pattern(32, 16, 16)
    paths = [write_damaged(tmp_path / f"{i}.avi", images, [12]) for i in range(4)]
    return Catalog(paths, [0, 1, 0, 1], ["a", "b"])


def test_clips_that_touch_damaged_frames_are_left_out_of_testing(partly_damaged):
    damage = DamageLog(partly_damaged)
    dataset = test_clips(
        partly_damaged, frames=8, size=16, batch_size=5, damage=damage, preprocessing=HARA_2018
    )
    with pytest.warns(UserWarning, match=r"\.avi: some of its frames are damaged") as caught:
        batches = list(dataset.as_numpy_iterator())
    assert len([w for w in caught if "damaged" in str(w.message)]) == 4
    videos = np.concatenate([inputs["video"] for inputs, _ in batches])
    assert videos.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert damage.clips == 4 and not damage.titles
    clips = np.concatenate([inputs["clip"] for inputs, _ in batches])
    frames = decode_all(partly_damaged.paths[0])  # without the damaged one
    expected = np.stack([frames[:8], frames[15:23], frames[23:31]])
    mean = np.asarray(HARA_2018.mean, "float32")
    np.testing.assert_allclose(clips, np.tile(expected - mean, (4, 1, 1, 1, 1)), atol=1e-4)


def test_clips_that_touch_damaged_frames_are_drawn_anew_in_training(partly_damaged, recwarn):
    dataset = train_clips(
        partly_damaged, 8, 16, 4, seed=0, crop_scales=(1.0,), preprocessing=HARA_2018
    )
    mean = np.asarray(HARA_2018.mean, "float32")
    frames = decode_all(partly_damaged.paths[0])
    seen = set()
    for _ in range(20):
        clips, labels = collect(dataset)
        assert sorted(labels) == [0, 0, 1, 1]  # of each video one, for each has whole clips
        for clip in clips:
            distances = np.abs(frames[None] - (clip[[0, -1]] + mean)[:, None]).max((2, 3, 4))
            mirrored = np.abs(frames[None] - (clip[[0, -1], :, ::-1] + mean)[:, None]).max(
                (2, 3, 4)
            )
            first, last = np.minimum(distances, mirrored).argmin(1)
            assert last - first == 7 and (last < 12 or first >= 12)
            seen.add(int(first))
    assert min(seen) <= 2 and max(seen) >= 20
    assert len({str(w.message) for w in recwarn if "damaged" in str(w.message)}) == 4


@pytest.fixture
def damaged_later(tmp_path):
    """150 catalog entries, one of a file that opens well and fails when it is decoded."""
    good = [
        write_video(tmp_path / f"good{i}.avi", moving_pattern(16, 16, 16, seed=i)) for i in range(3)
    ]
    damaged = write_video(tmp_path / "damaged.avi", moving_pattern(16, 16, 16))
    catalog = Catalog([*good * 49, *good[:2], damaged], [0] * 149 + [1], ["a", "b"])
    return catalog, damaged


def test_a_video_that_fails_during_training_is_replaced(damaged_later, recwarn):
    catalog, damaged = damaged_later
    dataset = train_clips(
        catalog, frames=4, size=16, seed=0, batch_size=50, preprocessing=HARA_2018
    )
    open(damaged, "wb").close()
    for _ in range(2):
        _, labels = collect(dataset)
        assert len(labels) == 150
        assert labels.sum() == 0
    messages = [str(w.message) for w in recwarn if "damaged.avi" in str(w.message)]
    assert len(messages) == 1
    assert "1 of 150 videos so far" in messages[0]


def test_a_video_that_fails_during_testing_is_named(damaged_later, recwarn):
    catalog, damaged = damaged_later
    dataset = test_clips(catalog, frames=16, size=16, preprocessing=HARA_2018)
    open(damaged, "wb").close()
    videos = np.concatenate([inputs["video"] for inputs, _ in dataset.as_numpy_iterator()])
    assert videos.tolist() == list(range(149))
    assert any("damaged.avi" in str(w.message) for w in recwarn)


def vanishing(tmp_path, count=12):
    """A catalog of videos, and a function that takes three of them away."""
    paths = [
        write_video(tmp_path / f"{i}.avi", moving_pattern(16, 16, 16, seed=i)) for i in range(count)
    ]
    return Catalog(paths, [i % 2 for i in range(count)], ["a", "b"]), lambda: [
        os.remove(path) for path in paths[:3]
    ]


VANISHED = r"[23] of 12 videos cannot be read:\n.*avi: No such file.*\n.*avi: No such file"


@pytest.mark.parametrize("make", [train_clips, test_clips])
@pytest.mark.filterwarnings("ignore:.*No such file")
def test_what_fails_in_a_data_set_arrives_as_it_was_raised(make, tmp_path):
    catalog, take_away = vanishing(tmp_path)
    clips = make(catalog, frames=4, size=16, batch_size=2, preprocessing=HARA_2018)
    take_away()
    for collected in (lambda: list(clips), lambda: list(clips.as_numpy_iterator())):
        with pytest.raises(VideoError, match=VANISHED) as error:
            collected()
        assert error.value.__cause__ is None and error.value.__suppress_context__


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
@pytest.mark.filterwarnings("ignore:.*No such file")
def test_what_fails_while_a_model_runs_arrives_as_it_was_raised(method, tmp_path):
    catalog, take_away = vanishing(tmp_path)
    clips = test_clips(catalog, frames=4, size=16, batch_size=2, preprocessing=HARA_2018)
    take_away()
    own = SEAResNet18_3D(input_shape=(4, 16, 16, 3), classes=2, width=0.05)
    inputs = keras.Input((4, 16, 16, 3), name="clip")
    outputs = keras.layers.Dense(2, "softmax")(keras.layers.GlobalAveragePooling3D()(inputs))
    other = keras.Model(inputs, outputs)
    for model in (own, other):
        model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(VideoError, match=VANISHED):
        getattr(own, method)(clips, verbose=0)
    with pytest.raises(VideoError, match=VANISHED), as_raised():
        getattr(other, method)(clips, verbose=0)


def test_errors_of_others_stay_as_they_are():
    with pytest.raises(ZeroDivisionError), as_raised():
        raise ZeroDivisionError
    infinite = tf.data.Dataset.range(2).map(lambda i: tf.debugging.check_numerics(1 / i, "zero"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="zero"), as_raised():
        list(infinite)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"frames": 0}, "`frames` must be a whole number"),
        ({"size": -1}, "`size` must be a whole number"),
        ({"batch_size": 2.5}, "`batch_size` must be a whole number"),
        ({"unreadable": "ignore"}, "`unreadable` must be one of 'stop', 'skip'"),
        ({"crop_scales": (0.0,)}, "`crop_scales` must hold numbers above 0"),
        ({"data_format": "NCDHW"}, "`data_format` must be one of"),
    ],
)
def test_wrong_arguments_are_named(tiny_ucf101, options, message):
    catalog = load_ucf101(*tiny_ucf101, subset="train")
    with pytest.raises(ValueError, match=message):
        train_clips(catalog, preprocessing=HARA_2018, **options)


def test_an_empty_catalog_is_refused():
    with pytest.raises(ValueError, match="`catalog` holds no videos"):
        train_clips(Catalog([], [], ["a"]), preprocessing=HARA_2018)
