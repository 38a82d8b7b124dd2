"""The search as a user runs it, in processes: killed, resumed, and shared by workers."""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_seattn.commands import flags, parser_of, search
from keras_seattn.evaluation import load_model

TESTS = pathlib.Path(__file__).parents[1]
PATH = os.pathsep.join(map(str, (TESTS.parent, TESTS / "eager_processes")))
TINY = (
    *("--size", "16", "--frames", "8", "--width", "0.05", "--epochs", "1", "--batch-size", "4"),
    *("--channel-reductions", "1", "3", "--sequence-reductions", "1", "4", "--sa-stages", "none"),
    *("--mixed-precision", "float32", "--output", "out"),
)
LONGER = (
    *("--epochs", "6", "--batch-size", "2", "--save-every", "0.01"),
    *("--channel-reductions", "1", "--sequence-reductions", "1"),
)
BEGUN = re.compile(r"^Trial (\d+): r = \d+, d = \d+$", re.MULTILINE)
TRAINED = re.compile(r"^Epoch 1 of 1.* val_top1", re.MULTILINE)


def start(*options, cwd, log, **environment):
    with open(log, "a", encoding="utf-8") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "keras_seattn", "search", *options],
            cwd=cwd,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": PATH, **environment},
        )


def wait_for(pattern, log, seconds=120):
    """Waits until a log holds a pattern, and returns the log."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = pathlib.Path(log).read_text() if os.path.exists(log) else ""
        if re.search(pattern, text, re.MULTILINE):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{pattern} did not appear in:\n{text}")


@pytest.fixture
def data(tiny_ucf101):
    video_dir, splits_dir = tiny_ucf101
    return ("--data-dir", video_dir, "--splits-dir", splits_dir, *TINY)


def test_killed_in_the_third_trial_it_goes_on(data, tmp_path, run_command):
    log = tmp_path / "log"
    process = start(*data, cwd=tmp_path, log=log)
    wait_for(r"^Trial \w*2: r = ", log)
    process.kill()
    process.wait()
    kept = {path: path.stat().st_mtime for path in tmp_path.glob("out/executions/*/*.json")}
    assert len(kept) == 2

    again = tmp_path / "again"
    assert start(*data, cwd=tmp_path, log=again).wait(timeout=240) == 0, again.read_text()
    text = again.read_text()
    # Four networks: the third again, and the fourth; the first two as they were.
    assert len(TRAINED.findall(text)) == 2
    assert all(path.stat().st_mtime == before for path, before in kept.items())
    assert len(list(tmp_path.glob("out/executions/*/1.json"))) == 4
    assert re.search(r"^ *trial +r +d +val_top1 ", text, re.MULTILINE)
    for name in ("search.html", "trials.csv", "heat_map.png", "trade_off.png", "model.keras"):
        assert (tmp_path / "out" / name).stat().st_size > 0
    best = re.search(r"^Train it fully: keras-seattn train (.*)$", text, re.MULTILINE)
    assert "--channel-reduction" in best[1] and "--sa-stages --learning" not in best[1]

    video = next(tmp_path.glob("UCF-101/Walk/*.avi"))
    code, text, _ = run_command("predict", video, "--model", tmp_path / "out/model.keras", "--json")
    assert code == 0
    (prediction,) = json.loads(text)
    assert {"Jump", "Walk"} == {entry["class_name"] for entry in prediction["top"]}


def test_stopped_in_a_trial_it_goes_on_from_there(data, tmp_path):
    def search(name, *options):
        log = tmp_path / name
        return start(*data, *LONGER, *options, cwd=tmp_path, log=log), log

    unbroken, _ = search("unbroken.log", "--output", "unbroken")
    killed, log = search("killed.log")
    wait_for(r"^Epoch 2 of 6", log)
    killed.kill()
    killed.wait()

    stopped, log = search("stopped.log", "--workers", "1")
    worker = tmp_path / "out" / "worker-1.log"
    wait_for(r"^Epoch 4 of 6", worker)
    stopped.terminate()
    assert stopped.wait(timeout=60) == 143
    assert log.read_text().endswith("Stopped. The same command goes on.\n")
    assert re.search(r"^Stopped at epoch \d, step \d+\. ", worker.read_text(), re.MULTILINE)
    assert not re.search(r"^Epoch 1 of 6", worker.read_text(), re.MULTILINE)

    last, log = search("last.log")
    assert last.wait(timeout=120) == 0, log.read_text()
    assert not re.search(r"^Epoch [123] of 6", log.read_text(), re.MULTILINE)
    assert unbroken.wait(timeout=120) == 0
    results = [next(tmp_path.glob(f"{name}/executions/*/1.json")) for name in ("out", "unbroken")]
    histories = [json.loads(path.read_text())["history"] for path in results]
    assert len(histories[0]["loss"]) == 6 and histories[0] == histories[1]
    weights = [load_model(str(path.with_suffix(".keras"))).get_weights() for path in results]
    assert all(np.array_equal(*pair) for pair in zip(*weights, strict=True))
    assert not list(tmp_path.glob("*/executions/*/*.npz"))


def test_a_chief_and_two_workers_run_each_trial_once(data, tmp_path):
    log = tmp_path / "chief"
    assert start(*data, "--workers", "2", cwd=tmp_path, log=log).wait(timeout=300) == 0, (
        log.read_text()
    )
    logs = [(tmp_path / "out" / f"worker-{i}.log").read_text() for i in (1, 2)]
    begun = [BEGUN.findall(text) for text in logs]
    assert sorted(begun[0] + begun[1]) == sorted({*begun[0], *begun[1]})
    assert len(begun[0] + begun[1]) == 4 and begun[0] and begun[1]
    assert sum(len(TRAINED.findall(text)) for text in logs) == 4
    assert not TRAINED.search(log.read_text())
    assert re.search(r"^ *trial +r +d +val_top1 ", log.read_text(), re.MULTILINE)
    assert len((tmp_path / "out" / "trials.csv").read_text().splitlines()) == 5


def test_a_worker_that_dies_does_not_end_the_search(data, tmp_path):
    from keras_seattn.tuning.workers import worker_environment

    port = 20000 + os.getpid() % 20000
    processes = {
        name: start(
            *data, "--worker-timeout", "6", cwd=tmp_path, log=tmp_path / name,
            **worker_environment(name, port, index=0, workers=2, gpus=[], cores=2),
        )
        for name in ("chief", "worker-1", "worker-2")
    }  # fmt: skip
    try:
        begun = wait_for(r"^Trial \d+: r = .*\n", tmp_path / "worker-1")
        number = BEGUN.findall(begun)[0]
        processes["worker-1"].send_signal(signal.SIGKILL)
        assert processes["chief"].wait(timeout=300) == 0, (tmp_path / "chief").read_text()
        assert processes["worker-2"].wait(timeout=60) == 0
    finally:
        for process in processes.values():
            process.kill()
    assert "Nothing heard of worker-1" in (tmp_path / "chief").read_text()
    others = BEGUN.findall((tmp_path / "worker-2").read_text())
    assert number in others and len(others) == len(set(others)) >= 3
    assert len(list(tmp_path.glob("out/executions/*/1.json"))) == 4


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_what_started_them(how, data, tmp_path):
    log = tmp_path / "chief"
    process = start(*data, "--workers", "1", cwd=tmp_path, log=log)
    wait_for(r"^Trial \d+: r = ", tmp_path / "out" / "worker-1.log")
    process.send_signal(how)
    process.wait(timeout=60)
    end = time.monotonic() + 60
    while running(tmp_path) and time.monotonic() < end:
        time.sleep(0.2)
    assert not running(tmp_path)


def running(folder):
    """The processes that work in a folder."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cwd"):
        try:
            if os.readlink(path) == str(folder):
                found.append(path)
        except OSError:
            pass
    return found


@pytest.mark.parametrize(
    "options, message",
    [
        (["--demo", "--channel-reductions", "0"], "must be a whole number of 1 or more, not '0'"),
        (
            ["--demo", "--sequence-reductions", "-2"],
            "--sequence-reductions: must be a whole number of 1",
        ),
        (["--demo", "--tuner", "annealing"], "argument --tuner: invalid choice: 'annealing'"),
        (["--demo", "--objective", "val_f1"], "argument --objective: invalid choice: 'val_f1'"),
        (["--demo", "--sa-stages", "3,5"], "stages must be like 1,2,3,4 or 3,4 or none"),
        (["--demo", "--max-trials", "0"], "--max-trials: must be a whole number of 1 or more"),
        (["--data-dir", "none"], "needs --splits-dir"),
    ],
)
def test_bad_input_is_one_clear_line(options, message, tmp_path, monkeypatch, run_command):
    monkeypatch.chdir(tmp_path)
    code, _, text = run_command("search", *options)
    assert code == 2
    assert message in text.splitlines()[-1]
    assert not any(tmp_path.iterdir())


def test_sets_of_stages_and_the_old_names_of_flags():
    parse = parser_of("search").parse_args
    options = parse(["--se-stages", "3", "4", "--se-stages", "--sa-stages", "1,2", "none", "4"])
    assert options.se_stages == [(3, 4), ()] and options.sa_stages == [(1, 2), (), (4,)]
    for name in ("--channel-reduction", "--channel-reductions"):
        assert parse([name, "2", "4"]).channel_reductions == [2, 4]
    assert "--channel-reductions" not in parser_of("search").format_help()


def test_the_command_that_trains_fully():
    options = parser_of("search").parse_args(["--demo", "--width", "0.5"])
    network, run = flags.settings(options, demo_epochs=6)
    chosen = {"channel_reduction": 4, "sa_stages": (), "learning_rate": 0.01}
    words = search._full_training(network, run, chosen).split()
    assert words[:3] == ["keras-seattn", "train", "--demo"]
    trained = flags.settings(parser_of("train").parse_args(words[2:]))
    assert trained == (
        dataclasses.replace(network, channel_reduction=4, sa_stages=()),
        dataclasses.replace(run, learning_rate=0.01, epochs=10),
    )
