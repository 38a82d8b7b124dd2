"""`keras-seattn evaluate` as a user calls it."""

import dataclasses
import functools
import json
import re

import numpy as np
import pytest
from PIL import Image
from tiny_network import TinyNetwork

from keras_seattn import evaluation
from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.commands import flags
from keras_seattn.data import made_files, parts
from keras_seattn.errors import InputError

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture
def model_path(tmp_path):
    model = SEAResNet18_3D(input_shape=(8, 16, 16, 3), classes=2, width=0.05)
    model.class_names = ["Jump", "Walk"]
    (tmp_path / "trained").mkdir()
    model.save(tmp_path / "trained" / "model.keras")
    return tmp_path / "trained" / "model.keras"


def test_a_report_with_the_curves_of_the_models_training(
    model_path, tiny_ucf101, tmp_path, run_command
):
    video_dir, splits_dir = tiny_ucf101
    (model_path.parent / "history.csv").write_text(
        "epoch,loss,clip_top1,val_loss,val_clip_top1,val_top1\n0,2,0.1,2,0.2,0.2\n"
    )
    Image.new("RGB", (8, 8)).save(model_path.parent / "clips.png")
    output = tmp_path / "report"
    options = ("--data-dir", video_dir, "--splits-dir", splits_dir, "--classes", "Walk")
    code, text, _ = run_command("evaluate", "--model", model_path, "--output", output, *options)
    assert code is None and f"Report: {output / 'report.html'}" in text
    metrics = json.loads((output / "metrics.json").read_text())
    assert metrics["videos"] == 6 and f"video top-1 {metrics['video_top1']:.4f}" in text
    page = (output / "report.html").read_text(encoding="utf-8")
    assert f"--model {model_path}" in page
    assert "<h2>What the network was fed</h2>" in page
    assert "<h2>Training</h2>" in page and (output / "training_curves.png").exists()


def test_other_views_are_scored_and_named(model_path, tiny_ucf101, tmp_path, run_command):
    video_dir, splits_dir = tiny_ucf101
    output = tmp_path / "report"
    data = ("--data-dir", video_dir, "--splits-dir", splits_dir)
    words = ("--clips-per-video", 2, "--crops", 3)
    _, text, _ = run_command("evaluate", "--model", model_path, "--output", output, *data, *words)
    metrics = json.loads((output / "metrics.json").read_text())
    views = "2 clips of frames in a row, 3 crops"
    assert metrics["clips"] == 6 * 6 and metrics["views"] == views and views in text
    assert views in (output / "report.html").read_text(encoding="utf-8")


def test_bad_input_is_one_clear_line(model_path, tiny_ucf101, tmp_path, run_command):
    video_dir, splits_dir = tiny_ucf101
    data = ("--data-dir", video_dir, "--splits-dir", splits_dir)
    output = ("--output", tmp_path / "report")
    (tmp_path / "file").touch()
    other = SEAResNet18_3D(input_shape=(8, 16, 16, 3), classes=3, width=0.05)
    other.save(tmp_path / "other.keras")
    for options, message in (
        (("--model", "none.keras", *output, *data), "The model does not exist: none.keras"),
        (("--model", tmp_path / "other.keras", *output, *data), "3 outputs, but `catalog` has 2"),
        (("--model", model_path, "--output", tmp_path / "file" / "x", *data), "file"),
        (("--model", model_path, *output, *data, "--classes", "Swim"), "names of `result.class"),
    ):
        text, *_ = run_command("evaluate", *options)
        assert text.startswith("error: ") and message in text and "\n" not in text


def test_two_models_are_compared_with_their_videos_or_without(
    model_path, tiny_ucf101, tmp_path, run_command
):
    video_dir, splits_dir = tiny_ucf101
    data = ("--data-dir", video_dir, "--splits-dir", splits_dir)
    first, second, both = (tmp_path / name for name in ("first", "second", "both"))
    run_command("evaluate", "--model", model_path, "--output", first, *data)
    scored = evaluation.load_result(first)
    other = dataclasses.replace(scored, scores=1 - scored.scores)  # right where the first is wrong
    evaluation.write_report(other, second)
    flags = ("--compare", second, "--output", both)
    texts = []
    for source in (("--model", model_path, *data), ("--report", first)):
        code, text, _ = run_command("evaluate", *source, *flags)
        assert code is None and f"Compared with {second}: top-1 {scored.top1:.4f} against" in text
        content = json.loads((both / "comparison.json").read_text())
        assert content["first_right"] + content["second_right"] == content["videos"] == 6
        assert "<h2>Compared</h2>" in (both / "report.html").read_text(encoding="utf-8")
        texts.append(text)
    assert texts[0] == texts[1]
    assert (both / "scores.npz").read_bytes() == (first / "scores.npz").read_bytes()
    rows = (both / "videos.csv").read_text().splitlines()
    assert len(rows) == 7 and ",Jump/v_Jump_g04_c01.avi,g04,Jump," in rows[1]


def test_reports_that_cannot_be_compared(tiny_ucf101, tmp_path, run_command):
    for options, message in (
        (("--report", tmp_path), "scores.npz does not exist"),
        (("--report", tmp_path, "--compare", tmp_path / "no"), "no/scores.npz does not exist"),
        (("--report", tmp_path, "--data-dir", "x"), "its scores already; leave out --data-dir"),
        (("--report", tmp_path, "--demo"), "its scores already; leave out --demo"),
        (("--report", tmp_path, "--model", "x.keras"), "not allowed with argument --report"),
        (("--report", tmp_path, "--compare", tmp_path / "out" / "."), "--output would overwrite"),
        ((), "one of the arguments --model --report is required"),
    ):
        code, _, error = run_command("evaluate", "--output", tmp_path / "out", *options)
        assert message in (error if code == 2 else code)
    assert not (tmp_path / "out").exists()


def test_one_folder_of_ones_own_is_enough(model_path, tiny_ucf101, tmp_path, run_command):
    videos, _ = tiny_ucf101
    texts = []
    for number, words in enumerate(
        (["--test-dir", videos], ["--dataset", "folder", "--data-dir", videos])
    ):
        output = tmp_path / str(number)
        code, text, _ = run_command("evaluate", "--model", model_path, "--output", output, *words)
        assert code is None
        texts.append(text.splitlines()[0])
    assert texts[0] == texts[1] and "12 videos" in texts[0]


def test_one_list_is_enough(tiny_ucf101, tmp_path, run_command, monkeypatch):
    videos, _ = tiny_ucf101
    counts = []

    def evaluate(model, catalog, *_, **options):
        counts.append(len(catalog))
        raise InputError("seen")

    monkeypatch.setattr(flags, "load_model", lambda path: None)
    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    rows = [f"{name}/v_{name}_g{i}_c01.avi" for name in ("Walk", "Jump") for i in ("05", "06")]
    plain = "path,label\n" + "".join(f"{row},{row[:4]}\n" for row in rows)
    split = "path,label,split\n" + "".join(f"{row},{row[:4]},val\n" for row in rows[1:])
    command = ("--model", "m.keras", "--output", tmp_path / "report", "--data-dir", videos)
    for text, words in (
        (plain, ["--test-list"]),
        (plain, ["--dataset", "list", "--list"]),
        (split + "gone,Jump,train\n", ["--list"]),
    ):
        (tmp_path / "list.csv").write_text(text)
        code, *_ = run_command("evaluate", *command, *words, tmp_path / "list.csv")
        assert code == "error: seen"
    assert counts == [4, 4, 3]
    code, *_ = run_command("evaluate", *command, "--list", "no.csv")
    assert code == "error: no.csv does not exist. Check the path of the list."


def test_the_parts_of_a_made_data_set(tmp_path, run_command, monkeypatch):
    monkeypatch.setattr(made_files, "GROUPS", 2)
    monkeypatch.setattr(made_files, "TEST_GROUPS", {1: [1], 2: [2], 3: []})
    monkeypatch.setattr(parts, "make", functools.partial(parts.make, videos_per_group=1))
    model = TinyNetwork(classes=16)
    model.class_names = parts.CLASS_NAMES
    # It always says the same.
    model.get_layer("predictions").set_weights([np.zeros((25, 16)), np.eye(16)[3]])
    model.save(tmp_path / "model.keras")
    options = ("--model", tmp_path / "model.keras", "--output", tmp_path / "report")
    code, text, _ = run_command(
        "evaluate", *options, "--demo", "parts", "--classes", *parts.CLASS_NAMES[:2]
    )
    assert code is None and "top-1 0.0625" in text
    assert re.search(r"\n  direction 0\.5000 \(\d+\.\d% to \d+\.\d%\)\n  relation 0\.5000 \(", text)
    assert (tmp_path / "report" / "parts" / "parts.csv").exists()
