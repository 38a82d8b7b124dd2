"""Checks that a run comes out as it did: draws clips and trains steps of it anew.

keras-seattn verify runs/ucf101 --steps 20

It ends with 0 and "equal", or with 1 and the first step that differs: in its clips, or in the loss
that Keras shows for it, the mean of its epoch so far. The run may be of another machine.
"""

import os

from keras_seattn.commands import flags
from keras_seattn.configuration import changed, read_config


def add_flags(parser):
    parser.add_argument("run_dir", metavar="RUN", help="the folder of a run of `train`")
    parser.add_argument(
        "--steps",
        type=flags.count,
        default=20,
        help="draw the clips of so many random steps, train so many first steps (20)",
    )
    moved = flags.group(parser, "where the videos are now, if not where they were")
    for name in ("data-dir", "splits-dir", "test-dir"):
        moved(f"--{name}")


def run(options):
    network, run = read_config(os.path.join(options.run_dir, "config.json"))
    run = changed(run, vars(options))

    from keras_seattn import training
    from keras_seattn.commands import train

    *prepared, validation = train.prepare(network, run, options.run_dir)
    found = training.verify(
        *prepared, options.run_dir, run, options.steps, validation_catalog=validation
    )
    print(found)
    return 0 if found.step is None else 1
