"""tensorflow-io: its decoder and its file systems; what is said where it cannot be used."""

import functools
import http.server
import importlib.util
import io
import os
import pathlib
import re
import socket
import stat
import subprocess
import sys
import threading
import time
import types

import numpy as np
import pytest
import tensorflow as tf
from iterator_programs import run
from video_files import decode_all, moving_pattern, write_video
from video_kinds import OTHERS

from keras_seattn.data import (
    Catalog,
    VideoError,
    load_directory,
    load_ucf101,
    sources,
    storage,
    test_clips,
    train_clips,
)
from keras_seattn.data.records import open_records, write_records
from keras_seattn.data.tfio import ffmpeg4, loading
from keras_seattn.preprocessing import HARA_2018, TORCHVISION

HAS_TFIO = tf.__version__.startswith("2.16.") and importlib.util.find_spec("tensorflow_io")
needs_tfio = pytest.mark.skipif(not HAS_TFIO, reason="needs tensorflow-io")


@pytest.fixture
def decoder():
    """tensorflow-io's decoder, where FFmpeg 4 is there too."""
    try:
        return loading.load_video_decoder()
    except ImportError as error:
        if os.environ.get("KERAS_SEATTN_TEST_TFIO"):  # As where CI has fetched FFmpeg 4.
            raise
        pytest.skip(str(error))


@pytest.fixture
def without_pyav(decoder, monkeypatch):
    """Makes it an error to read clips with PyAV; the function that it is turns it on."""

    def refuse(video, *_, **__):
        raise AssertionError(f"PyAV was asked for {video.path}")

    def turn_on():
        monkeypatch.setattr(sources, "read_clips", refuse)

    return turn_on


def collect(dataset):
    batches = list(dataset.as_numpy_iterator())
    inputs = [clips["clip"] if isinstance(clips, dict) else clips for clips, _ in batches]
    return np.concatenate(inputs), np.concatenate([labels for _, labels in batches])


def videos(folder, width=64, count=6):
    paths = [
        write_video(
            folder / f"{width}-{i}.{suffix}",
            moving_pattern(20 + i, 48, width, seed=i),
            codec=codec,
        )
        for i, (codec, suffix) in zip(
            range(count), [("mpeg4", "avi"), ("libx264", "mp4")] * count, strict=False
        )
    ]
    return Catalog(paths, [i % 2 for i in range(count)], ["even", "odd"])


@needs_tfio
@pytest.mark.parametrize(
    "codec, suffix, pixels, levels",
    [
        ("mpeg4", "avi", "yuv420p", 2),
        ("libx264", "mp4", "yuv420p", 2),
        ("libx264", "mp4", "yuv444p", 2),
        ("libx264", "mp4", "gray", 2),
        # FFmpeg 4 and PyAV's later FFmpeg round 10 bits to 8 in their own ways.
        ("ffv1", "mkv", "yuv420p10le", 6),
    ],
)
def test_frames_are_those_of_pyav(decoder, codec, suffix, pixels, levels, tmp_path):
    images = moving_pattern(30, 50, 80)
    path = write_video(tmp_path / f"video.{suffix}", images, codec, pixels=pixels)
    frames = decoder(tf.io.read_file(path), 0).numpy()
    expected = decode_all(path)
    assert frames.shape == expected.shape
    assert np.abs(frames.astype(int) - expected).max() <= levels


@needs_tfio
def test_clips_are_those_of_pyav(without_pyav, monkeypatch, tmp_path):
    catalog = videos(tmp_path)
    for make in (
        functools.partial(train_clips, catalog, frames=8, size=32, batch_size=4, seed=5),
        functools.partial(test_clips, catalog, frames=8, size=32, batch_size=4),
        # At this size whole frames are not scaled, so the pixels must agree as those of frames.
        functools.partial(test_clips, catalog, frames=8, size=48),
    ):
        expected = make()
        dataset = make(decoder="tfio")
        assert dataset.cardinality() == expected.cardinality()
        epochs = [collect(expected) for _ in range(2)]
        without_pyav()
        for others, other_labels in epochs:
            clips, labels = collect(dataset)
            np.testing.assert_array_equal(labels, other_labels)
            # FFmpeg scales colours apart from brightness; this pattern is full of small ones.
            assert np.abs(clips - others).mean() < 8
            # No other frames of these videos, nor another crop, are as near.
            distance = np.abs(clips[:, None] - others[None]).mean((2, 3, 4, 5))
            np.testing.assert_array_equal(distance.argmin(1), np.arange(len(clips)))
        monkeypatch.undo()
    assert np.abs(clips - others).max() <= 2


@needs_tfio
def test_without_a_filter_every_pixel_is_that_of_pyav(without_pyav, monkeypatch, tmp_path):
    catalog = videos(tmp_path)
    options = {"frames": 8, "size": 32, "batch_size": 6, "preprocessing": TORCHVISION}
    for make in (
        functools.partial(train_clips, catalog, seed=5, **options),
        functools.partial(test_clips, catalog, **options),
    ):
        expected, labels = collect(make())
        dataset = make(decoder="tfio")
        without_pyav()
        clips, found = collect(dataset)
        np.testing.assert_array_equal(found, labels)
        levels = np.abs(clips - expected) * np.float32(TORCHVISION.deviation)
        assert levels.max() < 3.1  # 2 of a decoded frame, and what is rounded
        monkeypatch.undo()


@needs_tfio
@pytest.mark.parametrize("tag", ["colormatrix=bt709", "fullrange=on"])
def test_other_colours_are_left_to_pyav(decoder, tag, tmp_path):
    """tensorflow-io takes all colours for those of BT.601 in limited range."""
    path = write_video(
        tmp_path / "video.mp4",
        moving_pattern(16),
        codec="libx264",
        options={"x264-params": tag},
    )
    catalog = Catalog([path], [0], ["any"])
    with pytest.warns(UserWarning, match="1 of 1 videos are decoded by PyAV"):
        clips, _ = collect(
            test_clips(catalog, frames=8, size=48, decoder="tfio", preprocessing=HARA_2018)
        )
    np.testing.assert_array_equal(
        clips, collect(test_clips(catalog, frames=8, size=48, preprocessing=HARA_2018))[0]
    )


@needs_tfio
def test_what_its_decoder_cannot_read_is_read_by_pyav(decoder, tmp_path):
    """At widths such as 72 tensorflow-io writes past its buffer, at 70 it leaves pixels out."""
    both = [videos(tmp_path, width, 3) for width in (72, 70, 64)]
    catalog = Catalog([path for c in both for path in c.paths], [0] * 9, ["any"])
    with pytest.warns(UserWarning, match="6 of 9 videos are decoded by PyAV"):
        clips, _ = collect(
            test_clips(catalog, frames=8, size=48, decoder="tfio", preprocessing=HARA_2018)
        )
    expected, _ = collect(test_clips(catalog, frames=8, size=48, preprocessing=HARA_2018))
    assert np.abs(clips - expected).max() <= 2


@needs_tfio
def test_a_video_damaged_later_is_named_and_replaced(decoder, tmp_path):
    damaged, *others = videos(tmp_path).paths
    catalog = Catalog([*others * 40, damaged], [0] * 201, ["any"])
    dataset = train_clips(
        catalog, frames=8, size=32, seed=0, decoder="tfio", preprocessing=HARA_2018
    )
    pathlib.Path(damaged).write_bytes(b"not a video any more" * 100)
    with pytest.warns(UserWarning, match=re.escape(damaged)):
        clips, _ = collect(dataset)
    assert clips.shape == (7 * 32, 8, 32, 32, 3)  # batches are full


@needs_tfio
def test_hidden_frames_do_not_count(without_pyav, tmp_path):
    paths = []
    for kind in ("cut", "cut without B-frames"):
        (tmp_path / kind).mkdir()
        paths.append(OTHERS[kind](tmp_path / kind))
    catalog = Catalog(paths, [0, 0], ["any"])
    expected, _ = collect(test_clips(catalog, frames=8, size=48, preprocessing=HARA_2018))
    without_pyav()
    clips, _ = collect(
        test_clips(catalog, frames=8, size=48, decoder="tfio", preprocessing=HARA_2018)
    )
    assert len(clips) == 2 * 4
    assert np.abs(clips - expected).max() <= 2


@needs_tfio
def test_a_program_that_keeps_an_iterator_ends(decoder, tmp_path):
    path = write_video(tmp_path / "video.avi", moving_pattern(100, 120, 160), gop=600)
    assert run([("training by tfio", path, "none", 3)]) == [3]


class RangeServer(http.server.SimpleHTTPRequestHandler):
    """Python's file server, with the byte ranges that real servers know."""

    def log_message(self, *_):
        pass

    def send_head(self):
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        path = self.translate_path(self.path)
        if not asked or not os.path.isfile(path):
            return super().send_head()
        first, last = map(int, asked.groups())
        size = os.path.getsize(path)
        if first >= size:
            self.send_error(416)
            return None
        last = min(last, size - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        with open(path, "rb") as file:
            file.seek(first)
            self.wfile.write(file.read(last - first + 1))
        return None


@pytest.fixture
def address(tmp_path):
    """The address of a server that serves `tmp_path`."""
    handler = functools.partial(RangeServer, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@needs_tfio
def test_records_are_read_over_http(address, tmp_path):
    write_records(videos(tmp_path), str(tmp_path / "records"), shards=2, short_side=32)
    local, remote = str(tmp_path / "records"), f"{address}/records"
    assert open_records(remote).paths == open_records(local).paths
    for make in (functools.partial(train_clips, seed=1), test_clips):
        expected = make(local, frames=8, size=24)
        np.testing.assert_array_equal(
            collect(make(remote, frames=8, size=24))[0], collect(expected)[0]
        )
    with pytest.raises(FileNotFoundError, match="no manifest"):
        open_records(f"{address}/nowhere")


@needs_tfio
@pytest.mark.parametrize("kind", ["pyav", "tfio"])
def test_a_catalog_and_its_videos_are_read_over_http(kind, address, tiny_ucf101, request):
    if kind == "tfio":
        request.getfixturevalue("decoder")
    local = load_ucf101(*tiny_ucf101)
    folders = [f"{address}/{pathlib.Path(folder).name}" for folder in tiny_ucf101]
    remote = load_ucf101(*folders)
    assert remote.paths[0].startswith(address)
    for make in (functools.partial(train_clips, seed=1), test_clips):
        clips, labels = collect(make(remote, frames=8, size=48, decoder=kind))
        expected, expected_labels = collect(make(local, frames=8, size=48))
        np.testing.assert_array_equal(labels, expected_labels)
        assert np.abs(clips - expected).mean() < (1e-6 if kind == "pyav" else 8)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_ucf101(folders[0], f"{address}/nowhere")
    with pytest.raises(OSError, match="cannot be listed"):
        load_directory(folders[0])


S3_CLIENT = """
import sys, numpy as np
from keras_seattn.data import load_directory, find_videos, test_clips
from keras_seattn.data import pipeline, storage
from keras_seattn.data.records import open_records
from keras_seattn.data.streams import stream_frames
local, remote = sys.argv[1:]
a, b = load_directory(local + "/videos"), load_directory(remote + "/videos")
assert b.class_names == ["even", "odd"] and len(b) == len(a)
assert [p.replace(remote, local) for p in find_videos(remote + "/videos")] == a.paths
def clips(source):
    return np.concatenate([x["clip"] for x, _ in test_clips(source, frames=8, size=32)])
np.testing.assert_array_equal(clips(b), clips(a))
records = remote + "/records"
assert open_records(records + "/shard-00000*").files == [records + "/shard-00000-of-00002.tfrecord"]
np.testing.assert_array_equal(clips(records), clips(local + "/records"))
def frames(path):
    return np.stack([timed.frame.to_ndarray(format="rgb24") for timed in stream_frames(path)])
np.testing.assert_array_equal(frames(b.paths[0]), frames(a.paths[0]))
print("all equal", flush=True)
"""


@needs_tfio
def test_an_object_store_serves_folders_videos_and_records(tmp_path):
    pytest.importorskip("moto")
    boto3 = pytest.importorskip("boto3")
    for i, path in enumerate(videos(tmp_path).paths):
        folder = tmp_path / "data" / "videos" / ("even", "odd")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        os.rename(path, folder / pathlib.Path(path).name)
    root = tmp_path / "data"
    write_records(
        load_directory(str(root / "videos")), str(root / "records"), shards=2, short_side=32
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1",
        "S3_ENDPOINT": f"http://127.0.0.1:{port}",
        "S3_USE_HTTPS": "0",
        "S3_VERIFY_SSL": "0",
    }
    try:
        store = boto3.client(
            "s3",
            endpoint_url=environment["S3_ENDPOINT"],
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        for _ in range(60):
            try:
                store.create_bucket(Bucket="bucket")
                break
            except Exception:  # It is still starting.
                time.sleep(0.5)
        for path in root.glob("**/*.*"):
            store.upload_file(str(path), "bucket", str(path.relative_to(root)))
        # In a process of its own: tensorflow-io 0.37.1 aborts when one that used S3 ends
        # (github.com/tensorflow/io/issues/2039), after all else is done.
        client = subprocess.run(
            [sys.executable, "-c", S3_CLIENT, str(root), "s3://bucket"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        server.kill()
        server.wait()
    assert "all equal" in client.stdout, client.stderr


@pytest.mark.skipif(bool(HAS_TFIO), reason="tensorflow-io can be used here")
def test_one_sentence_says_what_is_missing(tmp_path):
    catalog = videos(tmp_path, count=1)
    for needing in (
        lambda: train_clips(catalog, decoder="tfio", preprocessing=HARA_2018),
        lambda: test_clips(catalog, decoder="tfio", preprocessing=HARA_2018),
        lambda: open_records("s3://bucket/records"),
        lambda: load_ucf101("http://127.0.0.1:9/UCF-101", "http://127.0.0.1:9/lists"),
        lambda: train_clips(
            Catalog(["az://account/video.mp4"], [0], ["any"]), preprocessing=HARA_2018
        ),
    ):
        with pytest.raises(ImportError, match=r"tensorflow-io 0\.37\.1.*keras-seattn\[tfio\]"):
            needing()


def test_a_missing_ffmpeg_4_is_said(monkeypatch):
    monkeypatch.setattr(loading, "load", lambda purpose: None)

    class Missing(types.ModuleType):
        """Fails as tensorflow-io's module does when it finds no FFmpeg."""

        def __getattr__(self, name):
            raise NotImplementedError("could not find ffmpeg")

    for name in ("tensorflow_io", "tensorflow_io.python", "tensorflow_io.python.ops"):
        monkeypatch.setitem(sys.modules, name, Missing(name))
    with pytest.raises(ImportError, match=r"libavformat\.so\.58.*tfio\.ffmpeg4"):
        loading.load_video_decoder()


def test_an_unknown_decoder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`decoder` must be"):
        train_clips(videos(tmp_path, count=1), decoder="opencv", preprocessing=HARA_2018)


def test_a_folder_with_other_files_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RuntimeError, match="holds other files"):
        ffmpeg4.fetch(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_records_are_written_to_local_disks_only(tmp_path):
    with pytest.raises(ValueError, match="`output_dir` must be a folder on a local disk"):
        write_records(videos(tmp_path, count=1), "s3://bucket/records")


def test_a_server_that_does_not_answer_is_not_remembered_as_damage(tmp_path, monkeypatch):
    path = videos(tmp_path, count=1).paths[0]
    content, answers = pathlib.Path(path).read_bytes(), iter([False, True, True, True])

    class Remote(io.BytesIO):
        def read(self, *size):
            if not self.answers:
                raise tf.errors.UnavailableError(None, None, "connection reset")
            return super().read(*size)

    def open_file(path):
        file = Remote(content)
        file.answers = next(answers)
        return file

    monkeypatch.setattr(
        storage, "status", lambda path: storage.Status(len(content), 0, stat.S_IFREG)
    )
    monkeypatch.setattr(storage, "open_file", open_file)
    catalog = Catalog(["s3://bucket/video.avi"], [0], ["any"])
    with pytest.raises(VideoError, match=r"s3://bucket/video\.avi.*connection reset"):
        test_clips(catalog, frames=8, size=48, preprocessing=HARA_2018)
    clips, _ = collect(test_clips(catalog, frames=8, size=48, preprocessing=HARA_2018))
    assert clips.shape == (3, 8, 48, 48, 3)


def test_without_apt_the_script_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="install FFmpeg 4"):
        ffmpeg4.fetch(tmp_path / "ffmpeg4")
