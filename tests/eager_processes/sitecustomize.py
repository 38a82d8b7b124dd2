"""Python runs this first where the folder is on its path: models then run without being compiled.

For tests of commands in processes of their own, as the fixture `eagerly` for those in this one.
"""

import keras_seattn  # noqa: F401  (before TensorFlow, as its users should)

# isort: split
import tensorflow as tf

tf.config.run_functions_eagerly(True)
