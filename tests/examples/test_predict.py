"""examples/predict.py as a user calls it."""

import json
import pathlib
import signal
import subprocess
import sys

import av
import pytest
from video_files import moving_pattern, write_video

from keras_seattn.applications import SEAResNet18_3D

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "predict.py"


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    model = SEAResNet18_3D(input_shape=(8, 24, 24, 3), classes=4, width=0.1)
    model.class_names = ["Jump", "Walk", "Run", "Sit"]
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    (folder / "more").mkdir(parents=True)
    write_video(folder / "b.mp4", moving_pattern(20), codec="libx264")
    write_video(folder / "more" / "a [1].avi", moving_pattern(9, seed=1))
    return folder


def test_a_folder_as_text(model_path, videos, run_example):
    code, output, _ = run_example("predict", videos, "--model", model_path)
    lines = output.splitlines()
    assert code == 0
    assert lines[0] == str(videos / "b.mp4")
    assert lines[5] == str(videos / "more" / "a [1].avi")
    scores = [float(line.split("%")[0]) for line in lines[1:5]]
    assert scores == sorted(scores, reverse=True) and sum(scores) == pytest.approx(100, abs=0.3)


def test_json_names_what_cannot_be_read_and_goes_on(model_path, videos, run_example):
    broken = videos / "broken.mp4"
    broken.write_bytes(b"no video")
    code, output, errors = run_example(
        "predict", broken, videos / "b.mp4", "--model", model_path, "--top", 2, "--json"
    )
    assert code == 1
    assert f"error: {broken}: FFmpeg cannot read it" in errors
    good, bad = json.loads(output)
    assert good["path"] == str(videos / "b.mp4")
    assert len(good["top"]) == 2 and len(good["clips"]) == 3
    assert all(len(clip["top"]) == 2 for clip in good["clips"])
    assert bad["path"] == str(broken) and "FFmpeg" in bad["error"]


def test_an_annotated_video(model_path, videos, tmp_path, run_example):
    target = tmp_path / "annotated.mp4"
    code, output, _ = run_example(
        "predict", videos / "b.mp4", "--model", model_path, "--output", target
    )
    assert code == 0 and output.splitlines()[-1] == f"Wrote {target}"
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 20
    assert frames[-1].time == pytest.approx(19 / 25, abs=1e-3)
    picture = frames[10].to_ndarray(format="gray")
    assert picture.shape == (240, 320)
    assert picture[-100:, :100].max() > 240  # white letters, which the pattern does not have


def test_a_stream_ends_with_a_summary_on_interrupt(model_path):
    source = "lavfi:testsrc=size=64x48:rate=25,realtime"  # endless
    command = [sys.executable, str(SCRIPT), source, "--model", str(model_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if line.strip().startswith("0.6"):  # the third clip
                process.send_signal(signal.SIGINT)
                break
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert output.splitlines()[0] == source
    assert len(output.splitlines()) == 5


@pytest.mark.parametrize(
    "options, message",
    [
        (["{videos}", "--model", "none.keras"], "error: The model does not exist: none.keras"),
        (["{videos}", "--model", "{model}", "--output", "x.mp4"], "error: --output takes one"),
        (["{videos}/b.mp4", "--model", "{model}", "--output", "x.avi"], "written as .mp4"),
        (["{videos}/empty", "--model", "{model}"], "error: `root` holds no video files"),
        (["{videos}/b.mp4", "--model", "{model}", "--top", "0"], "error: `top` must be"),
    ],
)
def test_bad_input_is_one_clear_line(options, message, model_path, videos, run_example):
    (videos / "empty").mkdir()
    options = [option.format(videos=videos, model=model_path) for option in options]
    text, *_ = run_example("predict", *options)
    assert message in text and "\n" not in text
