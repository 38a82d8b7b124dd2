"""Shows what a model looks at in a video: `keras-seattn explain`, which has the same flags."""

import sys

from keras_seattn.commands import main

if __name__ == "__main__":
    sys.exit(main(["explain", *sys.argv[1:]]))
