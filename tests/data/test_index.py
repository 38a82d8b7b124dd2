"""What is known of videos is kept, and thrown away when the file changes."""

import os
import pathlib
import time

import numpy as np
import pytest
from video_files import moving_pattern, write_video

from keras_seattn.data import Catalog, VideoError, index, opening, scanning, unreadable
from keras_seattn.data.index import Index
from keras_seattn.data.scanning import scan_video
from keras_seattn.data.unreadable import scan_catalog
from keras_seattn.data.video import Keyframe, Video


@pytest.fixture
def catalog(tmp_path):
    """Three videos, and a file that is none, under names of all kinds."""
    names = ["a b.avi", "ümlaut#;[1].avi", "c.mp4"]
    paths = [write_video(tmp_path / name, moving_pattern(20 + i)) for i, name in enumerate(names)]
    (tmp_path / "none.avi").write_bytes(b"no video")
    return Catalog([*paths, str(tmp_path / "none.avi")], [0, 0, 0, 0], ["any"])


@pytest.fixture
def opened(monkeypatch):
    """The paths that were opened, in any process that a test stands for."""
    paths = []

    def scan(path):
        paths.append(path)
        return scan_video(path)

    monkeypatch.setattr(unreadable, "scan_video", scan)
    return paths


def start_anew():
    unreadable._open_index.cache_clear()
    scanning._scan.cache_clear()


def test_a_second_start_opens_nothing_and_knows_the_same(catalog, opened):
    readable = Catalog(catalog.paths[:3], [0] * 3, ["any"])
    first = scan_catalog(readable)
    assert sorted(opened) == sorted(readable.paths)
    start_anew()
    assert scan_catalog(readable) == first
    assert len(opened) == 3
    assert [video.frames for video in first] == [20, 21, 22]
    assert {(video.height, video.width, video.rate) for video in first} == {(48, 64, 25.0)}


def test_unreadable_files_are_remembered_with_what_is_wrong(catalog, opened):
    messages = []
    for _ in range(2):
        with pytest.raises(VideoError) as error:
            scan_catalog(catalog)
        messages.append(str(error.value))
        start_anew()
    assert messages[0] == messages[1] and "none.avi: FFmpeg cannot read it" in messages[0]
    assert len(opened) == 4


def test_a_file_that_changed_is_opened_again(catalog, opened):
    readable = Catalog(catalog.paths[:3], [0] * 3, ["any"])
    scan_catalog(readable)
    start_anew()
    path = pathlib.Path(readable.paths[0])
    write_video(path, moving_pattern(30))
    # Another one of the same size: its time tells.
    other = os.stat(readable.paths[1])
    os.utime(readable.paths[1], ns=(other.st_atime_ns, other.st_mtime_ns + 1))
    videos = scan_catalog(readable)
    assert sorted(opened[3:]) == sorted(readable.paths[:2])
    assert videos[0].frames == 30


def test_what_may_pass_is_not_remembered(catalog, opened, monkeypatch):
    readable = Catalog(catalog.paths[:1], [0], ["any"])
    monkeypatch.setattr(opening, "MAX_PIXELS", 48 * 64 - 1)
    with pytest.raises(VideoError, match=r"set keras_seattn\.data\.opening\.MAX_PIXELS higher"):
        scan_catalog(readable)
    start_anew()
    monkeypatch.setattr(opening, "MAX_PIXELS", 48 * 64)
    assert scan_catalog(readable)[0].frames == 20


def test_a_damaged_index_counts_as_none(catalog, opened):
    readable = Catalog(catalog.paths[:3], [0] * 3, ["any"])
    first = scan_catalog(readable)
    file = pathlib.Path(unreadable._index_path(readable.paths))
    whole = file.read_bytes()
    for content in (b"", b"nothing", whole[: len(whole) // 2], whole[:-30]):
        start_anew()
        file.write_bytes(content)
        assert scan_catalog(readable) == first
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_an_older_reader_found_is_not_trusted(catalog, opened, monkeypatch):
    readable = Catalog(catalog.paths[:3], [0] * 3, ["any"])
    monkeypatch.setattr(index, "READER", 1)
    scan_catalog(readable)
    start_anew()
    scan_catalog(readable)
    assert len(opened) == 3
    monkeypatch.undo()
    start_anew()
    monkeypatch.setattr(unreadable, "scan_video", lambda path: opened.append(path))
    scan_catalog(readable)
    assert len(opened) == 6


def test_without_a_place_for_it_a_warning_says_so(catalog, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_SEATTN_CACHE", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="Set KERAS_SEATTN_CACHE to a folder that can be written"):
        videos = scan_catalog(Catalog(catalog.paths[:1], [0], ["any"]))
    assert videos[0].frames == 20


def test_seventy_thousand_entries(tmp_path):
    # Not a timed test: it says by its size what the index must hold, and that nothing is mixed up.
    status = os.stat(write_video(tmp_path / "a.avi", moving_pattern(8)))
    kept = Index(str(tmp_path / "index.npz"))
    entries = 70_000  # more than 16 bits count
    for i in range(entries):
        path = f"/videos/some class/{i:011d}_000000_000010.mp4"
        keyframes = tuple(
            Keyframe(12 * k, 512 * k, None if k == 0 else 512 * k - i) for k in range(i % 4 + 1)
        )
        found = Video(path, 250 + i % 50, 256, 340, 1.0, 25.0, True, i % 9 > 0, keyframes)
        if i % 1000 == 7:
            found = VideoError(f"{path}: is broken")
        kept.put(path, status, found)
    kept.save()
    start = time.perf_counter()
    again = Index(kept.path)
    print(f"{entries} entries opened in {time.perf_counter() - start:.2f} s")
    assert len(again) == entries
    for i in np.random.default_rng(0).integers(entries, size=1000):
        path = f"/videos/some class/{i:011d}_000000_000010.mp4"
        assert repr(again.get(path, status)) == repr(kept.get(path, status)) != "None"
