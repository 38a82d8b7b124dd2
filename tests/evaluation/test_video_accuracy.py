"""Video-level metrics against their definitions, on scores that are known beforehand."""

import json
import math

import keras
import numpy as np
import pytest
from video_files import damage_frames, moving_pattern, write_damaged, write_video

from keras_seattn.applications.video_network import VideoNetwork
from keras_seattn.data import Catalog, VideoError
from keras_seattn.description import set_class_names
from keras_seattn.evaluation import (
    evaluate,
    plot_confusion_matrix,
    plot_videos,
    predict,
    write_report,
)
from keras_seattn.layers import ClipDescription
from keras_seattn.preprocessing import HARA_2018

pytestmark = pytest.mark.usefixtures("eagerly")

CLASSES = ["dark", "middle", "bright"]


def grey_video(path, levels):
    """A lossless video of plain grey frames; swscale keeps levels within 1."""
    images = np.repeat(np.asarray(levels, "uint8"), 16 * 16 * 3).reshape(-1, 16, 16, 3)
    return write_video(path, images, "ffv1")


@keras.saving.register_keras_serializable(package="test")
class Brightness(keras.layers.Layer):
    """Scores clips by their mean: softmax of -|mean - level| / 10 over three levels."""

    def call(self, clip):
        mean = keras.ops.mean(clip + np.asarray(HARA_2018.mean, "float32"), axis=(1, 2, 3, 4))
        levels = keras.ops.convert_to_tensor([40.0, 120.0, 200.0])
        return keras.ops.softmax(-keras.ops.abs(mean[:, None] - levels) / 10)

    def compute_output_shape(self, shape):
        return (shape[0], 3)


@pytest.fixture
def model():
    inputs = keras.Input((4, 16, 16, 3), name="clip")
    model = keras.Model(inputs, Brightness()(ClipDescription(HARA_2018)(inputs)))
    set_class_names(model, CLASSES)
    return model


@pytest.fixture
def catalog(tmp_path):
    levels = [
        [40] * 8,  # two clips, both dark
        [40] * 4 + [95] * 2,  # a dark clip and a looped one nearer to middle; dark on average
        [120] * 4 + [200] * 8,  # one clip in the middle, two bright: labelled middle, so wrong
        [200] * 3,  # shorter than a clip, bright
        [40] * 4,  # dark, labelled bright: the last video, which must count
    ]
    paths = [grey_video(tmp_path / f"{i}.mkv", level) for i, level in enumerate(levels)]
    return Catalog(paths, [0, 0, 1, 2, 2], CLASSES)


def softmax(means):
    e = np.exp(-np.abs(np.asarray(means, float)[:, None] - [40, 120, 200]) / 10)
    return e / e.sum(axis=1, keepdims=True)


def test_metrics(model, catalog, tmp_path):
    result = evaluate(model, catalog, batch_size=2, progress=False)
    clip_scores = softmax([40, 40, 40, 95, 120, 200, 200, 200, 40])
    clip_videos = np.array([0, 0, 1, 1, 2, 2, 2, 3, 4])
    clip_labels = catalog.labels[clip_videos]
    expected = np.stack([clip_scores[clip_videos == i].mean(axis=0) for i in range(5)])
    np.testing.assert_allclose(result.scores, expected, atol=0.05)
    assert (result.videos, result.clips) == (5, 9)
    assert result.top1 == pytest.approx(3 / 5)
    assert result.clip_top1 == pytest.approx(np.mean(clip_scores.argmax(axis=1) == clip_labels))
    assert result.clip_top1 != result.top1
    assert result.top5 == 1
    assert result.confusion_matrix.tolist() == [[2, 0, 0], [0, 0, 1], [1, 0, 1]]
    assert result.balanced_accuracy == pytest.approx((1 + 0 + 0.5) / 3)
    rows = [tuple(row.values())[:5] for row in result.per_class]
    assert rows[0] == ("dark", pytest.approx(2 / 3), 1, pytest.approx(4 / 5), 2)
    assert rows[1][0] == "middle" and math.isnan(rows[1][1]) and rows[1][2:] == (0, 0, 1)
    half = pytest.approx(1 / 2)
    assert rows[2] == ("bright", half, half, half, 2)
    assert result.names == catalog.names and result.groups == catalog.groups
    assert result.group_numbers is None  # The files' names tell of none.
    assert "video top-1 0.6000" in str(result) and "clip top-1" in str(result)

    result.save(tmp_path / "metrics.json")
    saved = json.loads((tmp_path / "metrics.json").read_text())
    assert saved["video_top1"] == result.top1
    assert saved["clip_top1"] == result.clip_top1
    assert saved["per_class"][1]["precision"] is None
    assert saved["confusion_matrix"] == result.confusion_matrix.tolist()


def test_the_batch_size_changes_nothing(model, catalog):
    one, many = (evaluate(model, catalog, batch_size=n, progress=False) for n in (1, 32))
    np.testing.assert_allclose(one.scores, many.scores, atol=1e-6)
    assert one.loss == pytest.approx(many.loss, rel=1e-6)


def test_top5_of_many_classes(tmp_path):
    path = grey_video(tmp_path / "v.mkv", [40] * 4)
    inputs = keras.Input((4, 16, 16, 3))
    dense = keras.layers.Dense(8, "softmax", use_bias=True)
    x = keras.layers.GlobalAveragePooling3D()(ClipDescription()(inputs))
    model = keras.Model(inputs, dense(x))
    dense.set_weights([np.zeros((3, 8)), np.arange(8.0)])  # ranks classes 7, 6, 5, 4, 3, ...
    names = [str(i) for i in range(8)]
    set_class_names(model, names)
    catalog = Catalog([path] * 4, [7, 3, 2, 0], names)
    result = evaluate(model, catalog, progress=False)
    assert (result.top1, result.top5) == (1 / 4, 2 / 4)


def test_unreadable_videos_are_skipped_and_listed(model, catalog, tmp_path):
    empty = tmp_path / "empty.avi"
    empty.touch()
    catalog = Catalog([*catalog.paths * 20, str(empty)], [*catalog.labels] * 20 + [1], CLASSES)
    with pytest.raises(VideoError, match=r"empty\.avi"):
        evaluate(model, catalog, progress=False)
    with pytest.warns(UserWarning, match=r"empty\.avi"):
        result = evaluate(model, catalog, unreadable="skip", progress=False)
    assert result.skipped == [str(empty)]
    assert result.videos == 100
    assert result.top1 == pytest.approx(3 / 5)


def test_a_video_that_fails_later_does_not_count(model, catalog, tmp_path, monkeypatch):
    broken = write_video(tmp_path / "damaged.avi", moving_pattern(16, 16, 16))
    catalog = Catalog([*catalog.paths * 20, broken], [*catalog.labels] * 20 + [1], CLASSES)
    predict = model.predict_on_batch

    def damage_and_predict(clips):
        open(broken, "wb").close()
        return predict(clips)

    monkeypatch.setattr(model, "predict_on_batch", damage_and_predict)
    damage_and_predict(np.zeros((1, 4, 16, 16, 3)))
    with pytest.warns(UserWarning):
        result = evaluate(model, catalog, unreadable="skip", progress=False)
    assert (result.videos, result.skipped) == (100, [broken])


def test_clips_with_damaged_frames_are_left_out_of_the_mean(model, tmp_path):
    # Four clips, of which the third one, whose frames are bright, has a damaged frame.
    images = np.full((16, 16, 16, 3), 40, "uint8")
    images[8:12] = 200
    path = write_damaged(tmp_path / "v.avi", images, [10])
    lost = write_video(tmp_path / "lost.avi", images, "mjpeg", pixels="yuvj420p")
    damage_frames(lost, range(8, 16))
    catalog = Catalog([path] * 9 + [lost], [0] * 10, CLASSES)
    with pytest.warns(UserWarning, match="some of its frames are damaged"):
        result = evaluate(model, catalog, progress=False)
    assert (result.videos, result.clips, result.clips_left_out) == (10, 9 * 3 + 2, 9 + 2)
    np.testing.assert_allclose(result.scores, np.tile(softmax([40.0]), (10, 1)), atol=0.05)
    assert str(result).endswith("; 11 clips with damaged frames left out")
    result.save(tmp_path / "metrics.json")
    assert json.loads((tmp_path / "metrics.json").read_text())["clips_left_out"] == 11
    # Recognising leaves the same out.
    with pytest.warns(UserWarning, match=r"v\.avi: 1 clips are left out"):
        prediction = predict(model, path)
    np.testing.assert_allclose(prediction.scores, result.scores[0], atol=1e-6)
    assert [clip.start for clip in prediction.clips] == pytest.approx([0, 0.16, 0.48])
    # Nothing is left of videos whose every clip is damaged; they must not be many.
    damage_frames(lost, range(8))
    catalog = Catalog([path] * 9 + [lost], [0] * 10, CLASSES)
    with pytest.warns(UserWarning):
        result = evaluate(model, catalog, unreadable="skip", progress=False)
    assert (result.videos, result.skipped) == (9, [lost])


def test_classes_are_matched_by_name(catalog, tmp_path):
    inputs = keras.Input((4, 16, 16, 3), name="clip")
    model = VideoNetwork(inputs, Brightness()(inputs))
    model.class_names = CLASSES
    expected = evaluate(model, catalog, progress=False)
    # As folders are sorted; and one class has no videos.
    names = ["bright", "dark", "middle"]
    labels = [names.index(CLASSES[label]) for label in catalog.labels]
    result = evaluate(model, Catalog(catalog.paths, labels, names), progress=False)
    assert result.class_names == CLASSES
    np.testing.assert_array_equal(result.confusion_matrix, expected.confusion_matrix)
    assert (result.top1, result.loss) == (expected.top1, expected.loss)
    few = Catalog(catalog.paths[:2] + catalog.paths[3:], [1, 1, 0, 0], ["bright", "dark"])
    result = evaluate(model, few, progress=False)
    assert result.confusion_matrix.tolist() == [[2, 0, 0], [0, 0, 0], [1, 0, 1]]
    assert math.isnan(result.per_class[1]["recall"]) and result.per_class[1]["support"] == 0
    write_report(result, tmp_path)
    with pytest.raises(ValueError) as error:
        evaluate(model, Catalog(catalog.paths, labels, ["Bright", "dark", "middle"]))
    assert str(error.value).startswith(
        "These classes of the data are none of the model: Bright. These classes of the model have "
        "no data: bright. They are matched by name"
    )


def test_models_that_do_not_fit_are_refused(catalog):
    def model(shape=(4, 16, 16, 3), classes=3, activation="softmax"):
        inputs = keras.Input(shape)
        x = keras.layers.GlobalAveragePooling3D()(ClipDescription()(inputs))
        model = keras.Model(inputs, keras.layers.Dense(classes, activation)(x))
        set_class_names(model, [*CLASSES, "another"][:classes])
        return model

    with pytest.raises(ValueError, match="`model` has 4 outputs, but `catalog` has 3 classes"):
        nameless = model(classes=4)
        set_class_names(nameless, None)
        evaluate(nameless, catalog, progress=False)
    with pytest.raises(ValueError, match="must take square RGB clips of a fixed size"):
        evaluate(model(shape=(None, 16, 16, 3)), catalog, progress=False)
    with pytest.raises(ValueError, match="must give probabilities"):
        evaluate(model(activation=None), catalog, progress=False)
    diverged = model()
    diverged.set_weights([np.full(w.shape, np.nan) for w in diverged.get_weights()])
    with pytest.raises(ValueError, match="not finite numbers: its training diverged"):
        evaluate(diverged, catalog, progress=False)


def test_pictures_are_made(model, catalog, tmp_path):
    result = evaluate(model, catalog, progress=False)
    plot_confusion_matrix(result, tmp_path / "matrix.png")
    plot_videos(result, tmp_path / "videos.png")
    for name in ("matrix.png", "videos.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / name).stat().st_size > 5000
