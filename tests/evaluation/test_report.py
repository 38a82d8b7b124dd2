"""The report: what is in it, that it stands alone, and that its table sorts in a browser."""

import dataclasses
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from video_files import moving_pattern, write_video

from keras_seattn.evaluation import EvaluationResult, compare, write_report
from keras_seattn.evaluation.figures import choose_classes
from keras_seattn.evaluation.report import confused_pairs

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NAMES = ["<b>run</b> & jump", "sit", "stand", "never"]


@pytest.fixture
def result(tmp_path):
    predicted = [0, 0, 1, 1, 2, 0, 1]
    labels = [0, 0, 0, 1, 2, 1, 0]
    scores = np.eye(4)[predicted] * 0.7 + 0.075
    paths = [write_video(tmp_path / f"{i}.avi", moving_pattern(12, seed=i)) for i in range(7)]
    return EvaluationResult(scores, labels, NAMES, paths=paths)


class _Page(html.parser.HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def page(path):
    return _Page(pathlib.Path(path).read_text(encoding="utf-8"))


def test_what_is_in_it(result, tmp_path):
    history = tmp_path / "history.csv"
    history.write_text(
        "epoch,loss,clip_top1,val_loss,val_clip_top1,val_top1\n0,2,0.1,2,0.2,0.2\n1,1,0.4,1,0.5,0.6\n"
    )
    output = tmp_path / "report"
    path = write_report(
        result,
        str(output),
        history_csv=str(history),
        config={"learning_rate": 0.01},
        command="python examples/train.py --x '<y>'",
    )
    assert set(os.listdir(output)) == {
        "report.html",
        "metrics.json",
        "per_class.csv",
        "videos.csv",
        "scores.npz",
        "training_curves.png",
        "precision_recall.png",
        "confusion_matrix.png",
        "videos.png",
        "confused_1.png",
        "confused_2.png",
    }
    content = page(path)
    for text in (
        "57.1%",
        "18.4% to 90.1%",
        "7 videos, 7 clips, 4 classes",
        "n/a",
        "learning_rate",
        "--x '<y>'",
    ):
        assert text in content.text
    assert "<b>run</b> & jump taken for sit: 2 of 4 videos" in content.text
    assert not any(tag == "b" and "run" in str(values) for tag, values in content.tags)
    images = [values["src"] for tag, values in content.tags if tag == "img"]
    assert len(images) == 6 and all(src.startswith("data:image/png;base64,") for src in images)
    # Nothing comes from elsewhere.
    assert not re.search(r"(src|href)=[\"']?(https?:|//)", pathlib.Path(path).read_text())


def test_without_videos_and_without_errors(tmp_path):
    result = EvaluationResult(np.eye(3), [0, 1, 2], ["run", "sit", "stand"])
    path = write_report(result, str(tmp_path))
    assert "No video was taken for another class." in page(path).text
    assert not (tmp_path / "videos.png").exists()
    gone = EvaluationResult(np.eye(3), [0, 2, 1], ["run", "sit", "stand"], paths=["a", "b", "c"])
    path = write_report(gone, str(tmp_path))
    assert "sit taken for stand: 1 of 1 videos" in page(path).text


def test_one_class_only(tmp_path):
    result = EvaluationResult(np.ones((2, 1)), [0, 0], ["run"])
    assert "100.0%" in page(write_report(result, str(tmp_path))).text


def test_many_classes(tmp_path):
    generator = np.random.default_rng(0)
    names = [f"class {i}" for i in range(101)]
    scores = generator.random((300, 101))
    result = EvaluationResult(scores, generator.integers(0, 101, 300), names)
    path = write_report(result, str(tmp_path), seed=3)
    assert "Precision and recall of some classes" in page(path).text
    rows = [values for tag, values in page(path).tags if tag == "td" and "data-value" in values]
    assert len(rows) == 5 * 101
    chosen = choose_classes(result, 20, seed=3)
    assert len(set(chosen)) == 20 and chosen == sorted(chosen)
    assert chosen != choose_classes(result, 20, seed=4)
    assert choose_classes(result, ["class 7", "class 2"]) == [7, 2]
    with pytest.raises(ValueError, match=r"`classes` must hold names.*\['swim'\]"):
        write_report(result, str(tmp_path), classes=["swim"])


def test_groups_and_another_result(result, tmp_path):
    result = dataclasses.replace(result, groups=["g01", "g01", "g02", "g01", "g01", "g02", "g02"])
    other = dataclasses.replace(result, scores=np.eye(4)[result.labels])
    write_report(result, str(tmp_path / "report"), comparison=compare(result, other))
    text = page(tmp_path / "report" / "report.html").text
    assert "by group;" in text and "by video" in text and "cite that by group" in text
    assert "top-1 0.5714 against 1.0000 of the same 7 videos: -0.4286" in text
    assert "-50.0" in text  # sit: one of two against two
    content = json.loads((tmp_path / "report" / "comparison.json").read_text())
    assert (content["first_right"], content["second_right"]) == (0, 3)


def test_the_most_confused(result):
    assert confused_pairs(result) == [(0, 1, 2), (1, 0, 1)]
    assert confused_pairs(result, most=1) == [(0, 1, 2)]


def test_a_folder_that_cannot_be_written_to(result, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_report(result, str(tmp_path / "file" / "report"))


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_in_a_browser(result, tmp_path):
    path = pathlib.Path(write_report(result, str(tmp_path)))
    script = """<script>
        var heads = document.querySelectorAll("th button");
        function column(i) {
          return Array.from(document.querySelectorAll("tbody tr")).map(r => r.cells[i].textContent);
        }
        function click(i) { heads[i].click(); return column(i).join("|"); }
        document.title = JSON.stringify([click(4), click(4), click(0), click(0), click(1),
          document.documentElement.scrollWidth - window.innerWidth]);
    </script></body>"""
    tried = tmp_path / "tried.html"
    tried.write_text(path.read_text(encoding="utf-8").replace("</body>", script), encoding="utf-8")
    for width in (1280, 500):  # Headless Chromium has no narrower windows.
        done = subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--enable-logging=stderr",
                f"--window-size={width},800",
                "--dump-dom",
                tried.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "CONSOLE" not in done.stderr
        title = html.unescape(re.search("<title>(.*?)</title>", done.stdout)[1])
        first = "<b>run</b> & jump"
        support, reverse, name, name_reverse, precision, overflow = json.loads(title)
        assert support == "4|2|1|0"
        assert reverse == "0|1|2|4"
        assert name.split("|") == [first, "never", "sit", "stand"]
        assert name_reverse.split("|") == ["stand", "sit", "never", first]
        assert precision == "100.0%|66.7%|33.3%|n/a"
        assert overflow <= 0
