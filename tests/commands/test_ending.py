"""How commands end that are stopped, or whose reader has gone."""

import os
import signal
import subprocess
import sys

import pytest

from keras_seattn.commands import doctor, main

# A command that is as slow as a test wants it to be.
SLOW = """
import os, sys, time
sys.argv = ["keras-seattn"]  # which loads no Keras by itself
from keras_seattn.commands import doctor, main
def run(options):
    print("begun", flush=True)
    {}
doctor.run = run
sys.exit(main(["doctor"]))
"""


def start(body, **streams):
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **streams}
    return subprocess.Popen([sys.executable, "-c", SLOW.format(body)], **streams)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_one_line(number, ctrl_c):
    with start("time.sleep(60)") as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        assert process.communicate() == ("", "\nStopped.\n")
    assert process.returncode == 128 + number


def test_what_a_stop_says_is_told(monkeypatch, capsys):
    class Stopped(KeyboardInterrupt):
        status = 143

    def run(_):
        raise Stopped("Stopped at epoch 3. The same command goes on.")

    monkeypatch.setattr(doctor, "run", run)
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    assert ended.value.code == 143
    assert capsys.readouterr().err == "\nStopped at epoch 3. The same command goes on.\n"
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_reader_that_has_gone_is_a_quiet_end(size):
    with start(f"sys.stdin.read(); print('x' * {size})", stdin=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_to_a_full_disk_is_one_line():
    with open("/dev/full", "w") as full, start("print(1)", stdout=full) as process:
        error = process.stderr.read()
    assert error == "error: the output could not be written: No space left on device\n"
    assert process.returncode == 1


def test_no_streams_at_all():
    closed = "import os\nos.close(1); os.close(2)\nimport sys\nsys.stdout = sys.stderr = None\n"
    code = closed + SLOW.format('sys.stdout.write("text"); sys.stderr.write("text")')
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_other_faults_keep_their_traceback(monkeypatch):
    def run(_):
        raise BrokenPipeError(32, "of a pipe to another program")

    monkeypatch.setattr(doctor, "run", run)
    with pytest.raises(BrokenPipeError, match="another program"):
        main(["doctor"])
