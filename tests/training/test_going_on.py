"""A training that is stopped goes on, and comes to what one comes to that never was."""

import importlib.util
import json
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from tiny_network import TinyNetwork
from video_files import moving_pattern, write_video

from keras_seattn.data import Catalog, load_ucf101
from keras_seattn.errors import StorageError
from keras_seattn.folder_lock import FolderLock
from keras_seattn.stopping import Stopped
from keras_seattn.training import VideoValidation, fit, paper_recipe, quick_recipe, train
from keras_seattn.training.differences import differences
from keras_seattn.training.state import TrainingState

pytestmark = pytest.mark.usefixtures("eagerly")

TESTS = pathlib.Path(__file__).parents[1]
SETTINGS = {"epochs": 3, "batch_size": 4, "seed": 0, "save_every": 0.01}
# All that a run says of itself, but for when it was gone on with.
TOLD = ("history.csv", "steps.csv", "metrics.json", "per_class.csv", "videos.csv")


@pytest.fixture
def catalogs(tiny_ucf101):
    return [load_ucf101(*tiny_ucf101, subset=subset) for subset in ("train", "test")]


def a_model():
    keras.utils.set_random_seed(0)
    return TinyNetwork(se_stages=(), sa_stages=())


def run(catalogs, output, recipe=None, **changes):
    """Trains a model; returns it and the result."""
    model = a_model()
    recipe = recipe or paper_recipe(8, 4)
    return model, train(model, recipe, *catalogs, output, **{**SETTINGS, **changes})


def assert_same(output, expected):
    for name in TOLD:
        assert (output / name).read_text() == (expected / name).read_text(), name
    models = [keras.models.load_model(path / "model.keras") for path in (output, expected)]
    for ours, theirs in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_killed_at_any_moment_it_comes_to_the_same(catalogs, tiny_ucf101, tmp_path):
    output, expected = tmp_path / "run", tmp_path / "unbroken"
    command = [sys.executable, TESTS / "training_program.py", *tiny_ucf101]
    path = os.pathsep.join(map(str, (TESTS / "eager_processes", TESTS, TESTS.parent)))
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run([*command, expected], env=environment, check=True, capture_output=True)
    moments, ends = random.Random(0), []
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        starts = output / "resumptions.csv"
        before = starts.stat().st_size if starts.exists() else 0
        with subprocess.Popen(
            [*command, output], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            while process.poll() is None and not (
                starts.exists() and starts.stat().st_size > before
            ):
                time.sleep(0.05)
            time.sleep(moments.uniform(0.2, 1.5))
            process.send_signal(number)  # nothing, where it was finished before
            printed = process.communicate(timeout=60)[0].decode()
        if number == signal.SIGTERM and process.returncode:
            assert process.returncode == 143, printed
            assert "Stopped at epoch" in printed and "Traceback" not in printed
        ends.append(process.returncode)
    assert -signal.SIGKILL in ends and {*ends} <= {-signal.SIGKILL, 143, 0}
    subprocess.run([*command, output], env=environment, check=True, capture_output=True)
    assert_same(output, expected)
    assert not (output / "UNFINISHED.txt").exists()


def test_stopped_while_it_validates(catalogs, tmp_path, monkeypatch, capsys):
    run(catalogs, tmp_path / "unbroken")
    validate = VideoValidation.on_epoch_end

    def stopped(self, epoch, logs):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.2)  # until the thread that listens has heard of it
        validate(self, epoch, logs)

    monkeypatch.setattr(VideoValidation, "on_epoch_end", stopped)
    with pytest.raises(Stopped, match=r"^Stopped at epoch 2, step 3\. The same command") as raised:
        run(catalogs, tmp_path / "run")
    assert raised.value.status == 143
    note = (tmp_path / "run" / "UNFINISHED.txt").read_text()
    assert note.startswith("This run is not finished: 1 of 3 epochs are trained.\nTo go on: ")
    monkeypatch.undo()
    capsys.readouterr()
    run(catalogs, tmp_path / "run")
    assert capsys.readouterr().out.startswith("Going on at epoch 2, step 3, saved ")
    assert_same(tmp_path / "run", tmp_path / "unbroken")
    starts = (tmp_path / "run" / "resumptions.csv").read_text().splitlines()
    assert [line.split(",")[2] for line in starts] == ["step", "0", "3"]
    assert "Resumed once:" in (tmp_path / "run" / "report.html").read_text()
    assert "Resumed" not in (tmp_path / "unbroken" / "report.html").read_text()


def test_a_finished_run_is_not_trained_again_but_may_go_on_for_more_epochs(
    catalogs, tmp_path, capsys
):
    run(catalogs, tmp_path / "unbroken")
    model, result = run(catalogs, tmp_path / "run", epochs=2)
    capsys.readouterr()
    again, kept = run(catalogs, tmp_path / "run", epochs=2)
    assert capsys.readouterr().out == f"This run is finished: {tmp_path / 'run' / 'report.html'}\n"
    np.testing.assert_array_equal(kept.scores, result.scores)
    assert (kept.paths, kept.loss, str(kept)) == (result.paths, result.loss, str(result))
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    run(catalogs, tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "unbroken")
    with pytest.raises(ValueError, match=r"come to the end of epoch 3, step 5 already\. Give more"):
        run(catalogs, tmp_path / "run", epochs=1)


def test_another_training_is_refused_with_what_differs(catalogs, tmp_path):
    run(catalogs, tmp_path / "run", epochs=1)
    with pytest.raises(ValueError, match="is of another training") as raised:
        run(catalogs[::-1], tmp_path / "run", paper_recipe(8, 4, 0.5), batch_size=2, epochs=1)
    lines = str(raised.value).splitlines()[1:]
    assert "batch_size: 4 then, 2 now" in lines
    assert any(line.startswith("optimizer.learning_rate: 0.00031249") for line in lines)
    assert [line.split(":")[0] for line in lines] == [
        "batch_size", "optimizer.learning_rate", "training videos", "test videos",
    ]  # fmt: skip
    assert differences({"a": {"b": 1, "name": "x"}}, {"a": {"name": "y"}, "c": 2}) == [
        "a.b: 1 then, None now",
        "c: None then, 2 now",
    ]


def test_classes_in_another_order_are_another_training(catalogs, tmp_path):
    run(catalogs, tmp_path / "run", epochs=1)
    turned = [Catalog(each.paths, 1 - each.labels, each.class_names[::-1]) for each in catalogs]
    with pytest.raises(ValueError, match=r"classes: Jump, Walk then, Walk, Jump now"):
        run(turned, tmp_path / "run", epochs=2)


def test_other_videos_under_the_same_names_are_refused(catalogs, tmp_path):
    run(catalogs, tmp_path / "run", epochs=1)
    write_video(catalogs[0].paths[0], moving_pattern(31))
    with pytest.raises(ValueError, match="is of a training on other videos"):
        run(catalogs, tmp_path / "run", epochs=2)


def test_a_run_that_ended_with_a_validation_knows_that_it_is_finished(catalogs, tmp_path, capsys):
    def stop(self, epoch, logs):
        raise Stopped(143)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(VideoValidation, "on_epoch_end", stop)
        run(catalogs, tmp_path / "run", epochs=1)
    for said in ("Going on at epoch 1, step 2", "This run is finished"):
        capsys.readouterr()
        run(catalogs, tmp_path / "run", epochs=1)
        assert capsys.readouterr().out.startswith(said)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half", b"no archive at all"])
def test_a_damaged_state_is_named(content, tmp_path):
    (tmp_path / "state.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.npz is damaged, or not the state of a training"):
        TrainingState(tmp_path / "state.npz", {})


def test_a_folder_is_trained_in_once_at_a_time(catalogs, tmp_path):
    with (
        FolderLock(tmp_path / "run", "training"),
        pytest.raises(ValueError, match=f"in use for training by process {os.getpid()} on "),
    ):
        run(catalogs, tmp_path / "run")


def test_a_full_disk_leaves_the_state_before(catalogs, tmp_path):
    run(catalogs, tmp_path / "unbroken")
    run(catalogs, tmp_path / "run", epochs=1)
    state = tmp_path / "run" / "state.npz"
    before = state.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"state\.npz could not be written: File too large"):
            run(catalogs, tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert state.read_bytes() == before
    run(catalogs, tmp_path / "run")
    assert_same(tmp_path / "run", tmp_path / "unbroken")


class _EndedError(Exception):
    pass


class _EndAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise _EndedError


def test_what_callbacks_know_is_kept(catalogs, tmp_path):
    """Early stopping, its best weights and the plateau, with a seed drawn once."""

    def fitted(path, *callbacks):
        recipe = quick_recipe(20, learning_rate=0.5)  # soon past its best
        early = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
        model = a_model()
        history = fit(
            model, recipe._replace(callbacks=[early]), *catalogs, epochs=9, batch_size=4, seed=3,
            callbacks=callbacks, verbose=0, state_file=path,
        )  # fmt: skip
        return history.history, model.get_weights()

    history, weights = fitted(tmp_path / "unbroken.npz")
    assert 3 <= len(history["loss"]) < 9
    last = len(history["loss"]) - 1
    for epoch in (1, last):
        with pytest.raises(_EndedError):
            fitted(tmp_path / "state.npz", _EndAt(epoch))
    for _ in range(2):  # the second time it is over
        again, same = fitted(tmp_path / "state.npz")
        assert again == history
        for ours, theirs in zip(same, weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_drawn_seed_is_kept(tmp_path, catalogs):
    state = TrainingState(tmp_path / "state.npz", {})
    fit(a_model(), paper_recipe(8, 4), *catalogs, epochs=1, batch_size=4, verbose=0,
        state_file=tmp_path / "fit.npz")  # fmt: skip
    with np.load(tmp_path / "fit.npz") as file:
        content = json.loads(bytes(file["content"]))
    assert isinstance(content["seed"], int) and content["description"]["seed"] is None
    assert state.seed != TrainingState(tmp_path / "state.npz", {}).seed


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_on_other_backends(backend, tiny_ucf101, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    result = subprocess.run(
        [sys.executable, TESTS / "training_program.py", *tiny_ucf101, tmp_path, "--going-on"],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS.parent))),
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        },
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
