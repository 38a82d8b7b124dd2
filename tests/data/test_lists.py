"""`load_list`: lines, tables and annotations as users have them, and what is wrong with them."""

import codecs
import json
import math
import os

import pytest

from keras_seattn.commands import flags, parser_of
from keras_seattn.data import datasets, load_list
from keras_seattn.data.catalogs import match_classes
from keras_seattn.settings import DataSettings


@pytest.fixture
def folder(tmp_path):
    """Files and folders called as videos, with nothing in them: lists do not open them."""
    for name in ("a.mp4", "b c.avi", "run 2/d.mp4", "take 7/x", "long.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def written(folder, text, name="list.txt", encoding="utf-8"):
    (folder / name).write_text(text, encoding=encoding)
    return str(folder / name)


def shown(catalog, folder):
    names = [os.path.relpath(path, folder).replace(os.sep, "/") for path in catalog.paths]
    return list(zip(names, catalog.labels.tolist(), strict=True))


@pytest.mark.parametrize("separator", [" ", "\t", ",", ", ", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines(folder, separator, encoding):
    lines = ["a.mp4 0", "b c.avi 1", "run 2\\d.mp4 1", "take 7 0"]
    text = "\r\n\r\n".join(separator.join(line.rsplit(" ", 1)) for line in lines)
    catalog = load_list(written(folder, text, encoding=encoding))
    expected = [("a.mp4", 0), ("b c.avi", 1), ("run 2/d.mp4", 1), ("take 7", 0)]
    assert shown(catalog, folder) == expected
    assert catalog.class_names == ["0", "1"] and catalog.spans is None


def test_lines_with_numbers_of_frames(folder):
    """The number before the label is part of a name only where there is such a file."""
    text = "a 120 0\nb c 64 1\ntake 7 164 0\ntake 7 1\n"
    with pytest.raises(ValueError, match=r"line 4: .*take 7 has the label 1 here and 0 in line 3"):
        load_list(written(folder, text))
    text = text.replace("take 7 1", "take 7 0")
    expected = [("a.mp4", 0), ("b c.avi", 1), ("take 7", 0), ("take 7", 0)]
    assert shown(load_list(written(folder, text)), folder) == expected


def test_paths_start_from_the_list_or_the_root_or_nowhere(folder, monkeypatch):
    (folder / "lists").mkdir()
    text = f"a.mp4 0\n{folder / 'long.mkv'} 1\n"
    catalog = load_list(written(folder / "lists", text), root=folder)
    assert shown(catalog, folder) == [("a.mp4", 0), ("long.mkv", 1)]
    monkeypatch.chdir(folder)
    written(folder, text)
    assert load_list("list.txt").paths == ["a.mp4", str(folder / "long.mkv")]


TABLE = """Path,label,split,start,end,group
a.mp4,jump,train,,,
"b c.avi",walk,train,,,g1

long.mkv,walk,val,1.5,3,g2
long.mkv,jump,val,3,,g2
,,,,,
"""


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables(folder, separator):
    path = written(folder, TABLE.replace(",", separator), "list.csv")
    catalog = load_list(path)
    assert shown(catalog, folder) == [
        ("a.mp4", 0),
        ("b c.avi", 1),
        ("long.mkv", 1),
        ("long.mkv", 0),
    ]
    assert catalog.class_names == ["jump", "walk"]
    assert catalog.spans == [None, None, (1.5, 3.0), (3.0, math.inf)]
    assert catalog.groups == [str(folder / "a"), "g1", "g2", "g2"]
    assert catalog.names[2:] == [
        f"{folder.name}/long.mkv 1.5-3 s",
        f"{folder.name}/long.mkv 3- s",
    ]
    train, test = (load_list(path, subset=subset) for subset in ("train", "test"))
    assert [len(train), len(test)] == [2, 2] and test.class_names == catalog.class_names
    assert train.spans is None
    assert len(load_list(path, subset="val")) == 2


def test_the_names_of_numbers(folder):
    plain = written(folder, "a.mp4 2\nb c.avi 0\nlong.mkv 1\n")
    (folder / "names").write_text("fall\njump\n\nwalk\n", encoding="utf-16")
    for names in (["fall", "jump", "walk"], folder / "names"):
        catalog = load_list(plain, class_names=names)
        assert catalog.class_names == ["fall", "jump", "walk"]
        assert catalog.labels.tolist() == [2, 0, 1]
    text = "path,label,class\na.mp4,1,walk\nb c.avi,0,jump\nlong.mkv,1,\n"
    assert load_list(written(folder, text, "t.csv")).class_names == ["jump", "walk"]
    text = "path,class\na.mp4,walk\nb c.avi,jump\n"
    catalog = load_list(written(folder, text, "t.csv"))
    assert (catalog.class_names, catalog.labels.tolist()) == (["jump", "walk"], [1, 0])
    # In another order, as a model has them; and names that are numbers are names.
    assert load_list(folder / "t.csv", class_names=["walk", "jump"]).labels.tolist() == [0, 1]
    text = "a.mp4 3\nb c.avi 7\n"
    assert load_list(written(folder, text), class_names=["7", "3"]).labels.tolist() == [1, 0]
    catalog = load_list(written(folder, "a.mp4 100\nlong.mkv 0"), class_names="ucf101")
    assert catalog.labels.tolist() == [100, 0]


def test_lists_of_numbers_have_the_same_classes_where_one_lacks_some(folder):
    train = load_list(written(folder, "a.mp4 0\nb c.avi 1\nlong.mkv 2\n"))
    path = written(folder, "a.mp4 2\n", "test.txt")
    test = load_list(path, class_names=train.class_names)
    assert test.class_names == train.class_names and test.labels.tolist() == [2]
    test = load_list(written(folder, "a.mp4 0\nb c.avi 1\n", "other.txt"))
    assert list(match_classes(test, train.class_names, "the model")) == [0, 1]
    with pytest.warns(
        UserWarning, match="line 1: labels begin at 2 here.*unless 'x' has no videos"
    ):
        assert load_list(path, class_names=["x", "y", "z"]).labels.tolist() == [2]


def test_gaps_are_told(folder):
    with pytest.warns(
        UserWarning, match=r"2 of the labels from 0 to 3 \(in line 2\) have no videos, such as 1, 2"
    ):
        catalog = load_list(written(folder, "a.mp4 0\nb c.avi 3\n"))
    assert catalog.class_names == ["0", "1", "2", "3"]
    load_list(written(folder, "a.mp4 0\nb c.avi 3\n"), class_names=list("abcd"))


@pytest.mark.parametrize(
    "text, names, message",
    [
        ("", None, r"list.txt lists no videos: it is empty"),
        ("a.mp4 0\nb c.avi walk\n", None, r"list.txt, line 2: expected '<path> <label>' or"),
        ("a.mp4 1\nb c.avi 2\n", None, r"list.txt, line 1: labels begin at 1.*subtract 1 from"),
        ("b c.avi 2\na.mp4 1\n", "xy", r"list.txt, line 2: labels begin at 1.*there are 2 class"),
        ("a.mp4 0\nb c.avi 2\n", "xy", r"line 2: label 2 is too high: there are no 2 class names"),
        ("a.mp4 0\nb c.avi 99999999\n", None, r"line 2: label 99999999 is too high"),
        ("a.mp4 0\n\na.mp4 1\n", None, r"line 3: .*a.mp4 has the label 1 here and 0 in line 1"),
        ("a.mp4 0\n", "xx", r"`class_names` must hold names, each once. Twice there: x"),
        ("a.mp4 0\n", "", r"`class_names` must hold names.*Received: 0 names"),
    ],
)
def test_bad_lines(folder, text, names, message):
    with pytest.raises(ValueError, match=message):
        load_list(written(folder, text), class_names=None if names is None else list(names))


@pytest.mark.parametrize(
    "text, message",
    [
        ("file,label\na.mp4,0\n", r"lacks the columns path. Its first line names these: file, lab"),
        (
            "path,name\na.mp4,0\n",
            r"lacks the columns label. Its first line names these: path, name",
        ),
        ("path,label\n", r"list.csv lists no videos: it has only a line of columns"),
        ("path,label\n\na.mp4,\n", r"list.csv, line 3: has no label. Add it"),
        ("path,label\na,mp4,0\n", r"line 2: has more values than the 2 columns path, label. Put"),
        ("path,label\na.mp4,0\nb c.avi,walk\n", r"line 2 has '0', line 3 'walk'. Correct one, or"),
        (
            "path,label,start,end\na.mp4,x,5,5\n",
            r"line 2: start and end must be.*start '5', end '5",
        ),
        (
            "path,label,start,end\na.mp4,x,-1,5\n",
            r"line 2: start and end must be numbers of seconds",
        ),
        ("path,label,start,end\na.mp4,x,0:10,5\n", r"Found: start '0:10', end '5'"),
        ("path,label,start,end\na.mp4,x,,nan\n", r"Found: start '', end 'nan'"),
        (
            "path,label,class\na.mp4,0,x\nb c.avi,0,y\n",
            r"line 3: class 0 is called 'y' here and 'x'",
        ),
        (
            "path,label,class\na.mp4,0,x\nb c.avi,1,x\n",
            r"line 3: class 1 is called 'x', as class 0",
        ),
        (
            'path,label\n"a.mp4' + "x" * 200_000 + "\n",
            r"line 2: field larger than.*Correct the line",
        ),
    ],
)
def test_bad_tables(folder, text, message):
    with pytest.raises(ValueError, match=message):
        load_list(written(folder, text, "list.csv"))


def test_bad_names_and_subsets(folder):
    path = written(folder, TABLE, "list.csv")
    with pytest.raises(ValueError, match=r"line 3: label 'walk' is none of the 2 classes.*'jump'"):
        load_list(path, class_names=["jump", "run"])
    with pytest.raises(
        ValueError, match=r"no videos of `subset` 'testing'\. Its splits are: train, "
    ):
        load_list(path, subset="testing")
    with pytest.raises(ValueError, match="Its splits are: none, for it has no column split"):
        load_list(written(folder, "a.mp4 0\n"), subset="train")
    with pytest.raises(FileNotFoundError, match=r"none does not exist. Check `class_names`"):
        load_list(path, class_names="none")
    with pytest.raises(FileNotFoundError, match=r"none.csv does not exist. Check the path of the"):
        load_list("none.csv")
    (folder / "latin.txt").write_bytes("é.mp4 0".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.txt is not a text file in UTF-8"):
        load_list(folder / "latin.txt")
    (folder / "cut.txt").write_bytes(codecs.BOM_UTF16_LE + b"a")
    with pytest.raises(ValueError, match=r"cut\.txt is not a text file in UTF-8 or UTF-16"):
        load_list(folder / "cut.txt")


def test_missing_videos_are_counted_and_named(folder):
    text = "".join(f"no/{number}.mp4 0\n" for number in range(7)) + "a.mp4 0\n"
    with pytest.raises(FileNotFoundError) as caught:
        load_list(written(folder, text))
    message = str(caught.value)
    first = f"7 of the 8 videos that {folder / 'list.txt'} lists are not there: line 1 ("
    assert message.startswith(first + str(folder / "no/0.mp4"))
    assert "line 5 (" in message and "line 6 (" not in message and "Check `root`" in message


def hara(folder, database, **content):
    text = json.dumps({"labels": ["walk", "jump"], **content, "database": database})
    return written(folder, text, "ucf101_01.json")


def entry(label, subset="training", **more):
    return {"subset": subset, "annotations": {"label": label, **more}}


def test_annotations_of_hara(folder):
    (folder / "jump").mkdir()
    (folder / "jump" / "v_j_g01_c01").mkdir()
    (folder / "jump" / "é 2.mp4").touch()
    database = {
        "v_j_g01_c01": entry("jump", segment=[1, 65]),
        "é 2": entry("jump", "validation"),
        "other": {**entry("walk"), "video_path": "long.mkv"},
        "gone": entry("walk"),
        "unknown": {"subset": "testing"},
    }
    path = hara(folder, database)
    with pytest.warns(UserWarning) as caught:
        train = load_list(path, subset="train")
    told = [str(warning.message) for warning in caught]
    assert told[0].startswith(f"1 of the 5 videos that {path} lists have no label")
    assert told[1].startswith(f"1 of the 3 videos that {path} lists are not in {folder}")
    assert "such as walk/gone." in told[1] and "these classes" not in told[1]
    assert shown(train, folder) == [("jump/v_j_g01_c01", 1), ("long.mkv", 0)]
    assert train.class_names == ["walk", "jump"] and train.groups[0] == "g01"
    with pytest.warns(UserWarning, match="1 of the 5"):
        test = load_list(path, subset="test")
    assert shown(test, folder) == [("jump/é 2.mp4", 1)]


def test_annotations_of_activitynet_are_spans(folder):
    (folder / "v_id.mp4").touch()
    segments = [{"label": "jump", "segment": [0.5, 2]}, {"label": "walk", "segment": [2, 4.25]}]
    database = {"id": {"subset": "training", "duration": 5, "annotations": segments}}
    catalog = load_list(written(folder, json.dumps({"database": database}), "activity.json"))
    assert shown(catalog, folder) == [("v_id.mp4", 0), ("v_id.mp4", 1)]
    assert catalog.class_names == ["jump", "walk"]
    assert catalog.spans == [(0.5, 2.0), (2.0, 4.25)]


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", r"bad.json is not valid JSON"),
        ("[]", r"bad.json holds no annotations: expected"),
        ('{"database": {}}', r"bad.json lists no videos with a label"),
        ('{"database": {"v": 3}}', r"bad.json, entry 'v': is no annotation"),
        ('{"database": {"v": {"annotations": [{"label": "x"}]}}}', r"entry 'v': is no annotation"),
        (
            '{"database": {"v": {"annotations": [{"label": "x", "segment": [3, 2]}]}}}',
            r"entry 'v': start and end must be numbers of seconds",
        ),
        (
            '{"database": {"v": {"annotations": {"label": "x", "segment": [9, 20]}}}}',
            r"entry 'v': its segment \[9, 20\] does not begin with the first frame",
        ),
        (
            '{"labels": ["y"], "database": {"v": {"annotations": {"label": "x"}}}}',
            r"entry 'v': label 'x' is none of the 1 classes",
        ),
        ('{"labels": {"x": 0}, "database": {}}', r'"labels" must be a list of the names'),
        (
            '{"database": {"v": {"subset": null, "annotations": {"label": "x"}, "video_path": 3}}}',
            r"1 of the 1 videos that .*bad\.json lists are not there: entry 'v' \(.*3\)",
        ),
    ],
)
def test_bad_annotations(folder, text, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_list(written(folder, text, "bad.json"))


def settings(folder, **names):
    paths = {name: written(folder, text, f"{name}.csv") for name, text in names.items()}
    return DataSettings(dataset="list", data_dir=str(folder), **paths)


def test_the_lists_to_train_and_to_test_on(folder):
    """Two lists, of which the second lacks classes and has them in another order; or one."""
    train, test = "path,label\na.mp4,walk\nlong.mkv,jump\n", "path,label\nb c.avi,walk\n"
    both = "path,label,split\na.mp4,walk,train\nlong.mkv,jump,train\nb c.avi,walk,val\n"
    for data in (settings(folder, list=train, test_list=test), settings(folder, list=both)):
        catalogs = datasets.load(data, "")
        assert [catalog.class_names for catalog in catalogs] == [["jump", "walk"]] * 2
        assert shown(catalogs[0], folder) == [("a.mp4", 1), ("long.mkv", 0)]
        assert shown(catalogs[1], folder) == [("b c.avi", 1)]
    numbers = settings(folder, list="a.mp4 0\nlong.mkv 1\n", class_list="run\nfall\n")
    with pytest.raises(ValueError, match=r"no videos of `subset` 'train'.*no column split"):
        datasets.load(numbers, "")
    numbers = settings(folder, list="a.mp4 0\nlong.mkv 1\n", test_list="b c.avi 1\n")
    assert datasets.load(numbers, "")[1].class_names == ["0", "1"]
    with pytest.raises(ValueError, match=r"line 2: label 'swim' is none of the 2 classes"):
        datasets.load(settings(folder, list=train, test_list=test.replace("walk", "swim")), "")


def test_names_beside_numbers_must_be_those_of_training(folder):
    train = "path,label,class_name\na.mp4,0,falling\nlong.mkv,1,running\n"
    test = "\n\npath,label,class_name\nb c.avi,{},running\n"
    right = datasets.load(settings(folder, list=train, test_list=test.format(1)), "")[1]
    assert shown(right, folder) == [("b c.avi", 1)]
    with pytest.raises(ValueError, match=r"line 4: class 0 is called 'running'.*'falling'"):
        datasets.load(settings(folder, list=train, test_list=test.format(0)), "")


def test_all_of_a_list_is_tested_unless_it_has_splits(folder):
    for text, videos in (
        ("path,label\na.mp4,walk\nlong.mkv,jump\n", ["a.mp4", "long.mkv"]),
        ("path,label,split\na.mp4,walk,Train\nlong.mkv,jump,Test\n", ["long.mkv"]),
    ):
        catalog = datasets.load_test(settings(folder, list=text), "")
        assert [name for name, _ in shown(catalog, folder)] == videos


def test_settings_of_lists(folder, run_command):
    with pytest.raises(ValueError, match=r'dataset="list" needs `list`\.'):
        DataSettings(dataset="list", test_list="a.csv")
    with pytest.raises(ValueError, match=r"`list` and `test_list` are the same file: a\.csv"):
        DataSettings(dataset="list", list="a.csv", test_list="a.csv")
    for words, message in (
        (["--test-list", "a.csv"], "--dataset list needs --list"),
        (["--demo", "--list", "a.csv"], "--demo makes its own data set; leave out --list"),
    ):
        code, _, told = run_command("train", *words)
        assert code == 2 and message in told
    words = ["--list", "a.csv", "--class-list", "names", "--output", "out"]
    for command in ("train", "records", "search"):
        data = flags.data_settings(parser_of(command).parse_args(words))
        assert (data.dataset, data.list, data.class_list) == ("list", "a.csv", "names")
