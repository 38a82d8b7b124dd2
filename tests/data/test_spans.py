"""Spans of long files: each is, to the pixel, what a file cut there would be."""

import dataclasses
import math

import numpy as np
import pytest
from tiny_network import TinyNetwork
from video_files import RATE, moving_pattern, write_damaged, write_video

from keras_seattn.data import Catalog, VideoError, test_clips, train_clips, unreadable
from keras_seattn.data.decoding import read_frames, scan_video
from keras_seattn.data.records import open_records, write_records
from keras_seattn.data.records.manifest import read_manifest
from keras_seattn.data.sampling import View
from keras_seattn.data.tfio import loading
from keras_seattn.data.tfio.decoding import GraphReader
from keras_seattn.evaluation import evaluate, write_report
from keras_seattn.preprocessing import HARA_2018, Sampling

# From which frame and up to which the spans go, at keyframes and between them; in the order of
# their names, which that of the clips of training depends on.
CUTS = [(0, 12), (5, 60), (12, 31), (31, 50), (50, 60)]
LOSSLESS = {"codec": "libx264rgb", "options": {"qp": "0", "bf": "2"}, "pixels": "rgb24"}
FORM = {"frames": 8, "size": 32, "preprocessing": HARA_2018}


@pytest.fixture
def catalogs(tmp_path):
    """The same videos as spans of one file, and as files of their own."""
    images = moving_pattern(60)
    path = write_video(tmp_path / "long.mkv", images, **LOSSLESS)
    cut = [
        write_video(tmp_path / f"{number}.mkv", images[first:end], **LOSSLESS)
        for number, (first, end) in enumerate(CUTS)
    ]
    spans = [(first / RATE, end / RATE) for first, end in CUTS]
    labels, names = [0, 1, 0, 1, 1], ["a", "b"]
    return Catalog([path] * len(CUTS), labels, names, spans=spans), Catalog(cut, labels, names)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(frame_rate=10),
        Sampling(frame_stride=3),
        Sampling(frames="spread"),
    ],
    ids=str,
)
def test_clips_are_those_of_files_cut_there(sampling, catalogs):
    form = {**FORM, "preprocessing": HARA_2018._replace(sampling=sampling)}
    tested = [list(test_clips(catalog, **form).as_numpy_iterator()) for catalog in catalogs]
    trained = []
    for catalog in catalogs:
        clips = train_clips(catalog, batch_size=5, seed=1, **form)
        trained += [[batch for _ in range(2) for batch in clips.as_numpy_iterator()]]
    for ours, theirs in zip(*tested, strict=True):
        for name in ("clip", "video"):
            np.testing.assert_array_equal(ours[0][name], theirs[0][name])
        np.testing.assert_array_equal(ours[1], theirs[1])
    for ours, theirs in zip(*trained, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert len(trained[0]) == 2 and len(tested[0]) == 1


def test_frames_of_variable_rate_are_those_shown_in_the_span(tmp_path):
    images = moving_pattern(6)
    path = write_video(tmp_path / "a.mkv", images, times=[0, 5, 10, 11, 12, 30], **LOSSLESS)
    video = scan_video(path).part(0.2, 0.5)  # in units of 1/25 s from 5 on, before 12.5
    np.testing.assert_array_equal(read_frames(video, range(video.frames)), images[1:5])
    np.testing.assert_allclose(video.times, np.array([0, 5, 6, 7]) / 25, atol=1e-3)
    assert video.rate == pytest.approx(3 / 0.28, abs=0.1)


def test_the_file_is_scanned_once(catalogs, monkeypatch):
    scanned = []
    monkeypatch.setattr(
        unreadable, "scan_video", lambda path: scanned.append(path) or scan_video(path)
    )
    videos = unreadable.scan_catalog(catalogs[0])
    assert scanned == catalogs[0].paths[:1]
    assert [(video.first, video.frames) for video in videos] == [(a, b - a) for a, b in CUTS]


def test_tensorflow_io_which_decodes_whole_files_leaves_spans_to_pyav(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "load_video_decoder", lambda: None)
    path = write_video(tmp_path / "a.avi", moving_pattern(30))
    spans = [None, (0, 0.8), (0.4, 1.2)]
    videos = unreadable.scan_catalog(Catalog([path] * 3, [0] * 3, ["a"], spans=spans))
    with pytest.warns(
        UserWarning, match="^2 of 3 videos are decoded by PyAV: tensorflow-io decode"
    ):
        GraphReader(videos, None, View(32))


def test_records_hold_the_frames_of_spans(catalogs, tmp_path):
    for name, catalog in zip(("spans", "files"), catalogs, strict=True):
        write_records(catalog, tmp_path / name, shards=1)
    ours, theirs = open_records(tmp_path / "spans"), open_records(tmp_path / "files")
    assert ours.paths == catalogs[0].names and len(set(ours.paths)) == 5
    np.testing.assert_array_equal(ours.frames, theirs.frames)
    np.testing.assert_array_equal(ours.indexes[0]["crc"], theirs.indexes[0]["crc"])


def test_records_keep_groups(catalogs, tmp_path):
    spans, files = catalogs
    write_records(spans, tmp_path / "spans")
    group = f"{tmp_path.name}/long"
    assert open_records(tmp_path / "spans").groups == [group] * 5
    listed = Catalog(files.paths, files.labels, files.class_names, groups=["x", "x", "y", "y", "z"])
    write_records(listed, tmp_path / "listed")
    assert open_records(tmp_path / "listed").groups == ["x", "x", "y", "y", "z"]
    write_records(files, tmp_path / "files")
    written = [
        video for shard in read_manifest(tmp_path / "files")["shards"] for video in shard["videos"]
    ]
    assert len(written) == 5 and {group for *_, group in written} == {None}


def test_videos_of_one_name_keep_their_own_groups_in_records(tmp_path):
    paths = []
    for folder in ("one", "two"):
        (tmp_path / folder / "x").mkdir(parents=True)
        paths.append(write_video(tmp_path / folder / "x" / "1.mp4", moving_pattern(9)))
    listed = Catalog(paths, [0, 1], ["a", "b"], groups=["p1", "p2"])
    write_records(listed, tmp_path / "records")
    records = open_records(tmp_path / "records")
    assert records.paths == ["x/1.mp4"] * 2
    assert dict(zip(records.labels.tolist(), records.groups, strict=True)) == {0: "p1", 1: "p2"}


@pytest.mark.usefixtures("eagerly")
def test_results_and_reports_tell_spans_apart(catalogs, tmp_path):
    model = TinyNetwork()
    model.class_names = ["a", "b"]
    results = [evaluate(model, catalog, progress=False) for catalog in catalogs]
    np.testing.assert_array_equal(results[0].scores, results[1].scores)
    assert results[0].clip_counts.tolist() == [2, 7, 3, 3, 2]
    assert results[0].spans == catalogs[0].spans and results[1].spans is None
    for name, result in zip(("spans", "files"), results, strict=True):
        write_report(result, tmp_path / name)
    pictures = [path.name for path in (tmp_path / "spans").glob("confused_*.png")]
    assert pictures
    for name in pictures:
        ours, theirs = (tmp_path / folder / name for folder in ("spans", "files"))
        assert ours.read_bytes() == theirs.read_bytes()


def test_damage_is_of_the_span_that_it_lies_in(tmp_path):
    path = write_damaged(tmp_path / "a.avi", moving_pattern(60), [45])
    spans = [(0, 0.8), (0.8, 1.6), (1.6, 2.4)]
    catalog = Catalog([path] * 3, [0, 1, 1], ["a", "b"], spans=spans)
    damage = unreadable.DamageLog(catalog)
    with pytest.warns(UserWarning, match=r"a\.avi 1\.6-2\.4 s: some of its frames are damaged"):
        clips = list(test_clips(catalog, damage=damage, **FORM))
    videos = np.concatenate([inputs["video"] for inputs, _ in clips]).tolist()
    assert videos == [0, 0, 0, 1, 1, 1, 2, 2] and damage.clips == 1


def test_frames_of_parts_are_numbered_from_their_first(catalogs):
    images = moving_pattern(60)
    video = scan_video(catalogs[0].paths[0]).part(0.48, 1.24)
    np.testing.assert_array_equal(read_frames(video, [0, 18, 3]), images[[12, 30, 15]])
    with pytest.raises(IndexError, match="must be from 0 to 18"):
        read_frames(video, [19])


@pytest.mark.parametrize(
    "start, end, first, frames",
    [
        (0, 0.04, 0, 1),
        (0.04, 0.08, 1, 1),
        (0.0401, 0.0801, 1, 1),  # rounded up
        (0.0399, 0.0799, 1, 1),  # rounded down
        (0.05, 0.09, 2, 1),
        (2.36, float("inf"), 59, 1),
        (0, 99, 0, 60),
    ],
)
def test_a_part_has_the_frames_shown_from_its_start_and_before_its_end(start, end, first, frames):
    video = dataclasses.replace(WHOLE, rate=25.0).part(start, end)
    assert (video.first, video.frames) == (first, frames)


WHOLE = unreadable.Video("a.mp4", 60, 48, 64, 1.0, 25.0, True, True, ())


def test_spans_that_hold_no_frames(catalogs, tmp_path):
    for rate, span, message in (
        (25.0, (2.4, 3), r"a\.mp4: of 2\.4 to 3 seconds there is no frame.*after 2\.40 seconds"),
        (25.0, (0.05, 0.07), r"a\.mp4: of 0\.05 to 0\.07 seconds there is no frame"),
        (0.0, (0, 1), r"a\.mp4: of 0 to 1 seconds: nobody knows how many frames a second"),
    ):
        with pytest.raises(VideoError, match=message):
            dataclasses.replace(WHOLE, rate=rate).part(*span)
    path = catalogs[0].paths[0]
    spans = [(0, 1), (7, 9), (1, 60), (8, 9)]
    catalog = Catalog([path] * 4, [0] * 4, ["a"], spans=spans)
    with (
        pytest.raises(
            VideoError, match=r"2 of 4 videos cannot be read:\n.*7 to 9.*\n.*8 to 9"
        ) as e,
        pytest.warns(
            UserWarning, match=r"1 of 4 spans end more than 1 second behind.*1-60 s\. What"
        ),
    ):
        unreadable.scan_catalog(catalog)
    assert "Correct the span" in str(e.value)


def test_spans_to_the_end_of_a_file_are_called_so():
    catalog = Catalog(["a/b.mp4"] * 2, [0, 0], ["a"], spans=[(0.2, math.inf), (0, 0.2)])
    assert catalog.names == ["a/b.mp4 0.2- s", "a/b.mp4 0-0.2 s"]
