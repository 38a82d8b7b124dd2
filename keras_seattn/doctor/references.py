"""The layers in NumPy's float64, as slow and as plain as their equations; channels last."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np


def squeeze_excite(x: np.ndarray, weights: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Anvarov, Kim, Song 2020, Equations 1 to 4 and 6.

    Args:
        x: array, `(batch, frames, height, width, channels)`.
        weights: W1, b1, W2, b2; each matrix is `(inputs, outputs)`.
        axis: int, the gated one.
    """
    x = x.astype("float64")
    w1, b1, w2, b2 = (np.asarray(weight, "float64") for weight in weights)
    z = x.mean(axis=tuple(other for other in range(1, 5) if other != axis))
    s = 1 / (1 + np.exp(-(np.maximum(z @ w1 + b1, 0) @ w2 + b2)))
    shape = [len(x), 1, 1, 1, 1]
    shape[axis] = x.shape[axis]
    return x * s.reshape(shape)


def self_attention(
    x: np.ndarray, weights: Sequence[np.ndarray], gamma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Anvarov, Kim, Song 2020, Section 3.2, frame by frame.

    Args:
        x: array, `(batch, frames, height, width, channels)`.
        weights: Wq, Wk, Wv, Wo; each is `(inputs, outputs)`.
        gamma: float.

    Returns:
        `(y, attention)`: arrays of the shape of `x`, and `(batch, frames,
        positions, positions)`.
    """
    wq, wk, wv, wo = (np.asarray(weight, "float64") for weight in weights)
    batch, frames, height, width, channels = x.shape
    y = np.empty(x.shape)
    attention = np.empty((batch, frames, height * width, height * width))
    for b in range(batch):
        for s in range(frames):
            frame = x[b, s].reshape(-1, channels).astype("float64")
            scores = (frame @ wq) @ (frame @ wk).T
            e = np.exp(scores - scores.max(axis=1, keepdims=True))
            attention[b, s] = e / e.sum(axis=1, keepdims=True)
            attended = attention[b, s] @ (frame @ wv) @ wo
            y[b, s] = (float(gamma) * attended + frame).reshape(x.shape[2:])
    return y, attention


def convolve(
    x: np.ndarray, kernel: np.ndarray, strides: Sequence[int], *, groups: int = 1
) -> np.ndarray:
    """A 3D convolution padded by k // 2 on both sides.

    Args:
        x: array, `(batch, frames, height, width, channels)`.
        kernel: array, `(kT, kH, kW, channels // groups, filters)`, sizes odd.
        strides: 3 ints.
        groups: int.
    """
    padded = pad(x.astype("float64"), kernel.shape[:3])
    sizes = [-(-n // s) for n, s in zip(x.shape[1:4], strides, strict=True)]
    y = np.zeros((len(x), *sizes, kernel.shape[-1]))
    for tap, cut, i, o in taps(kernel.shape, sizes, strides, groups):
        y[..., o] += padded[(*cut, i)] @ kernel[tap][:, o].astype("float64")
    return y


def pad(x: np.ndarray, kernel_size: Sequence[int]) -> np.ndarray:
    """`x` with zeros on both sides, k // 2 each."""
    return np.pad(x, [(0, 0), *[(k // 2, k // 2) for k in kernel_size], (0, 0)])


def taps(
    kernel_shape: Sequence[int], sizes: Sequence[int], strides: Sequence[int], groups: int
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], slice, slice]]:
    """Yields `(tap, positions, channels, filters)` of each tap of a kernel and each group.

    The last three are slices: what the tap meets of the padded input, and the
    channels and filters of the group.
    """
    inputs, outputs = kernel_shape[3], kernel_shape[4] // groups
    for tap in itertools.product(*map(range, kernel_shape[:3])):
        cut = [slice(t, t + n * s, s) for t, n, s in zip(tap, sizes, strides, strict=True)]
        for g in range(groups):
            channels = slice(g * inputs, (g + 1) * inputs)
            yield tap, (slice(None), *cut), channels, slice(g * outputs, (g + 1) * outputs)


def max_pool(x: np.ndarray) -> np.ndarray:
    """The maximum over 3x3x3 positions, stride 2, padded by 1, of what is not negative."""
    padded = pad(x.astype("float64"), (3, 3, 3))
    sizes = [-(-n // 2) for n in x.shape[1:4]]
    cuts = [
        tuple(slice(t, t + 2 * n, 2) for t, n in zip(tap, sizes, strict=True))
        for tap in itertools.product(range(3), repeat=3)
    ]
    return np.max([padded[(slice(None), *cut)] for cut in cuts], axis=0)


def normalize(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray | None,
    variance: np.ndarray | None,
    *,
    epsilon: float,
) -> np.ndarray:
    """Batch normalization by a mean and a variance of each channel; None for those of `x`."""
    x = x.astype("float64")
    mean = x.mean(axis=(0, 1, 2, 3)) if mean is None else mean
    variance = x.var(axis=(0, 1, 2, 3)) if variance is None else variance
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
