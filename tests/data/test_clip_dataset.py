"""Programs that keep an iterator of clips end, with their own exit code."""

import subprocess
import sys

import pytest
from video_files import moving_pattern, write_video

from keras_seattn.data import Catalog
from keras_seattn.data.records import write_records

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


@pytest.fixture
def files(tmp_path):
    """Writes a video, and the folder of its records."""

    def write(name):
        path = write_video(tmp_path / f"{name}.avi", moving_pattern(100, 120, 160), gop=600)
        return path, tmp_path / "records"

    path, records = write("recorded")
    write_records(Catalog([path] * 20, [0] * 20, ["any"]), str(records), 1, short_side=40)
    return write


def test_programs_that_keep_an_iterator_end(files):
    kinds = {
        "training": 0,
        "derived": 3,
        "testing": "raise",
        "records": 5,
        "stream": 0,
    }
    codes = run([(kind, *files(kind), end) for kind, end in kinds.items()])
    assert codes == [0, 3, 1, 5, 0]


def test_programs_end_that_fail_in_a_data_set(files):
    kinds = ["training", "derived", "testing"]
    codes = run([(kind, *files(kind), "failure in the data set") for kind in kinds])
    assert codes == [1, 1, 1]
