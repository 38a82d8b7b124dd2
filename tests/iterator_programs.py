"""Programs that end while an iterator of clips is alive."""

import subprocess
import sys

PROGRAM = """
import sys
from keras_seattn import data
from keras_seattn.data.streams import stream_frames
kind, video, records, end = sys.argv[1:]
catalog = data.Catalog([video] * 200, [0] * 200, ["any"])
options = {"frames": 16, "size": 40, "batch_size": 8}
kept = {
    "training": lambda: data.train_clips(catalog, **options),
    "training by tfio": lambda: data.train_clips(catalog, **options, decoder="tfio"),
    "derived": lambda: data.train_clips(catalog, **options).repeat().prefetch(4),
    "testing": lambda: data.test_clips(catalog, **options),
    "records": lambda: data.train_clips(records, **options),
    "stream": lambda: stream_frames("lavfi:testsrc=size=64x48:rate=25"),
}[kind]()
kept = iter(kept)
next(kept)
print("the last line", flush=True)
if end == "raise":
    raise RuntimeError("of the program's own")
if end == "failure in the data set":
    import os
    os.remove(video)
    for clip in kept:
        pass
sys.exit(int(end))
"""


def run(arguments):
    """The exit codes of such programs, all at once."""
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, each)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    try:
        codes = []
        for program in programs:
            output, _ = program.communicate(timeout=120)
            assert output.splitlines()[-1] == "the last line"
            codes.append(program.returncode)
        return codes
    finally:
        for program in programs:
            program.kill()
