import json
import os
import signal
import subprocess
import sys
import time

import pytest

from keras_seattn import folder_lock
from keras_seattn.errors import InputError, StorageError
from keras_seattn.folder_lock import FolderLock
from keras_seattn.processes import Process, this_process

HOLD = """
import sys, time
from keras_seattn.folder_lock import FolderLock
with FolderLock(sys.argv[1], "training"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder, seconds=60):
    command = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_second_is_refused_by_name(tmp_path, ctrl_c):
    with holder(tmp_path) as first:
        assert first.stdout.readline() == "held\n"
        expected = f"{tmp_path} is in use for training by process {first.pid} on "
        with pytest.raises(InputError, match=expected), FolderLock(tmp_path, "training"):
            pass
        first.send_signal(signal.SIGINT)
    assert not (tmp_path / "lock.json").exists()  # released on errors too
    with FolderLock(tmp_path, "training"):
        assert (tmp_path / "lock.json").exists()
    assert not (tmp_path / "lock.json").exists()


def test_a_killed_holder_is_succeeded_at_once_by_one(tmp_path):
    with holder(tmp_path) as first:
        first.stdout.readline()
        first.kill()
    assert (tmp_path / "lock.json").exists()
    several = [holder(tmp_path, 600) for _ in range(4)]
    while sum(process.poll() is None for process in several) > 1:
        time.sleep(0.05)
    codes = [process.poll() for process in several]
    assert sorted(codes, key=str) == [1, 1, 1, None]
    several[codes.index(None)].kill()
    outputs = [process.communicate() for process in several]
    assert sum(output == "held\n" for output, _ in outputs) == 1
    assert sum("is in use for training" in error for _, error in outputs) == 3


@pytest.mark.parametrize("content", [
    {"host": "elsewhere", "number": 7, "started": "0123.45", "purpose": "training"},
    None,  # of one that is being made
])  # fmt: skip
def test_a_holder_elsewhere_lives_by_its_heartbeat(tmp_path, content):
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps(content) if content else "")
    with pytest.raises(InputError, match="is in use"), FolderLock(tmp_path, "training"):
        pass
    past = time.time() - folder_lock.SILENCE - 1
    os.utime(lock, (past, past))
    with FolderLock(tmp_path, "training"):
        assert json.loads(lock.read_text())["host"] == this_process().host


def test_the_heart_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "HEARTBEAT", 0.01)
    lock = tmp_path / "lock.json"
    with FolderLock(tmp_path, "training"):
        os.utime(lock, (0, 0))
        deadline = time.monotonic() + 20
        while lock.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lock.stat().st_mtime > 0


def test_a_lock_that_was_taken_over_is_left_alone(tmp_path):
    with FolderLock(tmp_path, "training"):
        (tmp_path / "lock.json").write_text('{"started": "another"}')
    assert (tmp_path / "lock.json").exists()


def test_a_folder_that_takes_no_lock(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        with FolderLock(tmp_path / "file", "training"):
            pass


def test_a_process_is_told_from_others_of_its_number():
    me = this_process()
    assert me.is_running() is True
    assert me._replace(started=f"{me.started}1").is_running() is False
    assert Process("elsewhere", me.number, "0123.45").is_running() is None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        machine = me.started.partition(".")[0]
        started = open(f"/proc/{other.pid}/stat").read().rpartition(")")[2].split()[19]
        process = Process(me.host, other.pid, f"{machine}.{started}")
        assert process.is_running() is True
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert process.is_running() is False  # ended, though nobody asked how
