"""Recognises the actions in videos: `keras-seattn predict`, which has the same flags."""

import sys

from keras_seattn.commands import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))
