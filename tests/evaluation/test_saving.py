"""Scores that are kept: readable without this package, and a result again."""

import csv
import dataclasses

import numpy as np
import pytest

from keras_seattn.evaluation import EvaluationResult, load_result
from keras_seattn.evaluation.saving import save_scores, save_videos


@pytest.fixture
def result():
    scores = np.random.default_rng(0).dirichlet(np.ones(3), 4)
    return EvaluationResult(
        scores,
        [0, 0, 2, 1],
        ["run", "sit, down", "jump"],
        paths=["/a/run/v_g01_c1.avi", "/a/run/v_g01_c2.avi", "/a/jump/ü.avi", "/a/sit/\udc80.avi"],
        clip_counts=np.array([3, 1, 2, 2]),
        clips_right=np.array([2, 0, 1, 0]),
        loss=1.5,
        skipped=["/a/run/broken.avi"],
        clips_left_out=2,
        groups=["g01", "g01", "ü", "b"],
        views="all clips",
        spans=[(0.5, 2.25), None, None, (3, 4)],
    )


def test_it_comes_back_as_it_was(result, tmp_path):
    save_scores(result, tmp_path / "scores.npz")
    back = load_result(tmp_path)
    for field in dataclasses.fields(result):
        there, was = getattr(back, field.name), getattr(result, field.name)
        assert type(there) is type(was), field.name
        assert np.array_equal(there, was) if isinstance(was, np.ndarray) else there == was
    assert str(back) == str(result) and back.intervals == result.intervals


def test_little_is_enough(tmp_path):
    save_scores(EvaluationResult(np.eye(2), [0, 1], ["run", "sit"]), tmp_path / "scores.npz")
    back = load_result(tmp_path)
    assert back.spans is None and back.names == []
    assert len(back.paths) == len(back.groups) == len(back.skipped) == 0 and np.isnan(back.loss)


def test_numpy_reads_it_without_pickle(result, tmp_path):
    save_scores(result, tmp_path / "scores.npz")
    with np.load(tmp_path / "scores.npz", allow_pickle=False) as file:
        assert file["scores"].dtype == "float32" and file["scores"].shape == (4, 3)
        assert file["labels"].tolist() == [0, 0, 2, 1]
        assert file["class_names"].tolist() == ["run", "sit, down", "jump"]
        assert file["clip_counts"].tolist() == [3, 1, 2, 2]
        assert file["groups"].tolist() == result.groups
        assert file["spans"][0].tolist() == [0.5, 2.25] and np.isnan(file["spans"][1]).all()


def test_a_row_for_each_video(result, tmp_path):
    save_videos(result, tmp_path / "videos.csv")
    with open(tmp_path / "videos.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[2] == {
        "path": "/a/jump/ü.avi",
        "video": "jump/ü.avi",
        "group": "ü",
        "class": "jump",
        "predicted": result.class_names[result.scores[2].argmax()],
        "clips": "2",
        "score": str(result.scores[2, 2]),
    }
    assert rows[0]["video"] == "run/v_g01_c1.avi 0.5-2.25 s"
    assert rows[3]["path"] == r"/a/sit/\udc80.avi" and rows[3]["class"] == "sit, down"


def test_videos_whose_files_nobody_knows_have_rows_too(tmp_path):
    save_videos(EvaluationResult(np.eye(2), [0, 0], ["run", "sit"]), tmp_path / "videos.csv")
    with open(tmp_path / "videos.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["predicted"] for row in rows] == ["run", "sit"] and rows[0]["path"] == ""


def test_what_is_no_result(result, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"scores\.npz does not exist.*evaluate the model"):
        load_result(tmp_path)
    path = tmp_path / "scores.npz"
    save_scores(result, path)
    whole = path.read_bytes()
    for content in (
        b"",
        b"no archive",
        whole[: len(whole) // 2],
        whole.replace(b"labels", b"lobels"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"scores\.npz is damaged, or no result"):
            load_result(tmp_path)
    with open(path, "wb") as file:
        np.save(file, np.eye(3))
    with pytest.raises(ValueError, match=r"scores\.npz is damaged, or no result"):
        load_result(tmp_path)
