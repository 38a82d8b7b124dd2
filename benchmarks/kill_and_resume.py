"""A training that is stopped again and again, against one that never was: are both the same?

    python benchmarks/kill_and_resume.py
    python benchmarks/kill_and_resume.py --signal TERM --source records --epochs 3

The demo is trained in one go, and once more while it is stopped at random moments: before its first
step, while it trains or validates, while it saves its state. After each stop what it had kept is
compared with the unbroken run, and it is started again with the same command. In the end both must
be equal to the last bit: losses and clips of all steps, epochs, weights and metrics. A run that
began anew each time would be so too: therefore the steps trained in all are counted.
"""

import argparse
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np
from side_by_side import markdown

# Trains with the words of a command, and adds a byte to a file for each step.
PROGRAM = """
import os, sys
from keras_seattn.commands import main
from keras_seattn.training.state import TrainingState
counted = os.open(sys.argv[1], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
add_step = TrainingState.add_step
def add_and_count(*arguments):
    os.write(counted, b".")
    add_step(*arguments)
TrainingState.add_step = add_and_count
sys.exit(main(sys.argv[2:]))
"""
WHEN = ("later", "while saving", "later", "while saving", "at its start")
SAME = (
    "history.csv", "steps.csv", "metrics.json", "per_class.csv",
    "state.npz", "model.keras", "best.keras",
)  # fmt: skip


def start(words, folder, log):
    """A process that trains in a folder, and the file that counts its steps."""
    count = folder.with_suffix(".count")
    command = [sys.executable, "-c", PROGRAM, count, "train", *words, "--output", folder]
    return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log), count


def size(path):
    return path.stat().st_size if path.exists() else 0


def lines(path):
    """The whole lines of a file."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


def is_saving(folder):
    """Whether a state is being written."""
    return any(folder.glob(".*.partial/state.npz"))


def wait(process, count, folder, seconds, when):
    """Waits for a random moment of the training, or for its end."""
    before = size(count)
    while when != "at its start" and process.poll() is None and size(count) == before:
        time.sleep(0.01)
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    while when == "while saving" and process.poll() is None and not is_saving(folder):
        time.sleep(0.0002)


def content(path):
    """What a file of a run holds, but for times in it."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return {name: file[name].tobytes() for name in file.files if name != "content"}
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            return archive.read("model.weights.h5")
    return path.read_bytes()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--signal", choices=["KILL", "TERM", "INT"], default="KILL")
    parser.add_argument("--source", choices=["files", "records"], default="files")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--save-every", type=float, default=2, help="seconds (2)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    options = parser.parse_args()
    chance, number = random.Random(options.seed), getattr(signal, f"SIG{options.signal}")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        words = ["--demo"]
        if options.source == "records":
            records = [sys.executable, "-m", "keras_seattn", "records", "--demo"]
            subprocess.run([*records, "--output", work / "records"], check=True)
            # The demo's settings, for records.
            words = ["--dataset", "records", "--data-dir", work / "records", "--size", 40]
            words += ["--width", 0.25, "--batch-size", 16]
        words += ["--epochs", options.epochs, "--save-every", options.save_every]
        unbroken, stopped = work / "unbroken", work / "stopped"
        with open(work / "log", "w") as log:
            process, count = start(words, unbroken, log)
            began = time.monotonic()
            if process.wait():
                sys.exit((work / "log").read_text())
            longest = (time.monotonic() - began) / options.kills
            steps, rows, equal = size(count), [], 0
            while len(rows) < options.kills:
                process, count = start(words, stopped, log)
                before, when = size(count), WHEN[len(rows) % len(WHEN)]
                wait(process, count, stopped, chance.uniform(0, longest), when)
                if process.poll() is not None:
                    break  # It is over before it was stopped so often.
                process.send_signal(number)
                told = time.monotonic()
                status = process.wait()
                took = time.monotonic() - told
                kept = lines(stopped / "steps.csv")
                as_unbroken = kept == lines(unbroken / "steps.csv")[: len(kept)]
                equal += as_unbroken
                rows.append(
                    [
                        str(len(rows) + 1),
                        when,
                        str(size(count) - before),
                        str(max(0, len(kept) - 1)),
                        "yes" if as_unbroken else "NO",
                        f"{status}, after {took:.1f} s",
                    ]
                )
                print(rows[-1], flush=True)
            process, count = start(words, stopped, log)
            process.wait()
        heads = ["stop", "when", "steps of this start", "steps kept", "equal so far", "ended with"]
        print(markdown(heads, rows))
        same = [
            f"{name} {'equal' if content(unbroken / name) == content(stopped / name) else 'OTHER'}"
            for name in SAME
        ]
        again = size(count) - steps
        print(
            f"\nSIG{options.signal}, {options.source}, {os.cpu_count()} cores: after {equal} of "
            f"{len(rows)} stops all that was kept was equal.\nAt the end: {', '.join(same)}.\n"
            f"Steps trained: {steps} in one go, {steps + again} with {len(rows)} stops, "
            f"{again / max(1, len(rows)):.1f} more for each, at a state every "
            f"{options.save_every:g} s."
        )
        if equal < len(rows) or any(text.endswith("OTHER") for text in same):
            sys.exit("They are not the same.")


if __name__ == "__main__":
    main()
