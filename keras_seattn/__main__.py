"""`python -m keras_seattn`, the same as `keras-seattn`."""

import sys

from keras_seattn.commands import main

sys.exit(main())
