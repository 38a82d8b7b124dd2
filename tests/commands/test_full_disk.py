"""Commands whose disk takes no more: one line, and what was there before is whole."""

import shutil

import pytest
from storage_limits import file_size_limit
from video_files import moving_pattern, write_video

from keras_seattn.applications.convert import convert

pytestmark = pytest.mark.usefixtures("eagerly")


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def assert_refused(run_command, tmp_path):
    """Runs a command into `tmp_path/output` under a limit, and checks what it says and leaves."""

    def run(name, *options, file, limit=3_000):
        before = content(tmp_path / "output")
        with file_size_limit(limit):
            code, _, errors = run_command(name, *options)
        path = tmp_path / "output" / file
        assert str(code).startswith(f"error: {path} could not be written: File too large, after ")
        assert "\n" not in code and "Traceback" not in errors
        assert content(tmp_path / "output") == before
        assert not list((tmp_path / "output").rglob(".*.partial"))

    (tmp_path / "output").mkdir()
    return run


@pytest.mark.parametrize("target", ["a.keras", "a.weights.h5", "a.pth"])
def test_convert(target, model_path, tmp_path, assert_refused):
    pytest.importorskip("torch")
    source = model_path
    if target != "a.pth":
        source = tmp_path / "source.pth"
        convert(model_path, source)
    (tmp_path / "output" / target).write_bytes(b"old")
    assert_refused("convert", source, tmp_path / "output" / target, "--frames", 8, file=target)


def test_predict(model_path, tmp_path, assert_refused):
    video, output = tmp_path / "a.mp4", tmp_path / "output" / "annotated.mp4"
    write_video(video, moving_pattern(20), codec="libx264")
    shutil.copy(video, output)
    assert_refused(
        "predict", video, "--model", model_path, "--output", output, file="annotated.mp4"
    )


def test_explain(model_path, tmp_path, assert_refused):
    write_video(tmp_path / "a.mp4", moving_pattern(20), codec="libx264")
    options = ["--model", model_path, "--output", tmp_path / "output"]
    assert_refused("explain", tmp_path / "a.mp4", *options, file="contact_sheet.png", limit=20_000)


def test_evaluate_leaves_no_numbers_without_a_report(model_path, tmp_path, assert_refused):
    for name in ("Jump", "Walk", "Run"):
        (tmp_path / "videos" / name).mkdir(parents=True)
        write_video(tmp_path / "videos" / name / "a.mp4", moving_pattern(9), codec="libx264")
    options = ["--test-dir", tmp_path / "videos", "--model", model_path]
    options += ["--output", tmp_path / "output"]
    assert_refused("evaluate", *options, file="precision_recall.png", limit=8_000)
