"""The data set of parts: its files, and which of its parts a frame gives away."""

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.model_selection

from keras_seattn import data
from keras_seattn.data import made_files, parts

SCENE = np.zeros((parts.SIDE, parts.SIDE))


@pytest.fixture
def few_groups(monkeypatch):
    monkeypatch.setattr(made_files, "GROUPS", 3)
    monkeypatch.setattr(made_files, "TEST_GROUPS", {1: [1], 2: [2], 3: [3]})


def test_files_and_what_they_show(few_groups, tmp_path):
    folders = parts.make(tmp_path, videos_per_group=1)
    train, test = (data.load_ucf101(*folders, subset=subset) for subset in ("train", "test"))
    assert len(train) == 32 and len(test) == 16 and test.class_names == parts.CLASS_NAMES
    assert set(train.groups) == {"g02", "g03"} and set(test.groups) == {"g01"}
    shown = parts.load_parts(tmp_path, test)
    for place, name in enumerate(test.class_names[label] for label in test.labels):
        words = (pair[shown[part][place]] for part, pair in parts.PARTS.items())
        assert name == "".join(words)
        frames = data.read_video(test.paths[place]).astype("float32")
        drawn = parts.render(name, 1, 1)
        assert frames.shape == drawn.shape == (16, 80, 80, 3)
        assert np.abs(frames - drawn).mean() < 12
        # The light keeps its colour for two frames where the table says it, and nowhere else.
        redness = np.median(frames[..., 0] - frames[..., 2], axis=(1, 2))
        light = np.rint((redness - np.median(redness)) / 190)
        first, last = (shown[f"{which}_event_frame"][place] for which in ("first", "last"))
        assert np.flatnonzero(light[:-1] * light[1:] > 0).tolist() == [first] and last == first + 1
        assert (light[first] > 0) == ("Red" in name) and np.abs(light).sum() == 4

    missing = data.Catalog(["videos/x/y.avi"], [0], ["x"])
    with pytest.raises(ValueError, match=r"parts.csv has no line for these videos: x/y.avi"):
        parts.load_parts(tmp_path, missing)
    with pytest.raises(FileNotFoundError, match=r"There is no .*parts.csv: `data.parts.make`"):
        parts.load_parts(tmp_path / "videos", test)


def test_the_same_seed_gives_the_same_frames():
    frames, again, other = (parts.render(parts.CLASS_NAMES[5], 1, 1, seed=s) for s in (0, 0, 1))
    assert np.array_equal(frames, again) and not np.array_equal(frames, other)
    with pytest.raises(ValueError, match="`name` must be one of 'RisingAlikeBlueLess'"):
        parts.render("Rising", 1, 1)


def drawn(seed, warm=1, scene=SCENE, **shown):
    return parts.draw(np.random.default_rng(seed), scene, warm, **shown).astype(int)


@pytest.mark.parametrize("warm", [0, 1])
def test_both_directions_meanings_and_events_have_the_same_frames(warm):
    for relation in (0, 1):
        some, opposite = (
            drawn(3, warm, direction=part, relation=relation, event=0, meaning=part)
            for part in (0, 1)
        )
        # Courses and phases begin anywhere, so all frames are as likely as the first.
        assert np.array_equal(some[0], opposite[0]) and not np.array_equal(some[8], opposite[8])
    for seed in range(5):
        lights = [parts._light(np.random.default_rng(seed), event)[0] for event in (0, 1)]
        assert not np.array_equal(*lights)
        assert np.array_equal(*np.sort(lights))  # two frames of each colour


def discs(frames):
    """The colour of each disc in each frame, `(frames, 2, 3)`: the most colourful pixels there."""
    found = []
    for part in (frames[:, :, 8:16], frames[:, :, 64:72]):
        pixels = part.reshape(len(frames), -1, 3)
        best = np.ptp(pixels, axis=2).argsort(axis=1)[:, -8:]
        found.append(np.take_along_axis(pixels, best[..., None], 1).mean(axis=1))
    return np.stack(found, axis=1)


def test_each_frame_tells_the_relation():
    for relation in (0, 1):
        unlit = parts._light(np.random.default_rng(1), 0)[0] == 0
        frames = drawn(1, direction=0, relation=relation, event=0, meaning=0)[unlit]
        apart = np.abs(np.diff(discs(frames), axis=1)).max(axis=(1, 2))
        assert (apart < 40).all() if relation else (apart > 100).all()
        hues = discs(frames)[::2, 0]
        assert np.abs(np.diff(hues, axis=0)).max(axis=1).mean() > 60  # it changes all the time


def tall(frames):
    """The height of the square in each frame, in pixels: white pixels of its columns."""
    return (frames[:, :, 40].min(axis=2) > 200).sum(axis=1)


def test_the_scene_says_which_motion_of_the_square_counts():
    for meaning, sign in ((0, -1), (1, 1)):
        for warm in (0, 1):
            frames = drawn(0, warm, direction=0, relation=1, event=0, meaning=meaning)
            white = frames[:, :, 40].min(axis=2) > 200
            angle = np.angle((white * np.exp(2j * np.pi * np.arange(80) / 80)).sum(axis=1))
            climb = -np.sin(np.diff(angle))
            moved = np.diff(tall(frames)) if warm else climb
            assert np.sign(np.median(moved[moved != 0])) == sign
            assert (frames[..., 0].mean() > frames[..., 2].mean()) == warm


def test_a_classifier_of_frames_is_at_chance():
    generator = np.random.default_rng(0)
    shown = generator.integers(0, 2, (250, len(parts.PARTS)))
    frames, jumps = [], []
    for number, values in enumerate(shown):
        scene = generator.uniform(-25, 25, (8, 8)).repeat(10, 0).repeat(10, 1)
        warm = generator.integers(2)
        video = drawn(number, warm, scene, **dict(zip(parts.PARTS, values, strict=True)))
        places = video.reshape(16, 10, 8, 10, 8, 3).mean(axis=(2, 4))
        chosen = places[generator.integers(16)].reshape(-1, 3)
        frames.append([*chosen.ravel(), *np.percentile(chosen, range(0, 101, 10), axis=0).ravel()])
        jumps.append(np.sort(np.diff(places[..., 0].mean(axis=(1, 2)))))
    trees = sklearn.ensemble.ExtraTreesClassifier(40, random_state=0)

    def accuracy(features, part):
        part = shown[:, list(parts.PARTS).index(part)]
        return sklearn.model_selection.cross_val_score(trees, features, part, cv=3).mean()

    for part in ("direction", "event", "meaning"):
        assert abs(accuracy(frames, part) - 0.5) < 0.1  # three deviations of 250 guesses
    assert accuracy(jumps, "event") > 0.9


def test_of_which_videos_each_part_is_right():
    names = ["RisingAlikeRedMore", "SinkingUnlikeRedMore", "RisingAlikeBlueLess"]
    right = parts.right_parts(names, np.array([0, 1, 2, 2]), np.array([0, 0, 2, 0]))
    assert {part: own.tolist() for part, own in right.items()} == {
        "direction": [True, False, True, True],
        "relation": [True, False, True, True],
        "event": [True, True, True, False],
        "meaning": [True, True, True, False],
    }
