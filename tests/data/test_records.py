"""Shards: what is written is what is read, and what is broken is named."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from video_files import decode_all, write_damaged, write_video
from video_kinds import OTHERS

from keras_seattn.data import (
    Catalog,
    VideoError,
    as_raised,
    test_clips,
    train_clips,
    unreadable,
)
from keras_seattn.data.records import index, open_records, write_records, writing
from keras_seattn.data.records import manifest as manifests
from keras_seattn.evaluation import evaluate, load_model
from keras_seattn.folder_lock import FolderLock
from keras_seattn.preprocessing import HARA_2018


def smooth_pattern(frames, height, width, seed):
    """Frames in which half a pixel more to the left makes little difference."""
    y, x = np.mgrid[:height, :width] / min(height, width)
    t = np.arange(frames)[:, None, None]
    levels = [127 + 90 * np.sin(3 * y + 2 * x + 0.3 * t + k + seed) for k in range(3)]
    return np.stack(levels, axis=-1).astype("uint8")


@pytest.fixture
def catalog(tmp_path):
    """Twelve videos of three classes, of other lengths and sizes, one of them below 128 pixels."""
    paths, labels = [], []
    for i in range(12):
        name = ("Jump", "Walk", "Run")[i % 3]
        (tmp_path / "videos" / name).mkdir(parents=True, exist_ok=True)
        height, width = ((144, 192), (192, 144), (48, 64))[i % 3]
        path = tmp_path / "videos" / name / f"v #{i};ü.avi"
        write_video(path, smooth_pattern(10 + 3 * i, height, width, seed=i))
        paths.append(str(path))
        labels.append(i % 3)
    return Catalog(paths, labels, ["Jump", "Walk", "Run"])


@pytest.fixture
def folder(catalog, tmp_path):
    output = str(tmp_path / "records")
    write_records(catalog, output, shards=3, quality=95)
    return output


def times(folder):
    """When each file was last written, but for the lock, which some filelocks write to."""
    files = pathlib.Path(folder).iterdir()
    return {path.name: path.stat().st_mtime_ns for path in files if path.suffix != ".lock"}


def shards_of(folder):
    return sorted(pathlib.Path(folder).glob("*.tfrecord"))


def test_a_record_has_the_keys_of_the_model_garden(catalog, folder):
    record = next(iter(tf.data.TFRecordDataset(str(shards_of(folder)[0])).as_numpy_iterator()))
    example = tf.train.SequenceExample.FromString(record)
    context = example.context.feature
    name = context["clip/data_path"].bytes_list.value[0].decode()
    path = next(path for path in catalog.paths if path.endswith(name))
    label = catalog.labels[catalog.paths.index(path)]
    assert context["clip/label/index"].int64_list.value == [label]
    assert context["clip/label/string"].bytes_list.value == [catalog.class_names[label].encode()]
    assert context["image/frame_rate"].float_list.value == [25.0]
    expected = decode_all(path)
    factor = min(1, 128 / min(expected.shape[1:3]))
    size = tuple(round(side * factor) for side in expected.shape[1:3])
    assert (
        context["image/height"].int64_list.value[0],
        context["image/width"].int64_list.value[0],
    ) == size
    frames = example.feature_lists.feature_list["image/encoded"].feature
    assert len(frames) == len(expected)
    for frame, original in zip(frames, expected, strict=True):
        image = tf.io.decode_jpeg(frame.bytes_list.value[0]).numpy()
        scaled = tf.image.resize(original, size, antialias=True).numpy()
        # Luma, for JPEG halves the resolution of colours.
        assert image.shape == scaled.shape
        assert np.abs((image - scaled) @ [0.299, 0.587, 0.114]).mean() < 3


def test_the_manifest_tells_what_is_there(catalog, folder):
    records = open_records(folder)
    assert len(records) == 12 and len(records.files) == 3
    names = ["/".join(path.split(os.sep)[-2:]) for path in catalog.paths]
    assert sorted(records.paths) == sorted(names)
    for name, label, frames in zip(records.paths, records.labels, records.frames, strict=True):
        place = names.index(name)
        assert (label, frames) == (catalog.labels[place], 10 + 3 * place)
    assert records.class_names == catalog.class_names
    content = json.loads(pathlib.Path(folder, "manifest.json").read_text())
    for shard in content["shards"]:
        path = pathlib.Path(folder, shard["file"])
        assert path.stat().st_size == shard["bytes"]
        assert shard["sha256"] == manifests.checksum(str(path))
    assert sum(shard["frames"] for shard in content["shards"]) == sum(10 + 3 * i for i in range(12))


def test_writing_is_deterministic(catalog, folder, tmp_path):
    write_records(catalog, str(tmp_path / "again"), shards=3, quality=95, workers=1)
    for a, b in zip(shards_of(folder), shards_of(tmp_path / "again"), strict=True):
        assert a.name == b.name and a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize("size, data_format", [(40, "channels_last"), (112, "channels_first")])
def test_test_clips_are_those_of_the_files(catalog, folder, size, data_format):
    records = open_records(folder)
    clips = {}
    for source in (catalog, folder):
        paths = catalog.paths if source is catalog else records.paths
        clips[source is folder] = {}
        for inputs, labels in test_clips(
            source, 8, size, 5, data_format=data_format, preprocessing=HARA_2018
        ):
            for clip, video, label in zip(inputs["clip"], inputs["video"], labels, strict=True):
                name = "/".join(paths[int(video)].split(os.sep)[-2:])
                assert catalog.class_names[int(label)] == name.split("/")[0]
                clips[source is folder].setdefault(name, []).append(clip.numpy())
    assert clips[0].keys() == clips[1].keys()
    for name in clips[0]:
        assert len(clips[0][name]) == len(clips[1][name])
        for a, b in zip(clips[0][name], clips[1][name], strict=True):
            assert a.shape == b.shape
            # Of 256 levels; it is scaled twice, and crops are of whole pixels of another size.
            assert np.abs(a - b).mean() < 4


def test_train_clips_show_each_video_once_an_epoch(catalog, folder):
    dataset = train_clips(folder, 8, 32, 4, seed=3, preprocessing=HARA_2018)
    assert len(dataset) == 3
    counts = np.zeros(3, int)
    for clips, labels in dataset:
        assert clips.shape == (4, 8, 32, 32, 3) and clips.dtype == tf.float32
        counts += np.bincount(labels, minlength=3)
    assert list(counts) == [4, 4, 4]


def test_the_same_seed_gives_the_same_clips_and_epochs_differ(folder):
    def epochs(seed):
        dataset = train_clips(folder, 8, 32, 12, seed=seed, preprocessing=HARA_2018)
        return [next(iter(dataset))[0].numpy() for _ in range(2)]

    first, second = epochs(1)
    assert np.array_equal(first, epochs(1)[0]) and np.array_equal(second, epochs(1)[1])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, epochs(2)[0])


def test_training_crops_are_parts_of_the_frames(tmp_path):
    # Red tells the row, green the column, blue the frame.
    y, x = np.mgrid[:128, :160]
    images = np.stack([np.stack([y, x, np.full_like(y, 40 + 5 * t)], -1) for t in range(40)])
    path = tmp_path / "a" / "gradient.avi"
    path.parent.mkdir()
    write_video(path, images.astype("uint8"), "ffv1")
    catalog = Catalog([str(path)] * 60, [0] * 60, ["a"])
    write_records(catalog, str(tmp_path / "records"), shards=1, quality=100)
    starts, sides, places, flips = [], [], [], 0
    for clips, _ in train_clips(
        str(tmp_path / "records"), 8, 64, 60, seed=0, preprocessing=HARA_2018
    ):
        for clip in clips.numpy() + np.float32([114.7748, 107.7354, 99.4750]):
            top, bottom = clip[:, 2, :, 0].mean(), clip[:, -3, :, 0].mean()
            left, right = clip[:, :, 2, 1].mean(), clip[:, :, -3, 1].mean()
            flips += right < left
            sides.append((bottom - top) * 64 / 59)
            places.append((round(top / 8), round(min(left, right) / 8)))
            numbers = (clip[..., 2].mean((1, 2)) - 40) / 5
            np.testing.assert_allclose(np.diff(numbers), 1, atol=0.5)
            starts.append(round(numbers[0]))
    # Sides 128 * 2 ** (-k / 4), at five places, from any frame that leaves room for eight.
    scales = np.round(np.log2(128 / np.array(sides)) * 4)
    assert set(scales) == {0, 1, 2, 3, 4}
    np.testing.assert_allclose(sides, 128 * 2 ** (-scales / 4), rtol=0.06)
    assert 15 < flips < 45 and len(set(places)) > 8
    assert min(starts) <= 3 and 28 <= max(starts) <= 32 and len(set(starts)) > 15


def test_a_model_is_evaluated_on_shards(catalog, folder, model_path):
    model = load_model(model_path)
    on_files, on_shards = (evaluate(model, source, progress=False) for source in (catalog, folder))
    assert on_shards.videos == 12 and on_shards.clips == on_files.clips
    names = ["/".join(path.split(os.sep)[-2:]) for path in catalog.paths]
    order = [names.index(path) for path in on_shards.paths]
    assert np.array_equal(on_files.labels[order], on_shards.labels)
    np.testing.assert_allclose(on_files.scores[order], on_shards.scores, atol=0.1)


def test_interrupted_it_goes_on_with_what_is_missing(catalog, folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in shards_of(folder)}
    _, second, third = shards_of(folder)
    os.remove(second)
    third.write_bytes(third.read_bytes()[:-1])
    written = []
    write = writing._write_shard

    def record(path, *arguments):
        written.append(os.path.basename(path))
        return write(path, *arguments)

    monkeypatch.setattr(writing, "_write_shard", record)
    write_records(catalog, folder, shards=3, quality=95)
    assert sorted(written) == [second.name, third.name]
    assert {path.name: path.read_bytes() for path in shards_of(folder)} == before


def test_shards_of_videos_that_changed_are_written_anew(catalog, folder):
    before = [path.read_bytes() for path in shards_of(folder)]
    manifest = json.loads(pathlib.Path(folder, "manifest.json").read_text())
    assert "sources" not in manifest["shards"][0]
    os.replace(catalog.paths[0], catalog.paths[3])  # of the same class
    write_video(catalog.paths[0], smooth_pattern(10, 144, 192, seed=99))
    with pytest.warns(UserWarning, match=r"changed since .* \(2, such as Jump/v #0;ü\.avi\)\. Sh"):
        write_records(catalog, folder, shards=3, quality=95)
    changed = [
        path.read_bytes() != content
        for path, content in zip(shards_of(folder), before, strict=True)
    ]
    held = [
        any(name in ("Jump/v #0;ü.avi", "Jump/v #3;ü.avi") for name, *_ in shard["videos"])
        for shard in manifest["shards"]
    ]
    assert changed == held
    assert len(open_records(folder)) == 12
    after = times(folder)
    write_records(catalog, folder, shards=3, quality=95)
    assert {**times(folder), "manifest.json": 0} == {**after, "manifest.json": 0}


def test_notes_of_earlier_versions_say_nothing_of_changes(catalog, folder):
    for note in pathlib.Path(folder, "notes").glob("[0-9]*.json"):
        content = json.loads(note.read_text())
        del content["sources"]
        note.write_text(json.dumps(content))
    before = times(folder)
    os.utime(catalog.paths[0])
    write_records(catalog, folder, shards=3, quality=95)
    assert {**times(folder), "manifest.json": 0} == {**before, "manifest.json": 0}


CODE = """
import sys
from keras_seattn.data import load_directory
from keras_seattn.data.records import write_records
write_records(load_directory(sys.argv[1]), sys.argv[2], shards=6, workers=1)
"""


def test_killed_while_writing_only_whole_shards_are_there(catalog, tmp_path):
    output = tmp_path / "killed"
    command = [sys.executable, "-c", CODE, str(tmp_path / "videos"), str(output)]
    process = subprocess.Popen(command)
    while not list(output.glob("*.tfrecord")) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(FileNotFoundError, match="is not a folder of finished records"):
        train_clips(str(output), preprocessing=HARA_2018)
    for path in shards_of(output):
        assert sum(1 for _ in tf.data.TFRecordDataset(str(path))) == 2
    subprocess.run(command, check=True)
    assert len(open_records(str(output))) == 12
    assert not list(output.glob(".*.partial"))


def test_a_full_disk_leaves_nothing_half_written(catalog, tmp_path):
    output = tmp_path / "full"
    limit = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    command = [sys.executable, "-c", limit + CODE, str(tmp_path / "videos"), str(output)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "could not be written" in result.stderr and "Make room on the disk" in result.stderr
    assert not [path for path in output.rglob("*") if "partial" in path.name]
    for path in shards_of(output):
        assert sum(1 for _ in tf.data.TFRecordDataset(str(path))) == 2


def test_ctrl_c_ends_it_before_the_shard_is_done(catalog, tmp_path, monkeypatch, ctrl_c):
    begun, write = [], writing._example

    def interrupted(*arguments):
        begun.append(arguments)
        if len(begun) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        return write(*arguments)

    monkeypatch.setattr(writing, "_example", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_records(catalog, tmp_path / "stopped", shards=1)
    assert len(begun) < 12
    assert sorted(path.name for path in (tmp_path / "stopped").glob("[!.]*")) == ["notes"]
    write_records(catalog, tmp_path / "stopped", shards=1)


def test_two_writers_and_other_records_are_refused(catalog, folder, tmp_path):
    with FolderLock(folder, "writing records"):
        with pytest.raises(ValueError, match="is in use for writing records by process"):
            write_records(catalog, folder, shards=3, quality=95)
    before = times(folder)
    with pytest.raises(ValueError, match=r"was begun with other short_side, shards\. To go on"):
        write_records(catalog, folder, shards=4, short_side=64, quality=95)
    assert times(folder) == before


def broken_shard(folder):
    path = shards_of(folder)[1]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("make", [train_clips, test_clips])
def test_a_damaged_shard_is_named_before_the_first_clip(folder, make):
    path = broken_shard(folder)
    with pytest.raises(VideoError, match=f"{path.name}: differs from its checksum"):
        make(folder, preprocessing=HARA_2018)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(VideoError, match=rf"{path.name}: has [\d,]+ bytes instead of"):
        make(folder, preprocessing=HARA_2018)
    os.remove(path)
    with pytest.raises(VideoError, match=f"{path.name}: is not there"):
        make(folder, preprocessing=HARA_2018)


def test_a_frame_that_breaks_later_is_named_and_its_clip_left_out(folder):
    clips = test_clips(folder, 8, 24, 4, preprocessing=HARA_2018)
    whole = sum(len(labels) for _, labels in clips)
    path = broken_shard(folder)
    with pytest.warns(UserWarning, match=rf"{path.name}: frame \d+ is not what was written"):
        left = sum(len(labels) for _, labels in clips)
    assert left < whole


@pytest.mark.parametrize("make", [train_clips, test_clips])
@pytest.mark.filterwarnings("ignore:.*No such file")
def test_a_shard_that_vanishes_later_is_named(make, folder, model_path):
    clips = make(folder, 8, 24, 4, preprocessing=HARA_2018)
    path = shards_of(folder)[1]
    os.remove(path)
    named = rf"2 of 12 videos cannot be read:\n.* in .*{path.name}: .*No such file"
    with pytest.raises(VideoError, match=named), as_raised():
        list(clips.repeat(2))
    with pytest.raises(VideoError, match=r"[234] of 12 videos cannot be read"):
        load_model(model_path).predict(clips, verbose=0)


def test_records_without_an_index_get_one_once(folder, monkeypatch, capsys):
    expected = [
        labels.numpy() for _, labels in test_clips(folder, 8, 24, 4, preprocessing=HARA_2018)
    ]
    written = [index.path_of(str(shard)) for shard in shards_of(folder)]
    contents = [pathlib.Path(path).read_bytes() for path in written]
    os.remove(written[0])
    pathlib.Path(written[1]).write_bytes(contents[1][:-20])  # half of one
    records = open_records(folder)
    assert "Indexing 2 shards, once" in capsys.readouterr().out
    assert [pathlib.Path(path).read_bytes() for path in written] == contents
    open_records(folder)
    assert capsys.readouterr().out == ""
    # Where nothing can be written beside them, they are kept in the user's cache.
    os.remove(written[0])
    monkeypatch.setattr(index, "path_of", lambda shard: f"{shard}/index.npy")
    open_records(folder)
    assert "once" in capsys.readouterr().out
    records = open_records(folder)
    assert capsys.readouterr().out == "" and not os.path.exists(written[0])
    found = [labels.numpy() for _, labels in test_clips(records, 8, 24, 4, preprocessing=HARA_2018)]
    np.testing.assert_equal(found, expected)


def test_the_index_of_another_shard_is_made_anew(folder, capsys):
    first, second, _ = (index.path_of(str(shard)) for shard in shards_of(folder))
    right = pathlib.Path(first).read_bytes()
    frames = len(np.load(first))
    other = np.concatenate([np.load(second)] * 5)[:frames]
    np.save(first, other)
    open_records(folder)
    assert "Indexing 1 shards, once" in capsys.readouterr().out
    assert pathlib.Path(first).read_bytes() == right


def test_a_damaged_shard_is_left_out_if_few_are_in_it(folder, monkeypatch):
    path = broken_shard(folder)
    with pytest.raises(VideoError, match="1 of 3 shards, with 4 videos, are damaged"):
        open_records(folder, unreadable="skip")
    monkeypatch.setattr(unreadable, "MAXIMUM_SHARE", 0.4)
    with pytest.warns(UserWarning, match=f"(?s){path.name}.*\nThey are left out"):
        records = open_records(folder, unreadable="skip")
    assert len(records) == 8
    dataset = test_clips(records, 8, 24, 4, preprocessing=HARA_2018)
    seen = {int(video): int(label) for inputs, labels in dataset
            for video, label in zip(inputs["video"], labels, strict=True)}  # fmt: skip
    assert seen == dict(enumerate(records.labels))


def test_checksums_are_compared_once(folder, monkeypatch):
    open_records(folder)
    monkeypatch.setattr(manifests, "checksum", lambda path: pytest.fail("read again"))
    open_records(folder)


def test_a_pattern_takes_some_of_the_shards(folder):
    assert len(open_records(os.path.join(folder, "shard-0000[01]-*"))) == 8
    with pytest.raises(FileNotFoundError, match=r"No shard of .* matches shard-9"):
        open_records(os.path.join(folder, "shard-9*"))


@pytest.mark.parametrize(
    "content, message",
    [("{", "cannot be read"), ("{}", "cannot be read"), ('{"version": 99}', "is of version 99")],
)
def test_bad_manifests_are_named(folder, content, message):
    pathlib.Path(folder, "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        open_records(folder)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"shards": -1}, "`shards` must be"),
        ({"short_side": 0}, "`short_side` must be"),
        ({"quality": 101}, "`quality` must be at most 100"),
        ({"workers": -2}, "`workers` must be"),
        ({"unreadable": "maybe"}, "`unreadable` must be one of"),
    ],
)
def test_bad_arguments_are_named(catalog, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write_records(catalog, str(tmp_path / "none"), **options)
    assert not (tmp_path / "none").exists()


def test_long_videos_are_written_in_parts(catalog, tmp_path, monkeypatch):
    write_records(catalog, str(tmp_path / "whole"), shards=2)
    monkeypatch.setattr(writing, "_FRAMES_AT_ONCE", 4)
    write_records(catalog, str(tmp_path / "parts"), shards=2)
    for a, b in zip(shards_of(tmp_path / "whole"), shards_of(tmp_path / "parts"), strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_records_of_damaged_and_cut_videos_hold_what_can_be_decoded(tmp_path):
    damaged = write_damaged(tmp_path / "damaged.avi", smooth_pattern(20, 48, 64, 0), [9, 12])
    cut = OTHERS["cut"](tmp_path)
    with pytest.warns(UserWarning, match=r"damaged\.avi: some of its frames are damaged"):
        write_records(
            Catalog([damaged, cut], [0, 1], ["a", "b"]), str(tmp_path / "records"), shards=1
        )
    records = open_records(str(tmp_path / "records"))
    frames = dict(zip(records.paths, records.frames, strict=True))
    assert {name.split("/")[-1]: n for name, n in frames.items()} == {
        "damaged.avi": 18,
        "cut.mp4": 31,
    }


def test_the_command(tiny_ucf101, tmp_path, run_command, eagerly):
    video_dir, splits_dir = tiny_ucf101
    flags = ("--splits-dir", splits_dir, "--shards", "2", "--output", tmp_path / "out")
    code, text, _ = run_command("records", "--data-dir", video_dir, *flags)
    assert code is None
    assert text.splitlines()[-1] == f"test: {tmp_path / 'out' / 'test' / 'manifest.json'}"
    assert len(open_records(str(tmp_path / "out" / "train"))) == 6

    # Other commands take them as a data set.
    code, output, _ = run_command(
        "train",
        *("--dataset", "records", "--data-dir", tmp_path / "out", "--output", tmp_path / "run"),
        *("--size", "16", "--frames", "8", "--width", "0.05", "--epochs", "1", "--batch-size", "4"),
        *("--sa-stages", "--se-stages"),
    )
    assert code is None and "records: 6 training and 6 test videos of 2 classes" in output
    assert (tmp_path / "run" / "report.html").stat().st_size > 0

    text, *_ = run_command("records", "--data-dir", "nowhere", *flags)
    assert text.startswith("error: `video_dir` is not a folder: nowhere")
