"""What is wrong with a data set is found, all of it, and told from what is only odd."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from video_files import moving_pattern, write_video

from keras_seattn.checking import check_data, check_paths, contents, write_check
from keras_seattn.data import Catalog, load_ucf101
from keras_seattn.data.records import open_records, write_records


def found(check):
    """What is named, by kind, of what is wrong and of the rest."""
    parts = {True: {}, False: {}}
    for finding in check.findings:
        parts[finding.wrong].setdefault(finding.kind, []).extend(finding.named)
    return parts[True], parts[False]


def write_videos(root, *names, frames=20):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(root / name, moving_pattern(frames, seed=sum(map(ord, name))))


@pytest.fixture
def folders(tmp_path):
    """A training folder and a test folder with which nothing is wrong."""
    for subset, count in (("train", 10), ("test", 2)):
        names = [f"{n}/{subset}{i}.avi" for n in ("Jump", "Walk") for i in range(count)]
        write_videos(tmp_path / subset, *names)
    return tmp_path / "train", tmp_path / "test"


def test_nothing_is_wrong(folders):
    check = check_paths(*folders)
    assert check.passed and not check.findings
    assert check.as_json() == check_paths(folders[0].parent).as_json()  # finds train and test in it
    text = str(check)
    assert "training: 20 videos of 2 classes" in text and "  frames a second: 25 (20)" in text
    assert "  pixels: 64 x 48 (20)" in text and text.endswith("Nothing is wrong.")
    training = check.as_json()["subsets"]["training"]
    assert training["classes"] == {"Jump": 10, "Walk": 10}
    assert training["seconds"]["50 %"] == pytest.approx(0.8)


def test_all_that_is_wrong_is_found_at_once(folders):
    train, test = folders
    broken = [train / "Jump" / f"train{i}.avi" for i in range(3)]  # more than can be left out
    for path in broken:
        path.write_bytes(path.read_bytes()[:1000])
    shutil.copy(train / "Jump" / "train5.avi", train / "Walk" / "other label.avi")
    shutil.copy(train / "Jump" / "train6.avi", test / "Jump" / "both.avi")
    (train / "Empty").mkdir()
    write_videos(test, "Fly/a.avi")
    write_videos(train, "Walk/v_Walk_g01_c01.avi")
    write_videos(test, "Walk/v_Walk_g01_c02.avi")
    check = check_paths(*folders)
    wrong, told = found(check)
    assert not check.passed and not told
    unreadable = wrong.pop("unreadable")
    assert [text.partition(": ")[0] for text in unreadable] == list(map(str, broken))
    a, b = train / "Jump" / "train5.avi", train / "Walk" / "other label.avi"
    c, d = train / "Jump" / "train6.avi", test / "Jump" / "both.avi"
    assert wrong == {
        "no training videos": ["Empty", "Fly"],
        "different labels": [f"{a} (training, Jump) = {b} (training, Walk)"],
        "in both": [f"{c} (training, Jump) = {d} (test, Jump)"],
        "split groups": ["Walk: g01"],
    }


def test_what_is_only_told(folders):
    train, test = folders
    shutil.copy(train / "Jump" / "train5.avi", train / "Jump" / "again.avi")
    write_videos(train, "Fly/v_Fly_g01_c01.avi")
    write_videos(train, "Walk/same.avi", frames=8)
    write_videos(test, "Walk/same.avi", frames=24)
    (train / "Walk" / "notes.txt").touch()
    times = np.arange(20) ** 2
    write_video(test / "Jump" / "uneven.mkv", moving_pattern(20), times=times)
    check = check_paths(*folders)
    assert check.passed
    assert found(check)[1] == {
        "short": ["Walk/same.avi"],
        "variable rate": ["Jump/uneven.mkv"],
        "no test videos": ["Fly"],
        "few videos": ["Fly: 1"],
        "one group": ["Fly"],
        "doubled": [
            f"{train}/Jump/again.avi (training, Jump) = {train}/Jump/train5.avi (training, Jump)"
        ],
        "same names": ["Walk/same.avi"],
        "left out": [f"{train}/Walk/notes.txt"],
    }


def test_only_files_of_one_size_are_hashed(folders, monkeypatch):
    train, _ = folders
    shutil.copy(train / "Jump" / "train5.avi", train / "Jump" / "again.avi")
    hashed, checksum = [], contents.checksum
    monkeypatch.setattr(contents, "checksum", lambda path: hashed.append(path) or checksum(path))
    check = check_paths(*folders)
    sizes = {path: os.path.getsize(path) for part in check.subsets.values()
             for path in part.catalog.paths}  # fmt: skip
    of_one_size = [path for path in sizes if list(sizes.values()).count(sizes[path]) > 1]
    assert sorted(hashed) == sorted(of_one_size) and 2 <= len(hashed) < len(sizes)


def test_folders_of_frames_are_compared_by_their_pictures(folders):
    images = moving_pattern(40)
    for name, pattern, first in (("Jump/a", "img_{}.png", 0), ("Walk/b", "image_{}.png", 0),
                                 ("Walk/c", "image_{}.png", 20)):  # fmt: skip
        (folders[0] / name).mkdir()
        for number, image in enumerate(images[first : first + 20], start=1):
            Image.fromarray(image).save(folders[0] / name / pattern.format(number))
    wrong, told = found(check_paths(*folders))
    a, b = folders[0] / "Jump" / "a", folders[0] / "Walk" / "b"
    assert wrong == {"different labels": [f"{a} (training, Jump) = {b} (training, Walk)"]}
    assert not told


def test_parts_of_one_file_are_the_same_where_they_meet(tmp_path):
    path = write_video(tmp_path / "long.avi", moving_pattern(100))

    def check(*spans, labels=(0, 1, 0), test=None):
        training = Catalog([path] * len(spans), labels[: len(spans)], ["Jump", "Walk"], spans=spans)
        return found(check_data(training, test))

    apart = check((0, 1), (1, 2), (2.5, 3))
    assert "different labels" not in apart[0] and not apart[1].keys() & {"overlapping parts"}
    wrong, told = check((0, 1.5), (1, 2), (2.5, 3))
    assert not wrong and "doubled" not in told
    assert told["overlapping parts"] == [
        f"{path} 0-1.5 s (training, Jump) = {path} 1-2 s (training, Walk)"
    ]
    for span, split in (((3, 4), False), ((0.5, 4), True)):
        test = Catalog([path], [0], ["Jump", "Walk"], spans=[span])
        wrong, _ = check((0, 1), (1, 2), test=test)
        assert ("in both" in wrong) == split
        assert wrong["split groups"] == [f"Jump: {os.path.splitext(path)[0]}"]


def test_groups_of_other_classes_are_only_told(tiny_ucf101):
    catalog = load_ucf101(*tiny_ucf101)  # three videos of a class
    for groups, training, split, shared in (
        (["p", "p", "q", "q", "r", "r"], [0, 1, 3, 4], ["Walk: r"], ["q"]),
        (None, [0, 1, 5], [], []),  # UCF-101's numbers begin anew in each class
    ):
        grouped = dataclasses.replace(catalog, groups=groups)
        chosen = np.isin(np.arange(6), training)
        wrong, told = found(check_data(grouped.part(chosen), grouped.part(~chosen)))
        assert wrong.get("split groups", []) == split
        assert told.get("shared groups", []) == shared


def test_records_are_checked_by_their_frames(tiny_ucf101, tmp_path):
    catalog, test = (load_ucf101(*tiny_ucf101, subset=subset) for subset in ("train", "test"))
    paths = [*catalog.paths, str(shutil.copy(catalog.paths[0], tmp_path / "copy.avi"))]
    write_records(Catalog(paths, [*catalog.labels, 1], ["Jump", "Walk"]), tmp_path / "r", shards=2)
    records = open_records(tmp_path / "r")
    check = check_data(records, records.part(np.arange(len(records)) < 1))
    wrong, _ = found(check)
    name, copy = catalog.names[0], f"{tmp_path.name}/copy.avi"
    same = [f"{name} (training, Jump)", f"{copy} (training, Walk)", f"{name} (test, Jump)"]
    assert {frozenset(text.split(" = ")) for text in wrong["in both"]} == {frozenset(same)}
    assert wrong["different labels"] == wrong["in both"] and wrong["split groups"] == ["Jump: g01"]
    assert "  frames a second: 25 (7)" in str(check)
    assert check_data(records.part([name != copy for name in records.names]), test).passed
    page = write_check(check, tmp_path / "out")
    with open(page, encoding="utf-8") as file:
        assert file.read().count("data:image/jpeg;base64,") == 2


def test_the_page(folders, tmp_path):
    (folders[0] / "<b>").mkdir()
    write_videos(folders[0], "<b>/1.avi")
    check = check_paths(*folders)
    path = write_check(check, tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == ["check.html", "check.json"]
    with open(path, encoding="utf-8") as file:
        page = file.read()
    assert "<b>/1.avi" not in page and "&lt;b&gt;: 1" in page
    assert page.count("data:image/jpeg;base64,") == 3
    with open(tmp_path / "out" / "check.json", encoding="utf-8") as file:
        assert json.load(file) == check.as_json()
