"""Searches the ratios r and d: the command `keras-seattn search`, which takes the same flags."""

import sys

from keras_seattn.commands import main

if __name__ == "__main__":
    sys.exit(main(["search", *sys.argv[1:]]))
