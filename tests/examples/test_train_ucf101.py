"""The training example as a user calls it, in a process of its own."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "train_ucf101.py"
TINY = ["--size", "16", "--frames", "8", "--width", "0.05", "--epochs", "1", "--batch-size", "4"]


def call(*options, cwd):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, options)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])},
    )


def test_training_on_ucf101s_layout(tiny_ucf101, tmp_path):
    video_dir, splits_dir = tiny_ucf101
    result = call(
        *("--data-dir", video_dir, "--splits-dir", splits_dir, "--output", "out", *TINY),
        *("--sa-stages", "3", "4", "--se-stages"),
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert "ucf101, split 1: 6 training and 6 test videos of 2 classes" in result.stdout
    assert "SGD, learning rate 0.0003125" in result.stdout
    assert "Result: video top-1" in result.stdout and "clip top-1" in result.stdout
    assert "examples/predict.py VIDEO --model out/model.keras" in result.stdout.splitlines()[-1]
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["se_stages"], config["sa_stages"]) == ([], [3, 4])
    assert (config["class_names"], config["seed"]) == (["Jump", "Walk"], 0)
    for name in ("model.keras", "metrics.json", "history.csv", "training_curves.png"):
        assert (tmp_path / "out" / name).stat().st_size > 0

    again = call(
        *("--data-dir", video_dir, "--splits-dir", splits_dir, "--output", "out", *TINY),
        cwd=tmp_path,
    )
    assert again.returncode != 0
    assert again.stderr.splitlines()[-1].startswith("error: `output_dir` holds a trained model")


@pytest.mark.parametrize(
    "options, message",
    [
        (["--data-dir", "none", "--splits-dir", "none"], "error: `video_dir` is not a folder"),
        (["--data-dir", "none"], "needs --splits-dir"),
        (["--data-dir", "none", "--dataset", "folder"], "needs --test-dir"),
        (["--demo", "--weights", "none.keras"], "error: `weights` names a file that does not"),
        (["--demo", "--model", "vgg"], "invalid choice: 'vgg'"),
        (["--demo", "--batch-size", "0"], "--batch-size: must be a whole number of 1 or more"),
        (["--demo", "--data-dir", "videos"], "--demo makes its own data set"),
    ],
)
def test_bad_input_is_one_clear_line(options, message, tmp_path, monkeypatch, run_example):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run_example("train_ucf101", *options)
    # Python prints a text that it is told to exit with; argparse prints its own.
    text = code if isinstance(code, str) else errors
    assert message in text.splitlines()[-1]
    assert not any(tmp_path.iterdir())


def test_unreadable_videos_are_listed_before_training(
    tiny_ucf101, tmp_path, monkeypatch, run_example
):
    monkeypatch.chdir(tmp_path)
    video_dir, splits_dir = tiny_ucf101
    broken = pathlib.Path(video_dir, "Walk", "v_Walk_g02_c01.avi")
    broken.write_bytes(broken.read_bytes()[:2000])
    options = ("--data-dir", video_dir, "--splits-dir", splits_dir, *TINY)
    text, output, _ = run_example("train_ucf101", *options)
    assert "Epoch 1" not in output
    assert text.startswith("error: 1 of 6 videos cannot be read:")
    assert str(broken) in text
