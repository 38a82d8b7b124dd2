"""Programs that end while an iterator of clips is alive."""

import json
import subprocess
import sys

# The programs are forks of one that has imported what they all need, which takes most of their
# time, and has done nothing else: from there on each goes its own way to Python's own end.
PROGRAM = """
import json, os, signal, sys
from keras_seattn import data
from keras_seattn.data.streams import stream_frames
programs = []
for kind, video, records, end in json.loads(sys.argv[1]):
    programs.append(os.fork())
    if not programs[-1]:
        break
else:
    print([os.waitstatus_to_exitcode(os.waitpid(program, 0)[1]) for program in programs])
    sys.exit()
signal.alarm(120)
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
print("the last line", file=sys.stderr, flush=True)
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
    arguments = [list(map(str, each)) for each in arguments]
    command = [sys.executable, "-c", PROGRAM, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.stderr.splitlines().count("the last line") == len(arguments), done.stderr
    return json.loads(done.stdout)
