"""How networks see videos: frames scaled as those of torchvision, against its own transform."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from image_packages import import_or_skip
from PIL import Image
from tiny_network import TinyNetwork
from video_files import moving_pattern, write_video

from keras_seattn import preprocessing
from keras_seattn.data import Catalog, read_video, test_clips, train_clips
from keras_seattn.data.pixels import interpolated
from keras_seattn.data.records import open_records, write_records
from keras_seattn.data.sampling import CROP_POSITIONS, Crop, View
from keras_seattn.data.scaling import interpolate
from keras_seattn.errors import InputError
from keras_seattn.evaluation import evaluate
from keras_seattn.explain import video as explained
from keras_seattn.prediction.videos import predict, video_clips
from keras_seattn.preprocessing import CONSECUTIVE, HARA_2018

# Its frames, but all of them.
TORCHVISION = preprocessing.TORCHVISION._replace(sampling=CONSECUTIVE)
VIEW = View.of(112, TORCHVISION)
SHAPES = {"4:3": (240, 320), "16:9": (360, 640), "upright": (320, 240), "smaller": (72, 96)}


def catalog_of(path):
    return Catalog([str(path)], [0], ["any"])


def sharp(frames, height, width):
    """Edges everywhere: passing over pixels gives other colours than their mean."""
    squares = np.random.default_rng(0).integers(0, 256, (frames, height // 4, width // 4, 3))
    return squares.repeat(4, 1).repeat(4, 2).astype("uint8")


def read_record(folder):
    """The frames of the only video of records."""
    (record,) = tf.data.TFRecordDataset(open_records(folder).files).as_numpy_iterator()
    images = tf.train.SequenceExample.FromString(record).feature_lists.feature_list["image/encoded"]
    return np.stack([tf.io.decode_jpeg(image.bytes_list.value[0]) for image in images.feature])


def pixels_of(clips):
    """The values from 0 to 255 of the first clip of a data set."""
    clip = next(clips.as_numpy_iterator())[0]["clip"][0]
    return clip * np.float32(TORCHVISION.deviation) + np.float32(TORCHVISION.mean)


def of_torchvision(frames):
    """The values from 0 to 255 that torchvision's transform makes of frames."""
    torchvision = import_or_skip("torchvision")
    import torch

    transform = torchvision.models.video.R3D_18_Weights.KINETICS400_V1.transforms()
    clip = transform(torch.from_numpy(frames.transpose(0, 3, 1, 2).copy()))
    deviation, mean = (255 * np.float32(values) for values in (transform.std, transform.mean))
    return clip.numpy().transpose(1, 2, 3, 0) * deviation + mean


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("picture", [moving_pattern, sharp])
def test_clips_are_those_of_torchvision(picture, shape, tmp_path):
    images = picture(4, *SHAPES[shape])
    path = write_video(tmp_path / "video.mp4", images, "libx264", options={"crf": "5"})
    clip = pixels_of(test_clips(catalog_of(path), 4, preprocessing=TORCHVISION))
    assert clip.shape == (4, 112, 112, 3)
    assert np.abs(clip - of_torchvision(read_video(path))).max() < 2
    # Records hold JPEG frames of 96 pixels, which are what there is to scale.
    write_records(catalog_of(path), tmp_path / "records", shards=1, short_side=96)
    clip = pixels_of(test_clips(str(tmp_path / "records"), 4, preprocessing=TORCHVISION))
    assert np.abs(clip - of_torchvision(read_record(tmp_path / "records"))).max() < 2


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(
    "window", [(0, 0, 30, 50), (3.3, 7.9, 11.2, 41.7), (29.5, 0, 0.5, 50), (14, 20, 2, 3)]
)
def test_pixels_are_interpolated_as_the_equation_says(window, flip):
    """Of the four pixels around a place, each counts by how near it is, in float64."""
    picture = np.random.default_rng(0).integers(0, 256, (30, 50, 3)).astype("uint8")
    top, left, height, width = window
    expected = np.zeros((8, 8, 3))
    for i, j in np.ndindex(8, 8):
        y = min(max(top + (i + 0.5) * height / 8 - 0.5, 0), 29)
        x = min(max(left + (j + 0.5) * width / 8 - 0.5, 0), 49)
        for row, column in {(int(y) + a, int(x) + b) for a in (0, 1) for b in (0, 1)}:
            nearness = max(0, 1 - abs(y - row)) * max(0, 1 - abs(x - column))
            if nearness:
                expected[i, j] += nearness * picture[row, column]
    graph = interpolate(picture[None], tf.constant(window, tf.float32), 8)[0]
    np.testing.assert_allclose(graph, expected, atol=0.01)
    if flip:
        expected = expected[:, ::-1]
    found = interpolated(picture, window, (8, 8), flip=flip)
    assert found.dtype == np.uint8 and np.abs(found - expected).max() < 0.51


def test_windows_are_parts_of_the_scaled_frame():
    assert VIEW == (112, (128, 171))
    assert View.of(48, TORCHVISION) == (48, (55, 73))
    # As torchvision rounds 29.5, half the difference of 171 and 112.
    assert VIEW.window(VIEW.middle, 128, 171) == (8, 30, 112, 112)
    assert VIEW.window(VIEW.middle, 256, 342, 4 / 3) == (16, 60, 224, 224)
    assert VIEW.window(Crop(0.5, "bottom right"), 128, 171) == (64, 107, 64, 64)
    for scale in (0.5, 0.8, 1):
        for position in CROP_POSITIONS:
            top, left, rows, columns = VIEW.window(Crop(scale, position), 360, 640)
            assert 0 <= top <= 360 - rows and 0 <= left <= 640 - columns
            assert rows == 360 / 128 * round(128 * scale)
            assert columns == pytest.approx(640 / 171 * round(128 * scale))


def test_without_a_frame_windows_are_those_of_the_crop():
    view = View.of(112, HARA_2018)
    assert view == (112, None) and view.middle == Crop()
    crop = Crop(0.7, "top right")
    assert view.window(crop, 240, 321, 4 / 3) == crop.window(240, 321, 4 / 3)


@pytest.mark.parametrize("kind", ["files", "records"])
def test_training_crops_are_of_the_scaled_frame(kind, tmp_path):
    """Of each clip: its frames scaled whole, then cut as planned and scaled to the clip's size."""
    y, x = np.mgrid[:180, :320]
    images = np.stack([np.stack([y, x * 0.75, (x + y) / 2], -1)] * 4).astype("uint8")
    path = write_video(tmp_path / "video.mp4", images, "libx264", options={"crf": "1"})
    source, frame = catalog_of(path), read_video(path)[0]
    if kind == "records":
        write_records(source, tmp_path / "records", shards=1, short_side=180, quality=100)
        source, frame = str(tmp_path / "records"), read_record(tmp_path / "records")[0]
    clips = train_clips(source, 4, 48, 1, seed=2, preprocessing=TORCHVISION)
    whole = Image.fromarray(interpolated(frame, (0, 0, 180, 320), (55, 73)))
    crops = []
    for position in range(12):
        (clip, _), *rest = clips.as_numpy_iterator()
        assert not rest
        _, planned = next(clips.plan.candidates(position))
        crop = next(planned)[1]
        crops.append(crop)
        top, left, rows, columns = crop.window(55, 73)
        part = whole.crop((left, top, left + columns, top + rows)).resize((48, 48), Image.BILINEAR)
        expected = np.asarray(part)[:, :: -1 if crop.flip else 1]
        found = clip[0] * np.float32(TORCHVISION.deviation) + np.float32(TORCHVISION.mean)
        # Red and green tell the place: half a pixel beside it is 1.6. Edges are not scaled twice.
        inside = (found - expected)[:, 2:-2, 2:-2]
        assert np.abs(inside).mean() < 1.5 and np.abs(inside.mean((0, 1, 2))).max() < 0.3
    assert len(set(crops)) > 8


@pytest.fixture
def model(eagerly):
    model = TinyNetwork(input_shape=(4, 48, 48, 3), preprocessing=TORCHVISION)
    head = model.get_layer("predictions")
    head.set_weights([np.sign(head.get_weights()[0]), *head.get_weights()[1:]])
    return model


def test_predictions_and_explanations_see_what_evaluation_sees(model, tmp_path, monkeypatch):
    path = write_video(tmp_path / "video.mp4", moving_pattern(8, 180, 320), "libx264")
    (inputs, _), *_ = test_clips(catalog_of(path), 4, 48, 2, preprocessing=TORCHVISION)
    seen = [clip for clip, _ in video_clips(model, path)]
    np.testing.assert_allclose(seen, inputs["clip"], atol=1e-6)
    model.class_names = ["any", "other"]
    result = evaluate(model, catalog_of(path), progress=False)
    np.testing.assert_allclose(predict(model, path).scores, result.scores[0], atol=1e-5)
    # The pictures below the maps: what is seen, only larger.
    drawn = []
    overlay = explained.overlay
    monkeypatch.setattr(
        explained, "overlay", lambda frames, heat: drawn.append(frames) or overlay(frames, heat)
    )
    explained.explain_video(model, path, tmp_path / "explained")
    assert [frames.shape for frames in drawn] == [(4, 240, 240, 3)] * 2
    for frames, clip in zip(drawn, seen, strict=True):
        pixels = clip * np.float32(TORCHVISION.deviation) + np.float32(TORCHVISION.mean)
        small = [Image.fromarray(frame).resize((48, 48), Image.BOX) for frame in frames]
        assert np.abs(np.stack(small) - pixels).mean() < 5


@pytest.mark.parametrize(
    "wrong", ["torchvision", TORCHVISION._replace(frame=(0.5, 2)), TORCHVISION._replace(frame=128)]
)
@pytest.mark.parametrize("make", [train_clips, test_clips])
def test_what_cannot_be_is_refused(make, wrong):
    with pytest.raises(InputError, match=r"`preprocessing` must be .* in sides of the clip, 1 or"):
        make(catalog_of("video.mp4"), preprocessing=wrong)


def test_it_travels_with_a_model(model, tmp_path):
    again = keras.models.clone_model(model)
    assert again.preprocessing == TORCHVISION
    for file in ("model.keras", "model.weights.h5"):
        (model.save if file.endswith(".keras") else model.save_weights)(tmp_path / file)
        again = TinyNetwork(tmp_path / file, input_shape=(4, 48, 48, 3))
        assert again.preprocessing == TORCHVISION
