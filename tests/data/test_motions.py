"""The demo data set: its layout, and that only the order of the frames gives the class away."""

import hashlib
import os

import keras
import numpy as np
import pytest

from keras_seattn import applications, data, training
from keras_seattn.data import motions
from keras_seattn.preprocessing import HARA_2018


def digest(folder):
    content = hashlib.sha256()
    for root, folders, files in sorted(os.walk(folder)):
        folders.sort()
        for file in sorted(files):
            with open(os.path.join(root, file), "rb") as stream:
                content.update(file.encode() + stream.read())
    return content.hexdigest()


def test_the_same_seed_gives_the_same_files(tmp_path):
    for name in ("a", "b"):
        motions.make(str(tmp_path / name), videos_per_group=1)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    first, other = (motions.render("Rising", 1, 1, seed=seed) for seed in (0, 1))
    assert not np.array_equal(first[:32], other[:32])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folders of the data set, with four videos of each class in each group."""
    return motions.make(str(tmp_path_factory.mktemp("motions")), videos_per_group=4)


def test_layout_and_splits_are_those_of_ucf101(made, tmp_path):
    video_dir, splits_dir = made
    groups = {}
    for split in (1, 2, 3):
        for subset, videos in (("train", 8 * 18 * 4), ("test", 8 * 7 * 4)):
            catalog = data.load_ucf101(video_dir, splits_dir, split, subset)
            assert catalog.class_names == sorted(motions.CLASS_NAMES)
            assert np.bincount(catalog.labels).tolist() == [videos // 8] * 8
            assert all(os.path.isfile(path) for path in catalog.paths)
            groups[split, subset] = {path.split("_g")[1][:2] for path in catalog.paths}
        assert not groups[split, "train"] & groups[split, "test"]
    assert not groups[1, "test"] & groups[2, "test"]
    frames = data.read_video(catalog.paths[0])
    assert frames.shape[1:] == (72, 96, 3)
    assert len(frames) in motions.FRAMES
    with pytest.raises(ValueError, match="`videos_per_group` must be at most 99"):
        motions.make(str(tmp_path), videos_per_group=100)


@pytest.mark.parametrize("pair", motions.PAIRS)
def test_pairs_are_each_other_played_backwards(pair, monkeypatch):
    forward, backward = pair
    monkeypatch.setattr(motions, "CLASS_NAMES", [forward])
    a = motions.render(forward, 3, 1)
    # With the same random numbers, the second class of a pair is the first one reversed.
    monkeypatch.setattr(motions, "CLASS_NAMES", [backward])
    b = motions.render(backward, 3, 1)
    np.testing.assert_array_equal(b, a[::-1])
    assert not np.array_equal(a, b)


def center_of_motion(frames):
    """The row, in shares of the height, of what differs from the median of the frames."""
    change = np.abs(frames - np.median(frames, axis=0)).sum(axis=-1)
    change[change < 60] = 0
    rows = np.arange(frames.shape[1])[None, :, None] / frames.shape[1]
    return (change * rows).sum(axis=(1, 2)) / np.maximum(change.sum(axis=(1, 2)), 1)


def test_the_motion_is_that_of_the_name_and_survives_a_mirror():
    for name, sign in (("Rising", -1), ("Sinking", 1)):
        steps = []
        for group in range(1, 16):
            frames = motions.render(name, group, 1).astype("float32")
            for video in (frames, frames[:, :, ::-1]):
                moves = np.diff(center_of_motion(video))
                steps.append(np.median(moves))
        assert np.mean(np.sign(steps) == sign) > 0.9


SIZE = 24


@pytest.fixture(scope="module")
def trained(made):
    """A network that has learned the motions, and all clips of the test videos, labelled."""
    keras.utils.set_random_seed(0)
    train, test = (data.load_ucf101(*made, 1, s) for s in ("train", "test"))
    clips = data.train_clips(
        train, size=SIZE, batch_size=16, seed=0, crop_scales=(1.0,), preprocessing=HARA_2018
    )
    model = applications.SEAResNet18_3D(
        input_shape=(16, SIZE, SIZE, 3), classes=8, width=0.125, sa_stages=(3, 4)
    )
    epochs = 8
    recipe = training.quick_recipe(epochs * len(clips), learning_rate=4e-3)
    model.compile(recipe.optimizer, "sparse_categorical_crossentropy")
    model.fit(clips, epochs=epochs, shuffle=False, verbose=0)
    batches = list(data.test_clips(test, size=SIZE, preprocessing=HARA_2018).as_numpy_iterator())
    test_clips = np.concatenate([inputs["clip"] for inputs, _ in batches])
    return model, test_clips, np.concatenate([labels for _, labels in batches])


def test_only_the_order_of_the_frames_gives_the_class_away(trained):
    model, clips, labels = trained
    generator = np.random.default_rng(0)

    def accuracy(clips):
        return np.mean(model.predict(clips, verbose=0).argmax(axis=1) == labels)

    in_order = accuracy(clips)
    assert in_order > 0.65
    shuffled = accuracy(np.stack([clip[generator.permutation(16)] for clip in clips]))
    repeated = accuracy(np.repeat(clips[:, 7:8], 16, axis=1))
    backwards = accuracy(clips[:, ::-1])
    # Knowing the pair and nothing more leaves one half.
    assert shuffled < 0.5
    assert repeated < 0.5
    assert backwards < 0.35
    print(f"{in_order=:.3f} {shuffled=:.3f} {repeated=:.3f} {backwards=:.3f}")
