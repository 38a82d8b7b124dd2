"""`keras-seattn explain` as a user calls it."""

import pytest
from video_files import moving_pattern, write_video

pytestmark = pytest.mark.usefixtures("eagerly")


def test_the_pictures_of_a_video(model_path, tmp_path, run_command):
    video = write_video(tmp_path / "b.mp4", moving_pattern(20), codec="libx264")
    output = tmp_path / "out"
    options = (video, "--model", model_path, "--output", output, "--class-name", "Walk")
    code, text, _ = run_command("explain", *options)
    assert code is None
    assert text.splitlines()[0] == video and str(output) in text.splitlines()[-1]
    assert sorted(file.name for file in output.iterdir()) == [
        "attention.png",
        "contact_sheet.png",
        "gates.png",
        "overlay.gif",
        "overlay.mp4",
    ]


def test_bad_input_is_one_clear_line(model_path, tmp_path, run_command):
    video = write_video(tmp_path / "b.avi", moving_pattern(8))
    (tmp_path / "file").touch()
    output = tmp_path / "out"
    for options, message in (
        ((video, "--model", "none.keras", "--output", output), "The model does not exist"),
        (("none.avi", "--model", model_path, "--output", output), "none.avi: No such file"),
        ((video, "--model", model_path, "--output", tmp_path / "file" / "out"), "file"),
        (
            (video, "--model", model_path, "--output", output, "--class-name", "Swim"),
            "`class_name` must be one of Jump, Walk, Run. Received: class_name='Swim'",
        ),
    ):
        text, *_ = run_command("explain", *options)
        assert text.startswith("error: ") and message in text and "\n" not in text
    assert not output.exists()
