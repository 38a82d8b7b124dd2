"""Checks that a run comes out as it did: draws clips and trains steps of it anew.

keras-seattn verify runs/ucf101 --steps 20

It ends with 0 and "equal", or with 1 and the first step that differs. The videos must be where they
were, seen from this folder; the run may have been made on another machine.
"""

import os

from keras_seattn.commands import flags
from keras_seattn.settings import read_config


def add_flags(parser):
    parser.add_argument("run_dir", metavar="RUN", help="the folder of a run of `train`")
    parser.add_argument(
        "--steps",
        type=flags.count,
        default=20,
        help="draw the clips of so many random steps, train so many first steps (20)",
    )


def run(options):
    network, run = read_config(os.path.join(options.run_dir, "config.json"))

    from keras_seattn import training
    from keras_seattn.commands import train

    prepared = train.prepare(network, run, options.run_dir)
    found = training.verify(*prepared, options.run_dir, run, options.steps)
    print(found)
    return 0 if found.step is None else 1
