"""Imports the package before Keras, as its users should."""

import keras_seattn  # noqa: F401
