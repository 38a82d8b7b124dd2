"""`keras-seattn predict` as a user calls it."""

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys

import av
import numpy as np
import pytest
from video_files import moving_pattern, write_video

from keras_seattn import prediction
from keras_seattn.applications import SEAResNet18_3D
from keras_seattn.commands import main
from keras_seattn.preprocessing import HARA_2018

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    model = SEAResNet18_3D(input_shape=(8, 24, 24, 3), classes=4, width=0.1)
    model.class_names = ["Jump", "Walk", "Run", "Sit"]
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture
def videos(tmp_path):
    folder = tmp_path / "videos"
    (folder / "more").mkdir(parents=True)
    write_video(folder / "b.mp4", moving_pattern(20), codec="libx264")
    write_video(folder / "more" / "a [1].avi", moving_pattern(9, seed=1))
    return folder


def test_a_folder_as_text(model_path, videos, run_command):
    code, output, _ = run_command("predict", videos, "--model", model_path)
    lines = output.splitlines()
    assert code == 0
    assert lines[0] == str(videos / "b.mp4")
    assert lines[5] == str(videos / "more" / "a [1].avi")
    scores = [float(line.split("%")[0]) for line in lines[1:5]]
    assert scores == sorted(scores, reverse=True) and sum(scores) == pytest.approx(100, abs=0.3)


def test_json_names_what_cannot_be_read_and_goes_on(model_path, videos, run_command):
    broken = videos / "broken.mp4"
    broken.write_bytes(b"no video")
    code, output, errors = run_command(
        "predict", broken, videos / "b.mp4", "--model", model_path, "--top", 2, "--json"
    )
    assert code == 1
    assert f"error: {broken}: FFmpeg cannot read it" in errors
    good, bad = json.loads(output)
    assert good["path"] == str(videos / "b.mp4")
    assert len(good["top"]) == 2 and len(good["clips"]) == 3
    assert all(len(clip["top"]) == 2 for clip in good["clips"])
    assert bad["path"] == str(broken) and "FFmpeg" in bad["error"]


def test_an_annotated_video(model_path, videos, tmp_path, run_command):
    target = tmp_path / "annotated.mp4"
    code, output, _ = run_command(
        "predict", videos / "b.mp4", "--model", model_path, "--output", target
    )
    assert code == 0 and output.splitlines()[-1] == f"Wrote {target}"
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 20
    assert frames[-1].time == pytest.approx(19 / 25, abs=1e-3)
    picture = frames[10].to_ndarray(format="gray")
    assert picture.shape == (240, 320)
    assert picture[-100:, :100].max() > 240  # white letters, which the pattern does not have


def watch(model_path, *signals, until="0.6"):
    """Watches an endless stream and sends signals when clip `until` is scored."""
    source = "lavfi:testsrc=size=64x48:rate=25,realtime"
    command = [sys.executable, "-m", "keras_seattn", "predict", source, "--model", str(model_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            for line in process.stderr:
                if line.strip().startswith(until):
                    for number in signals:
                        process.send_signal(number)
                    break
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, output.splitlines(), errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stream_ends_with_a_summary_when_it_is_told_to(number, model_path):
    code, output, errors = watch(model_path, number)
    assert code == 0, errors
    assert output[0].startswith("lavfi:testsrc") and len(output) == 5


PROGRAM = """
import os, signal, sys, threading, time
from keras_seattn.stopping import StopRequest
before = signal.getsignal(signal.SIGINT)
with StopRequest() as stop:
    os.kill(os.getpid(), signal.SIGTERM)
    while not stop.made:
        time.sleep(0.01)
assert signal.getsignal(signal.SIGINT) is before
with StopRequest() as stop:
    assert not stop.made
    print("ready", flush=True)
    lock = threading.Lock()
    lock.acquire()
    while True:
        try:
            # As a camera that sends nothing: the main thread runs no Python.
            sys.stdin.buffer.raw.read(1)
        except InterruptedError:
            pass
"""


def test_a_second_request_ends_at_once_what_does_not_look_at_the_first():
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 128 + signal.SIGINT


class Fake:
    """A model that scores nothing, and notes how much memory the process has."""

    name, class_names = "fake", ("a", "b")
    input_shape, output_shape = (None, 1, 8, 8, 3), (None, 2)
    preprocessing = HARA_2018

    def __init__(self):
        self.clips, self.held = 0, {}

    def predict_on_batch(self, clips):
        self.clips += 1
        if self.clips in (1_000, 40_000):
            gc.collect()
            with open("/proc/self/statm") as file:
                self.held[self.clips] = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return np.full((len(clips), 2), 0.5, "float32")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_an_endless_stream_takes_no_more_memory(monkeypatch, run_command):
    fake = Fake()
    monkeypatch.setattr(prediction, "load_model", lambda path: fake)
    monkeypatch.setattr(sys, "stderr", open(os.devnull, "w"))
    code, output, _ = run_command(
        "predict", "lavfi:color=size=16x16:rate=25,trim=end_frame=40000", "--model", "x", "--json"
    )
    assert code == 0 and fake.clips == 40_000
    # Were they kept, they would take some 400 bytes each.
    assert fake.held[40_000] - fake.held[1_000] < 2**22
    (found,) = json.loads(output)
    assert found["clips"] == [] and found["top"][0]["score"] == 0.5


def test_names_of_all_kinds(model_path, videos, tmp_path, monkeypatch):
    """In a terminal of whatever encoding, and the paths in JSON are those of the files."""
    names = ["12:30.mp4", "v4l2:0.mp4", "ö.mp4", os.fsdecode(b"\xff\xe9.mp4")]
    for name in names:
        shutil.copy(videos / "b.mp4", tmp_path / name)
    monkeypatch.chdir(tmp_path)

    def printed(*flags):
        terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            assert main(["predict", *names, "--model", model_path, *flags]) == 0
        terminal.flush()
        return terminal.buffer.getvalue()

    assert printed().decode("ascii").splitlines()[::5] == [
        *names[:2],
        r"\xf6.mp4",
        r"\udcff\udce9.mp4",
    ]
    found = json.loads(printed("--json").decode("utf-8"))
    assert [prediction["path"] for prediction in found] == names


def test_an_annotated_video_of_an_odd_name_and_shape(
    model_path, tmp_path, run_command, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 255, (3, 1, 4096, 3)).astype("uint8")
    write_video("line.mkv", images, "ffv1", pixels="yuv444p")
    code, output, _ = run_command(
        "predict", "line.mkv", "--model", model_path, "--output", "12:31.mp4"
    )
    assert code == 0 and output.splitlines()[-1] == "Wrote 12:31.mp4"
    with av.open(str(tmp_path / "12:31.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(240, 4096)] * 3
    assert max(frame.max() for frame in frames) > 200


def test_object_stores_are_read_as_data_sets_are_or_a_sentence_says_why_not(
    model_path, run_command
):
    text, *_ = run_command("predict", "s3://bucket/video.mp4", "--model", model_path)
    assert text.startswith("error: Reading s3://bucket/video.mp4 needs tensorflow-io 0.37.1")
    assert "\n" not in text


@pytest.mark.parametrize(
    "options, message",
    [
        (["{videos}", "--model", "none.keras"], "error: The model does not exist: none.keras"),
        (["{videos}", "--model", "{model}", "--output", "x.mp4"], "error: --output takes one"),
        (["{videos}/b.mp4", "--model", "{model}", "--output", "x.avi"], "written as .mp4"),
        (["{videos}/empty", "--model", "{model}"], "error: `root` holds no video files"),
        (["{videos}/b.mp4", "--model", "{model}", "--top", "0"], "error: `top` must be"),
    ],
)
def test_bad_input_is_one_clear_line(options, message, model_path, videos, run_command):
    (videos / "empty").mkdir()
    options = [option.format(videos=videos, model=model_path) for option in options]
    text, *_ = run_command("predict", *options)
    assert message in text and "\n" not in text
