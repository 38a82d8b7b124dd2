"""Cropping and scaling of decoded frames by operations of TensorFlow's graph."""

import tensorflow as tf

# From this many pixels of a frame to one of a clip on, they are filtered before they are scaled.
_SMALL_STEP = 1.2


def is_filtered(side: tf.Tensor, size: int) -> tf.Tensor:
    """Whether a square of `side` pixels is filtered before it is scaled to `size`.

    Where pixels would be passed over, as FFmpeg scales: with a filter as wide
    as the step. That takes four times as long, and at 112 of 128 pixels hardly
    differs.
    """
    return tf.cast(side, tf.float32) > _SMALL_STEP * size


def crop_and_scale(frames: tf.Tensor, window: tf.Tensor, size: int, filtered: bool) -> tf.Tensor:
    """Cuts a square out of frames and scales it.

    Args:
        frames: uint8 tensor, `(height, width, 3)` or `(n, height, width, 3)`.
        window: int32 tensor, `(top, left, side, side)`, in pixels.
        size: int, the side to scale to, in pixels.
        filtered: bool, see `is_filtered`.

    Returns:
        float32 tensor, `(size, size, 3)` or `(n, size, size, 3)`, from 0 to 255.
    """
    top, left, side, _ = tf.unstack(window)
    frames = frames[..., top : top + side, left : left + side, :]
    # As float32 first, which is scaled twice as fast as bytes.
    return tf.image.resize(tf.cast(frames, tf.float32), (size, size), antialias=filtered)


def interpolate(frames: tf.Tensor, window: tf.Tensor, size: int) -> tf.Tensor:
    """Scales a part of frames, as `pixels.interpolated`.

    Args:
        frames: uint8 tensor, `(n, height, width, 3)`.
        window: float32 tensor, `(top, left, height, width)`, in pixels.
        size: int, the side to scale to, in pixels.

    Returns:
        float32 tensor, `(n, size, size, 3)`, from 0 to 255.
    """
    scale = size / window[2:]
    return tf.raw_ops.ScaleAndTranslate(
        images=frames,
        size=(size, size),
        scale=scale,
        translation=-window[:2] * scale,
        kernel_type="triangle",
        antialias=False,
    )
