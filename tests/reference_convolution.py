"""A grouped 3D convolution and its gradients in NumPy's float64, tap by tap from the definition."""

import itertools

import numpy as np


def convolve(x, kernel, strides, groups=1):
    """The convolution padded by k // 2 on both sides; channels last."""
    return _each_tap(x, kernel, strides, groups)[0]


def gradients(x, kernel, strides, groups, dy):
    """The gradients of sum(dy * convolve(x, kernel)) by x and by the kernel."""
    return _each_tap(x, kernel, strides, groups, dy)[1:]


def _each_tap(x, kernel, strides, groups, dy=None):
    sizes = kernel.shape[:3]
    padded = np.pad(x.astype("float64"), [(0, 0), *[(k // 2, k // 2) for k in sizes], (0, 0)])
    lengths = [(n - k) // s + 1 for n, k, s in zip(padded.shape[1:4], sizes, strides, strict=True)]
    inputs, outputs = x.shape[-1] // groups, kernel.shape[-1] // groups
    y = np.zeros((len(x), *lengths, kernel.shape[-1]))
    dy = y if dy is None else dy
    dx, dkernel = np.zeros_like(padded), np.zeros(kernel.shape)
    for tap in itertools.product(*map(range, sizes)):
        cut = tuple(
            slice(start, start + n * s, s)
            for start, n, s in zip(tap, lengths, strides, strict=True)
        )
        for g in range(groups):
            i, o = slice(g * inputs, (g + 1) * inputs), slice(g * outputs, (g + 1) * outputs)
            part = padded[(slice(None), *cut, i)]
            y[..., o] += part @ kernel[tap][:, o].astype("float64")
            dx[(slice(None), *cut, i)] += dy[..., o] @ kernel[tap][:, o].T.astype("float64")
            dkernel[tap][:, o] = np.einsum("bthwi,bthwo->io", part, dy[..., o])
    inside = tuple(slice(k // 2, k // 2 + n) for k, n in zip(sizes, x.shape[1:4], strict=True))
    return y, dx[(slice(None), *inside)], dkernel
