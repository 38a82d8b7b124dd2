"""The gradients of a grouped 3D convolution in NumPy's float64, tap by tap from the definition."""

import numpy as np

from keras_seattn.doctor.references import pad, taps


def gradients(x, kernel, strides, groups, dy):
    """The gradients of sum(dy * convolve(x, kernel)) by x and by the kernel."""
    padded, kernel = pad(x.astype("float64"), kernel.shape[:3]), kernel.astype("float64")
    dx, dkernel = np.zeros_like(padded), np.zeros(kernel.shape)
    for tap, cut, i, o in taps(kernel.shape, dy.shape[1:4], strides, groups):
        dx[(*cut, i)] += dy[..., o] @ kernel[tap][:, o].T
        dkernel[tap][:, o] = np.einsum("bthwi,bthwo->io", padded[(*cut, i)], dy[..., o])
    starts = [size // 2 for size in kernel.shape[:3]]
    inside = [slice(start, start + n) for start, n in zip(starts, x.shape[1:4], strict=True)]
    return dx[(slice(None), *inside)], dkernel
