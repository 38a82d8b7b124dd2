"""Trains and evaluates a network: the command `keras-seattn train`, which takes the same flags."""

import sys

from keras_seattn.commands import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
