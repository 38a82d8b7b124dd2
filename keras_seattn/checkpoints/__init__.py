"""Files of weights, .pth, .keras and .weights.h5: read into a `Checkpoint`, loaded into a network.

A file is data, not trust: `untrusted.py` looks at sizes before memory is taken.
"""

from keras_seattn.checkpoints.loading import load
from keras_seattn.checkpoints.published import WEIGHTS, Published
from keras_seattn.checkpoints.reading import Checkpoint, locate, read, recognize

__all__ = [
    "WEIGHTS",
    "Checkpoint",
    "Published",
    "load",
    "locate",
    "read",
    "recognize",
]
