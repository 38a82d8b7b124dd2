"""One video's classes: the scores that evaluation gives it, their times, and models from disk."""

import os
import pathlib

import keras
import numpy as np
import pytest
from video_files import moving_pattern, write_video

import keras_seattn
from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.data import VideoError, load_ucf101
from keras_seattn.evaluation import draw_scores, evaluate, load_model, predict_clips
from keras_seattn.preprocessing import HARA_2020

pytestmark = pytest.mark.usefixtures("eagerly")

NAMES = ["Jump", "Walk"]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    model = SEAResNet18_3D(input_shape=(8, 24, 24, 3), classes=2, width=0.1)
    model.class_names = NAMES
    return model


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_scores_are_those_of_evaluation(model, data_format, tiny_ucf101):
    catalog = load_ucf101(*tiny_ucf101, subset="test")
    if data_format == "channels_first":
        first = SEAResNet18_3D(
            input_shape=(3, 8, 24, 24), classes=2, width=0.1, data_format=data_format
        )
        first.set_weights(model.get_weights())
        first.class_names = NAMES
        model = first
    model.preprocessing = HARA_2020
    result = evaluate(model, catalog, progress=False)
    for path, scores in zip(catalog.paths, result.scores, strict=True):
        prediction = keras_seattn.predict(model, path)
        np.testing.assert_allclose(prediction.scores, scores, atol=1e-6)
        mean = np.mean([clip.scores for clip in prediction.clips], axis=0)
        np.testing.assert_allclose(prediction.scores, mean)
        best = int(np.argmax(scores))
        assert prediction.top[0] == (NAMES[best], pytest.approx(scores[best], abs=1e-6))


def test_the_timeline(model, tmp_path):
    path = write_video(tmp_path / "video.mp4", moving_pattern(20), codec="libx264")
    prediction = keras_seattn.predict(model, path, top=1)
    times = [(clip.start, clip.end) for clip in prediction.clips]
    np.testing.assert_allclose(times, [(0, 0.32), (0.32, 0.64), (0.64, 0.8)], atol=1e-3)
    content = prediction.to_dict()
    assert content["path"] == path
    assert list(content["top"][0]) == ["class_name", "score"]
    assert [clip["end"] for clip in content["clips"]] == [0.32, 0.64, 0.8]
    assert str(prediction).splitlines()[0] == path
    assert len(prediction.top) == len(prediction.clips[0].top) == 1


def test_clips_come_with_their_frames(model, tmp_path):
    path = write_video(tmp_path / "video.mp4", moving_pattern(20), codec="libx264")
    lengths = [len(frames) for _, frames in predict_clips(model, path)]
    assert lengths == [8, 8, 4]


def test_a_model_from_disk_knows_everything(tmp_path):
    path = write_video(tmp_path / "video.avi", moving_pattern(9))
    model = SEAResNet18_3D(input_shape=(8, 24, 24, 3), classes=2, width=0.1)
    model.class_names, model.preprocessing = NAMES, HARA_2020
    model.save(tmp_path / "model.keras")
    expected = keras_seattn.predict(model, path, top=2)
    prediction = keras_seattn.predict(tmp_path / "model.keras", path, top=2)
    assert {name for name, _ in prediction.top} == set(NAMES)
    np.testing.assert_allclose(prediction.scores, expected.scores, atol=1e-6)


def test_models_that_cannot_be_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model does not exist: none\.keras"):
        keras_seattn.predict("none.keras", "video.mp4")
    with pytest.raises(ValueError, match=r"must be a \.keras file.*keras-seattn convert 'x\.pth'"):
        load_model("x.pth")
    path = tmp_path / "cut.keras"
    path.write_bytes(b"PK\x03\x04 not a model")
    with pytest.raises(ValueError, match=r"cut\.keras is no \.keras file, or it is damaged"):
        load_model(path)


def test_code_in_a_model_is_refused_and_not_run(tmp_path):
    proof = str(tmp_path / "run")
    layer = keras.layers.Lambda(lambda x, f=open, p=proof: (f(p, "w"), x)[1])
    path = tmp_path / "evil.keras"
    keras.Sequential([keras.Input((2,)), layer]).save(path)
    os.path.exists(proof) and os.remove(proof)
    with pytest.raises(ValueError, match=r"evil\.keras cannot be loaded"):
        load_model(path)
    assert not os.path.exists(proof)


def test_videos_that_cannot_be_read(model, tmp_path):
    with pytest.raises(VideoError, match=r"none\.mp4: No such file"):
        keras_seattn.predict(model, "none.mp4")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(VideoError, match=r"empty\.mp4: the file is empty"):
        keras_seattn.predict(model, empty)
    sound = pathlib.Path(write_sound(tmp_path / "sound.mp4"))
    with pytest.raises(VideoError, match=r"sound\.mp4: the file has no video stream"):
        keras_seattn.predict(model, sound)
    with pytest.raises(ValueError, match="`top` must be a whole number of 1 or more"):
        keras_seattn.predict(model, "none.mp4", top=0)


def write_sound(path):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), "float32"), "fltp", "mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("height, width", [(48, 64), (300, 400), (64, 1000)])
def test_scores_are_drawn_inside_the_frame(height, width):
    image = np.full((height, width, 3), 200, "uint8")
    scores = [("pushing something so that it almost falls off but does not", 0.91), ("Ж", 0.09)]
    drawn = draw_scores(image, scores)
    assert min(drawn.shape[:2]) >= 240
    assert drawn.shape[1] / drawn.shape[0] == pytest.approx(width / height, rel=0.02)
    changed = np.argwhere((drawn != 200).any(axis=-1))
    top, left = changed.min(axis=0)
    bottom, right = changed.max(axis=0)
    assert drawn.max() == 255 and (bottom - top) < 0.5 * drawn.shape[0]
    assert left == 0 and right < drawn.shape[1] - 1
