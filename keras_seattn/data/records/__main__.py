"""`python -m keras_seattn.data.records`, as `keras-seattn records` was called before."""

import runpy
import sys

sys.argv[1:1] = ["records"]
runpy.run_module("keras_seattn", run_name="__main__")
