"""The files of an explained video, and the overlay's colours."""

import os

import av
import numpy as np
import pytest
from PIL import Image
from video_files import moving_pattern, write_video

from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.data import VideoError
from keras_seattn.explain import explain_video, overlay

pytestmark = pytest.mark.usefixtures("eagerly")

OPTIONS = {"input_shape": (8, 24, 24, 3), "classes": 3, "width": 0.1}


def test_the_files(tmp_path):
    model = SEAResNet18_3D(**OPTIONS)
    model.class_names = ["run", "sit", "stand"]
    path = write_video(tmp_path / "video.mp4", moving_pattern(20), codec="libx264")
    prediction = explain_video(model, path, str(tmp_path / "out"))
    assert {name for name, _ in prediction.top} == {"run", "sit", "stand"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "overlay.mp4",
        "overlay.gif",
        "contact_sheet.png",
        "attention.png",
        "gates.png",
    }
    with av.open(str(tmp_path / "out" / "overlay.mp4")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 20 and frames[-1].time == pytest.approx(19 / 25, abs=1e-3)
    with Image.open(tmp_path / "out" / "overlay.gif") as gif:
        assert gif.n_frames == 20 and gif.info["duration"] == 40
    for name in ("contact_sheet.png", "attention.png", "gates.png"):
        with Image.open(tmp_path / "out" / name) as picture:
            assert len(picture.convert("RGB").getcolors(10**7)) > 50


def test_a_network_without_modules_has_no_pictures_of_them(tmp_path):
    model = SEAResNet18_3D(**OPTIONS, se_stages=(), sa_stages=())
    path = write_video(tmp_path / "video.avi", moving_pattern(9))
    explain_video(model, path, str(tmp_path / "out"), class_name="class 2")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"overlay.mp4", "overlay.gif", "contact_sheet.png"}


def test_names_are_drawn_as_they_are(tmp_path):
    model = SEAResNet18_3D(**OPTIONS, se_stages=(), sa_stages=())
    model.class_names = ["cl\udcff", "$x^$", "stand"]
    path = write_video(tmp_path / "a.avi", moving_pattern(9))
    odd = str(tmp_path / "$\udcff$.avi")
    os.rename(path, odd)
    for name in model.class_names[:2]:
        explain_video(model, odd, str(tmp_path / "out"), class_name=name)
    assert (tmp_path / "out" / "contact_sheet.png").stat().st_size > 5000


def test_bad_input_writes_nothing(tmp_path):
    model = SEAResNet18_3D(**OPTIONS)
    output = tmp_path / "out"
    with pytest.raises(VideoError, match=r"none\.mp4: No such file"):
        explain_video(model, "none.mp4", str(output))
    with pytest.raises(ValueError, match=r"`class_name` must be one of class 0.*'swim'"):
        explain_video(model, "none.mp4", str(output), class_name="swim")
    assert not output.exists()


def test_overlay():
    frames = np.full((2, 40, 60, 3), 100, "uint8")
    heat = np.zeros((2, 4, 6))
    heat[1] = 1
    cold, hot = overlay(frames, heat, strength=0.5)
    assert cold.shape == (40, 60, 3)
    assert cold[0, 0, 2] > cold[0, 0, 0] - 1 and hot[0, 0, 0] > hot[0, 0, 2]
    np.testing.assert_array_equal(overlay(frames, heat, strength=0), frames)
    with pytest.raises(ValueError, match="`heat` must have as many frames"):
        overlay(frames, heat[:1])
