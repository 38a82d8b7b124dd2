"""Exports a trained model: the command `keras-seattn export`, which takes the same flags."""

import sys

from keras_seattn.commands import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
