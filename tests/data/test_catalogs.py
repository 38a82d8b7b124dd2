"""The lists of UCF-101, HMDB51 and folders, as users have them on disk."""

import csv
import io
import os
import pathlib
import re

import pytest

from keras_seattn.data import (
    Catalog,
    find_videos,
    load_directory,
    load_hmdb51,
    load_kinetics,
    load_ucf101,
)
from keras_seattn.data.catalogs import match_classes

FILES = {
    "Yo Yo": ["v_YoYo_g01_c01.avi", "v YoYo [2] #3;é.avi", "v_YoYo_g09_c01.avi"],
    "Archery": ["v_Archery_g01_c01.avi"],
}


@pytest.fixture
def ucf101(tmp_path):
    video_dir, splits_dir = tmp_path / "UCF-101", tmp_path / "lists"
    splits_dir.mkdir()
    for name in FILES:
        (video_dir / name).mkdir(parents=True)
    (splits_dir / "classInd.txt").write_text("1 Archery\n2 Yo Yo\n")
    (splits_dir / "trainlist02.txt").write_text(
        "Yo Yo/v_YoYo_g01_c01.avi 2\nArchery/v_Archery_g01_c01.avi 1\n"
        "Yo Yo/v YoYo [2] #3;é.avi 2\n",
        encoding="utf-8",
    )
    (splits_dir / "testlist02.txt").write_text("Yo Yo/v_YoYo_g09_c01.avi\n")
    return video_dir, splits_dir


def test_ucf101(ucf101):
    video_dir, splits_dir = ucf101
    train = load_ucf101(video_dir, splits_dir, split=2, subset="train")
    assert train.class_names == ["Archery", "Yo Yo"]
    assert train.labels.tolist() == [1, 0, 1]
    assert train.paths[2] == os.path.join(video_dir, "Yo Yo", "v YoYo [2] #3;é.avi")
    test = load_ucf101(str(video_dir), str(splits_dir), split=2, subset="test")
    assert (test.labels.tolist(), len(test)) == ([1], 1)


@pytest.mark.parametrize("change", ["\r\n", "\n\n\n", "  \t\n"])
def test_ucf101_lists_with_other_line_ends_parse_the_same(ucf101, change):
    video_dir, splits_dir = ucf101
    expected = load_ucf101(video_dir, splits_dir, split=2, subset="train")
    for path in splits_dir.iterdir():
        content = path.read_text(encoding="utf-8").replace("\n", change)
        path.write_bytes(content.encode())
    changed = load_ucf101(video_dir, splits_dir, split=2, subset="train")
    assert changed.paths == expected.paths
    assert changed.labels.tolist() == expected.labels.tolist()
    assert changed.class_names == expected.class_names


def test_ucf101_test_lists_with_labels_and_names_that_end_in_numbers(ucf101):
    video_dir, splits_dir = ucf101
    (splits_dir / "testlist02.txt").write_text("Yo Yo/a.avi 2\nArchery/take 2\n")
    test = load_ucf101(video_dir, splits_dir, split=2, subset="test")
    assert [os.path.basename(path) for path in test.paths] == ["a.avi", "take 2"]


@pytest.mark.parametrize("separator", ["\t", ",", ", ", "  ", ";"])
def test_ucf101_lists_with_other_separators_parse_the_same(ucf101, separator):
    video_dir, splits_dir = ucf101
    expected = load_ucf101(video_dir, splits_dir, split=2, subset="train")
    for name in ("trainlist02.txt", "classInd.txt"):
        path = splits_dir / name
        content = path.read_text(encoding="utf-8")
        content = re.sub(r" (?=\d\n)|(?<=^\d) ", separator, content, flags=re.MULTILINE)
        path.write_text(content, encoding="utf-16")
    changed = load_ucf101(video_dir, splits_dir, split=2, subset="train")
    assert (changed.paths, changed.class_names) == (expected.paths, expected.class_names)
    assert changed.labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize(
    "file, content, message",
    [
        ("trainlist02.txt", "Diving/a.avi 3\n", "line 1: unknown class 'Diving'.*classInd.txt"),
        ("trainlist02.txt", "Archery/a.avi 2\n", "line 1: label 2 is not that of class 'Archery'"),
        ("trainlist02.txt", "\n\n", "trainlist02.txt lists no videos"),
        ("classInd.txt", "1 Archery\n3 Yo Yo\n", "classInd.txt, line 2: expected '2 <Class>'"),
        ("classInd.txt", "Archery\n", "classInd.txt, line 1: expected '1 <Class>'"),
    ],
)
def test_malformed_ucf101_lists_are_named(ucf101, file, content, message):
    video_dir, splits_dir = ucf101
    (splits_dir / file).write_text(content)
    with pytest.raises(ValueError, match=message):
        load_ucf101(video_dir, splits_dir, split=2)


def test_missing_folders_and_lists_are_named(ucf101):
    video_dir, splits_dir = ucf101
    with pytest.raises(FileNotFoundError, match="`video_dir` is not a folder: nowhere"):
        load_ucf101("nowhere", splits_dir)
    with pytest.raises(FileNotFoundError, match="`splits_dir` is not a folder: nowhere"):
        load_hmdb51(video_dir, "nowhere")
    with pytest.raises(FileNotFoundError, match=r"trainlist01.txt does not exist"):
        load_ucf101(video_dir, splits_dir, split=1)
    (video_dir / "Archery").rmdir()
    with pytest.raises(FileNotFoundError, match=r"no folder for 1 of the classes.*Archery"):
        load_ucf101(video_dir, splits_dir, split=2)
    with pytest.raises(ValueError, match=r"`split` must be one of 1, 2, 3. Received: split=4"):
        load_ucf101(video_dir, splits_dir, split=4)
    with pytest.raises(ValueError, match="`subset` must be one of 'train', 'test'"):
        load_ucf101(video_dir, splits_dir, subset="val")


def test_hmdb51(tmp_path):
    video_dir, splits_dir = tmp_path / "videos", tmp_path / "splits"
    splits_dir.mkdir()
    for name in ("wave", "brush_hair"):
        (video_dir / name).mkdir(parents=True)
    (splits_dir / "wave_test_split1.txt").write_text("a b.avi 1 \r\nc.avi 2 \r\n\r\nd.avi 0 \r\n")
    (splits_dir / "brush_hair_test_split1.txt").write_text("e.avi 2\nf#;ö.avi 1\n", "utf-8")
    (splits_dir / "wave_test_split2.txt").write_text("a b.avi 2\n")
    # macOS puts such files, which are no text, beside all that it copies to other disks.
    (splits_dir / "._wave_test_split1.txt").write_bytes(b"\x00\x05\x16\x07")
    train = load_hmdb51(video_dir, splits_dir, split=1, subset="train")
    assert train.class_names == ["brush_hair", "wave"]
    assert [os.path.relpath(path, video_dir) for path in train.paths] == [
        os.path.join("brush_hair", "f#;ö.avi"),
        os.path.join("wave", "a b.avi"),
    ]
    assert train.labels.tolist() == [0, 1]
    test = load_hmdb51(video_dir, splits_dir, split=1, subset="test")
    assert [os.path.basename(path) for path in test.paths] == ["e.avi", "c.avi"]
    with pytest.raises(FileNotFoundError, match=r"holds no list named <class>_test_split3.txt"):
        load_hmdb51(video_dir, splits_dir, split=3)
    (splits_dir / "wave_test_split1.txt").write_text("a.avi 7\n")
    with pytest.raises(
        ValueError, match=r"wave_test_split1.txt, line 1: expected '<file> 0\|1\|2'"
    ):
        load_hmdb51(video_dir, splits_dir, split=1)


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.touch()


def test_directory(tmp_path, recwarn):
    touch(tmp_path, "run/b.MP4", "run/a [1].avi", "fall/c.mkv", ".cache/x.mp4", "run/.hidden.txt")
    catalog = load_directory(tmp_path)
    assert catalog.class_names == ["fall", "run"]
    assert [os.path.basename(path) for path in catalog.paths] == ["c.mkv", "a [1].avi", "b.MP4"]
    assert catalog.labels.tolist() == [0, 1, 1]
    assert not recwarn.list
    (tmp_path / "walk").mkdir()
    with pytest.raises(ValueError, match="walk holds no video files"):
        load_directory(tmp_path)
    with pytest.raises(ValueError, match="`root` holds no folders"):
        load_directory(tmp_path / "run")
    with pytest.raises(FileNotFoundError, match="`root` is not a folder"):
        load_directory(tmp_path / "none")


CAMERAS_AND_SITES = (
    ".3gp .3g2 .mts .m2ts .m2v .mpe .vob .mxf .f4v .ogv .asf .divx .gif .y4m "
    ".mp4 .mkv .mov .avi .webm .wmv .flv .m4v .mpg .mpeg .ts"
).split()


def test_what_cameras_and_sites_give_is_found(tmp_path):
    touch(tmp_path, *(f"walk/{i}{suffix}" for i, suffix in enumerate(CAMERAS_AND_SITES)))
    touch(tmp_path, *(f"run/{i}{suffix.upper()}" for i, suffix in enumerate(CAMERAS_AND_SITES)))
    assert len(load_directory(tmp_path)) == 2 * len(CAMERAS_AND_SITES)
    assert len(find_videos(tmp_path)) == 2 * len(CAMERAS_AND_SITES)


def test_what_is_left_out_is_told_once(tmp_path):
    touch(tmp_path, "run/a.mp4", "run/take 2/b.mp4", "run/notes.txt", "run/c.mp4.part", "lost.mp4")
    touch(tmp_path, ".DS_Store", "run/._a.mp4")
    with pytest.warns(UserWarning) as caught:
        assert len(load_directory(tmp_path)) == 1
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith(f"4 files and folders in {tmp_path} are left out, such as ")
    named = [tmp_path / "lost.mp4", tmp_path / "run" / "c.mp4.part", tmp_path / "run" / "notes.txt"]
    assert ", ".join(map(str, named)) in message and "take 2" not in message
    with pytest.warns(
        UserWarning, match="^2 files and folders in .*c.mp4.part.*notes.txt"
    ) as caught:
        assert len(find_videos(str(tmp_path))) == 3
    assert len(caught) == 1


def test_catalogs_check_their_labels():
    with pytest.raises(ValueError, match="2 labels for 1 paths"):
        Catalog(["a"], [0, 1], ["x", "y"])
    with pytest.raises(ValueError, match="`labels` must be from 0 to 1"):
        Catalog(["a"], [2], ["x", "y"])
    with pytest.raises(ValueError, match=r"not text in UTF-8: a\\udce9\. .*Rename its folder"):
        Catalog(["a"], [0], ["a\udce9", "y"])


KINETICS = (
    "label,youtube_id,time_start,time_end,split\n"
    "tai chi,-abcdefghij,3,13,train\n"
    "abseiling,0123456789a,0,10,train\n"
    '"throwing, catching",x_y-z#;[1]ä,125.0,135.0,train\n'
    "abseiling,bbbbbbbbbbb,100,110,validate\n"
    "zumba,ccccccccccc,7,17,train\n"
)
KINETICS_FILES = (
    "tai_chi/-abcdefghij_000003_000013.mp4",
    "abseiling/0123456789a_000000_000010.mp4",
    "throwing, catching/x_y-z#;[1]ä_000125_000135.mp4",
    "abseiling/bbbbbbbbbbb_000100_000110.mp4",
)


@pytest.fixture
def kinetics(tmp_path):
    for name in KINETICS_FILES:
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "all.csv").write_text(KINETICS, encoding="utf-8")
    return str(tmp_path / "videos"), str(tmp_path / "all.csv")


def test_kinetics_without_its_missing_videos(kinetics):
    with pytest.warns(UserWarning, match=r"1 of the 4 videos .*zumba.ccccccccccc_000007_000017"):
        train = load_kinetics(*kinetics, subset="train")
    assert [os.path.relpath(path, kinetics[0]) for path in train.paths] == list(KINETICS_FILES[:3])
    # Classes without a video on disk keep their place, as the pretrained heads have it.
    assert train.class_names == ["abseiling", "tai chi", "throwing, catching", "zumba"]
    assert list(train.labels) == [1, 0, 2]
    validate = load_kinetics(*kinetics, subset="validate")
    assert validate.class_names == train.class_names and list(validate.labels) == [0]
    with pytest.warns(UserWarning, match="1 of the 5 videos"):
        assert len(load_kinetics(*kinetics)) == 4


def rewritten(text, separator):
    """A list of Kinetics with other separators, as `csv` quotes it."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(csv.reader(io.StringIO(text)))
    return out.getvalue()


@pytest.mark.parametrize(
    "text, encoding",
    [
        (rewritten(KINETICS, ";"), "utf-8"),
        (rewritten(KINETICS, "\t"), "utf-16"),
        (KINETICS.replace(",", ", ").replace('"throwing, ', '"throwing,'), "utf-8-sig"),
    ],
)
def test_lists_of_kinetics_as_other_programs_write_them(kinetics, text, encoding):
    with pytest.warns(UserWarning, match="1 of the 5 videos"):
        expected = load_kinetics(*kinetics)
    with open(kinetics[1], "w", encoding=encoding, newline="") as file:
        file.write(text)
    with pytest.warns(UserWarning, match="1 of the 5 videos"):
        found = load_kinetics(*kinetics)
    assert (found.paths, found.class_names) == (expected.paths, expected.class_names)


def test_videos_of_kinetics_in_other_containers_and_in_both_folders(kinetics):
    folder, _ = kinetics
    os.rename(
        os.path.join(folder, KINETICS_FILES[1]),
        os.path.join(folder, KINETICS_FILES[1].replace(".mp4", ".webm")),
    )
    os.makedirs(os.path.join(folder, "tai chi"))
    with open(kinetics[1], "a", encoding="utf-8") as file:
        file.write("tai chi,ddddddddddd,1,11,train\n")
    touch(pathlib.Path(folder), "tai chi/ddddddddddd_000001_000011.mkv")
    with pytest.warns(UserWarning, match="1 of the 5 videos"):
        train = load_kinetics(*kinetics, subset="train")
    assert [os.path.relpath(path, folder) for path in train.paths] == [
        KINETICS_FILES[0],
        KINETICS_FILES[1].replace(".mp4", ".webm"),
        KINETICS_FILES[2],
        os.path.join("tai chi", "ddddddddddd_000001_000011.mkv"),
    ]


@pytest.mark.parametrize("flat", [False, True])
def test_videos_of_kinetics_as_tools_rename_and_move_them(flat, tmp_path):
    """As mmaction2 renames folders; as others call files by their ids alone, in one folder."""
    folder, lists = tmp_path / "videos", tmp_path / "train.csv"
    lists.write_text(
        "label,youtube_id,time_start,time_end\n"
        "massaging person's head,aaa,1,11\npassing soccer ball (not in game),b-b,2,12\n"
        "riding mule,ccc,3,13\n"
    )
    files = [
        "massaging_persons_head/aaa_000001_000011.mkv",
        "passing_soccer_ball_not_in_game/b-b.mp4",
    ]
    files = [os.path.basename(file) for file in files] if flat else files
    for file in files:
        touch(folder, file)
    with pytest.warns(UserWarning, match=r"No video is there of these classes: riding mule\.$"):
        catalog = load_kinetics(str(folder), str(lists))
    assert [os.path.relpath(path, folder) for path in catalog.paths] == files
    assert list(catalog.labels) == [0, 1] and len(catalog.class_names) == 3


def test_blanks_and_underscores_in_names_are_alike():
    catalog = Catalog(["a"], [0], ["tai_chi", "a_b", "zumba"])
    places = match_classes(catalog, ["a b", "zumba", "tai chi", "a_b"], "the model")
    assert list(places) == [2, 3, 1]


@pytest.mark.parametrize(
    "text, message",
    [
        ("label,youtube_id,time_start,time_end,split\n", "lists no videos: it has only a line"),
        ("label,youtube_id\nx,y\n", "lacks the columns time_start, time_end, split"),
        ("", "lacks the columns label"),
        (KINETICS.replace(",0,10,", ",zero,10,"), "line 3: expected a label.*'time_start': 'zero'"),
        (KINETICS.replace("train", "test"), "has no lines of `subset` 'train'. It has: test, val"),
        (KINETICS.replace("zumba", ""), "line 6: expected a label"),
        ("label,youtube_id,time_start,time_end,split\nx,y,0,10,train\n", "None of the 1 videos"),
    ],
)
def test_bad_lists_of_kinetics(kinetics, text, message):
    with open(kinetics[1], "w", encoding="utf-8") as file:
        file.write(text)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_kinetics(*kinetics, subset="train")


def test_missing_paths_of_kinetics(kinetics):
    with pytest.raises(FileNotFoundError, match="`video_dir` is not a folder"):
        load_kinetics("nowhere", kinetics[1])
    with pytest.raises(FileNotFoundError, match=r"nowhere does not exist\. Check `csv`"):
        load_kinetics(kinetics[0], "nowhere")


def test_folders_that_link_to_each_other_are_searched_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "video.mp4").touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    assert find_videos(str(tmp_path)) == [str(tmp_path / "a" / "video.mp4")]
