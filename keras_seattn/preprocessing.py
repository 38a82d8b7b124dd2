"""What a network's input looks like: the one agreement between data and models."""

import keras
import numpy as np

from keras_seattn import arguments

# Mean R, G and B of ActivityNet, which the published checkpoints were trained with
# (Hara et al. 2018, kenshohara/3D-ResNets-PyTorch).
CHANNEL_MEAN = (114.7748, 107.7354, 99.4750)


def preprocess_input(x, data_format=None):
    """Turns RGB frames into what the networks take: the data set's mean subtracted.

    Values stay on the scale of 0 to 255; there is no division by a deviation,
    as in the training of the published checkpoints. `data.train_clips` and
    `data.test_clips` have done this already.

    Args:
        x: array or tensor of uint8 or float RGB values from 0 to 255, of shape
            `(..., 3)` for `channels_last`, or `(3, frames, height, width)`
            behind any number of leading axes for `channels_first`.
        data_format: `"channels_last"` or `"channels_first"`; None means
            `keras.config.image_data_format()`.

    Returns:
        float32, of the shape of `x`: a NumPy array for a NumPy array, else a
        tensor of the backend.

    Raises:
        ValueError: The channel axis does not have 3 elements.

    Example:

    >>> clip = np.zeros((16, 112, 112, 3), "uint8")
    >>> preprocess_input(clip)[0, 0, 0]
    array([-114.7748, -107.7354,  -99.475 ], dtype=float32)
    """
    data_format = arguments.standard_data_format(data_format)
    axis = -1 if data_format == "channels_last" else -4
    if len(x.shape) < -axis or x.shape[axis] != 3:
        raise ValueError(
            f"`x` must hold 3 channels, R, G and B, on axis {axis} for "
            f'data_format="{data_format}". Received: x.shape={tuple(x.shape)}'
        )
    mean = np.asarray(CHANNEL_MEAN, "float32")
    if axis == -4:
        mean = mean.reshape(3, 1, 1, 1)
    if isinstance(x, np.ndarray):
        return x.astype("float32") - mean
    return keras.ops.subtract(keras.ops.cast(x, "float32"), mean)
