"""Convolutions, pooling and normalization from TensorFlow's fastest kernels on a CPU.

What is here replaces what Keras does there by itself; benchmarks/compare.py measures the whole.
The times in the comments are of two AMD EPYC cores with AVX-512, float32.
"""

import contextlib
import contextvars
from collections.abc import Iterator

import keras

from keras_seattn import arguments

_OPERATIONS = contextvars.ContextVar("operations", default="fast")


@contextlib.contextmanager
def operations(kind: str) -> Iterator[None]:
    """Says which operations a graph is made of, for graphs that run elsewhere.

    Args:
        kind: `"fast"`, those that TensorFlow is fastest with on a CPU, as
            everywhere outside of this context; `"plain"`, one operation for
            each layer, for runtimes that have grouped 3D convolutions, which
            TensorFlow itself cannot run on a CPU; `"images"`, those of
            `"fast"` with the pooling of images and frames one by one, for
            runtimes without 3D pooling.
    """
    token = _OPERATIONS.set(arguments.one_of(kind, ("fast", "plain", "images"), "kind"))
    try:
        yield
    finally:
        _OPERATIONS.reset(token)


def on_tensorflow_cpu() -> bool:
    """True with the TensorFlow backend and neither a GPU nor a TPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not (tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


def fast_operations() -> bool:
    """True on TensorFlow's CPU, unless a graph for another runtime is being made."""
    return on_tensorflow_cpu() and _OPERATIONS.get() == "fast"


def convolution(x, kernel, strides, groups):
    """A 3D convolution padded by kernel_size // 2 on both sides.

    Args:
        x: tensor, `(batch, frames, height, width, channels)`; the number of
            frames must be known if there are groups.
        kernel: tensor, `(kT, kH, kW, channels // groups, filters)`, sizes odd.
        strides: 3 ints.
        groups: int.

    Returns:
        tensor, `(batch, frames', height', width', filters)`, with ceil(n /
        stride) elements in place of n.
    """
    import tensorflow as tf

    kernel = tf.convert_to_tensor(kernel)
    if x.dtype == tf.float16:
        # The kernels for CPUs take 32 s for a step of the demo in float16, 0.1 s in float32.
        y = convolution(tf.cast(x, tf.float32), tf.cast(kernel, tf.float32), strides, groups)
        return tf.cast(y, tf.float16)
    if _OPERATIONS.get() != "plain":
        if groups > 1:
            return grouped_convolution(x, kernel, strides, groups)
        if kernel.shape[:3] == (1, 1, 1) and max(strides) == 1:
            return pointwise_convolution(x, kernel)
    return dense_convolution(x, kernel, strides)


def dense_convolution(x, kernel, strides):
    """TensorFlow's own 3D convolution, with the gradient of a bfloat16 kernel in float32.

    oneDNN's gradient of a bfloat16 kernel is unusable: in TensorFlow 2.21 it now and then holds
    whatever was in memory before, as for batches of 16 x 2 x 3 x 3 x 64 and 3x3x3 kernels.

    Args, returns: as `convolution`, without groups.
    """
    import tensorflow as tf

    # Without a stride, "same" is symmetric for odd kernels and copies nothing.
    same = max(strides) == 1
    padding = [0, *(0 if same else size // 2 for size in kernel.shape[:3]), 0]
    attributes = {"strides": (1, *strides, 1), "padding": "SAME" if same else "VALID"}

    def padded(x):
        if not any(padding):
            return x
        # Not tf.pad: TensorFlow's optimizer of graphs fuses that with the convolution, stumbles
        # over the gradient, which needs it too, and then leaves out all of its other fusions.
        paddings = [[size, size] for size in padding]
        return tf.raw_ops.PadV2(input=x, paddings=paddings, constant_values=tf.zeros((), x.dtype))

    @tf.custom_gradient
    def convolve(x, kernel):
        def gradients(dy):
            dx = tf.raw_ops.Conv3DBackpropInputV2(
                input_sizes=tf.shape(x) + [2 * size for size in padding],
                filter=kernel,
                out_backprop=dy,
                **attributes,
            )
            dtype = tf.float32 if x.dtype == tf.bfloat16 else x.dtype
            dkernel = tf.raw_ops.Conv3DBackpropFilterV2(
                input=tf.cast(padded(x), dtype),
                filter_sizes=kernel.shape,
                out_backprop=tf.cast(dy, dtype),
                **attributes,
            )
            dx = tf.slice(dx, padding, tf.shape(x)) if any(padding) else dx
            return dx, tf.cast(dkernel, kernel.dtype)

        return tf.nn.conv3d(padded(x), kernel, **attributes), gradients

    return convolve(x, kernel)


def pointwise_convolution(x, kernel):
    """A 1x1x1 convolution without stride, as what it is: one matrix for all positions.

    The convolution kernels bring the weights into a layout of their own in every call, the matrix
    product does not: 0.7 ms against 2 to 3 for 16 positions, 2048 channels and 1024 filters.

    Args:
        x: tensor, `(batch, frames, height, width, channels)`.
        kernel: tensor, `(1, 1, 1, channels, filters)`.

    Returns:
        tensor, `(batch, frames, height, width, filters)`.
    """
    import tensorflow as tf

    channels, filters = kernel.shape[3:]
    y = tf.matmul(tf.reshape(x, (-1, channels)), tf.reshape(kernel, (channels, filters)))
    return tf.reshape(y, [*_sizes(x)[:4], filters])


def grouped_convolution(x, kernel, strides, groups):
    """A grouped 3D convolution as a sum of grouped 2D ones, padded by kernel_size // 2.

    y[o] = sum over taps t of conv2d(x[o * stride + t - kT // 2], kernel[t]), over the frames that
    are there. TensorFlow's 3D convolution refuses groups on a CPU. Its 2D convolution has them,
    from oneDNN, but not their gradients, which are sums of grouped 2D convolutions again. For
    2 x 7 x 7 positions and 512 channels the sum takes 0.6 ms; 16 dense 3D convolutions over merged
    groups of 32 channels 3.2; batched matrix products 5.2; Keras' own, compiled by XLA, 3.5.

    Args, returns: as `convolution`.
    """
    import tensorflow as tf

    taps = list(_taps(x.shape[1], kernel.shape[0], strides[0]))

    @tf.custom_gradient
    def convolve(x, kernel):
        def gradients(dy):
            return (
                _gradient_of_input(x, kernel, dy, strides, groups, taps),
                _gradient_of_kernel(x, kernel, dy, strides, groups, taps),
            )

        frames = -(-x.shape[1] // strides[0])
        parts = []
        for tap, outputs, inputs in taps:
            y = tf.nn.conv2d(_images(x, inputs), kernel[tap], strides[1:], _padding(kernel))
            parts.append(_pad_frames(_frames(y, outputs), outputs.start, frames - outputs.stop))
        return tf.add_n(parts), gradients

    return convolve(x, kernel)


def _gradient_of_input(x, kernel, dy, strides, groups, taps):
    """Each tap sends dy back: the convolution with the kernel turned around in every group."""
    import tensorflow as tf

    *sizes, channels, filters = kernel.shape
    turned = tf.reshape(kernel, (*sizes, channels, groups, filters // groups))
    turned = tf.transpose(turned, (0, 1, 2, 5, 4, 3))
    turned = tf.reshape(turned, (*sizes, filters // groups, groups * channels))
    turned = tf.reverse(turned, (1, 2))
    height, width = _sizes(x)[2:4]
    parts = []
    for tap, outputs, inputs in taps:
        images = _images(dy, outputs)
        for axis, stride in ((1, strides[1]), (2, strides[2])):
            images = _spread(images, axis, stride)
        images = tf.nn.conv2d(images, turned[tap], 1, _padding(kernel))[:, :height, :width]
        frames = _spread(_frames(images, outputs), 1, strides[0])
        frames = frames[:, : inputs.stop - inputs.start]
        parts.append(_pad_frames(frames, inputs.start, x.shape[1] - inputs.stop))
    return tf.add_n(parts)


def _gradient_of_kernel(x, kernel, dy, strides, groups, taps):
    """For each tap a convolution of x with dy: channels are the batch, all frames the channels."""
    import tensorflow as tf

    _, *sizes, channels, _ = kernel.shape
    gradients = [tf.zeros(kernel.shape[1:], x.dtype)] * kernel.shape[0]
    for tap, outputs, inputs in taps:
        images, errors = _images(x, inputs), _images(dy, outputs)
        _, height, width, _ = _sizes(images)
        images = tf.reshape(images, (-1, height, width, groups, channels))
        images = tf.transpose(images, (4, 1, 2, 3, 0))
        images = tf.reshape(images, [channels, height, width, groups * tf.shape(images)[4]])
        errors = tf.transpose(errors, (1, 2, 0, 3))
        y = tf.nn.conv2d(images, errors, 1, _padding(kernel), dilations=strides[1:])
        gradients[tap] = tf.transpose(y[:, : sizes[0], : sizes[1]], (1, 2, 0, 3))
    return tf.stack(gradients)


def max_pooling(x):
    """Max pooling 3x3x3, stride 2, padded by 1, of features that are not negative.

    Args:
        x: tensor, `(batch, frames, height, width, channels)`.

    Returns:
        tensor, with ceil(n / 2) in place of n for frames, height and width.
    """
    import tensorflow as tf

    if _OPERATIONS.get() == "images":
        # Not elsewhere: the gradient of TensorFlow's 2D pooling takes five times its 3D pooling's.
        frames = range(x.shape[1])
        images = tf.pad(_images(x, frames), [[0, 0], [1, 1], [1, 1], [0, 0]])
        y = _pad_frames(_frames(tf.nn.max_pool2d(images, 3, 2, "VALID"), frames), 1, 1)
        first, middle, last = (
            tf.gather(y, [i + tap for i in frames[::2]], axis=1) for tap in range(3)
        )
        return tf.maximum(tf.maximum(first, middle), last)
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]])
    # The kernel for CPUs knows these two types only.
    kernel_type = x.dtype if x.dtype in (tf.float32, tf.bfloat16) else tf.float32
    return tf.cast(tf.nn.max_pool3d(tf.cast(x, kernel_type), 3, 2, "VALID"), x.dtype)


def batch_normalization(x, gamma, beta, mean, variance, epsilon, training):
    """Batch normalization by one kernel, where Keras composes it of many.

    A training step of it takes 4 ms against 12, for 2 x 8 x 28 x 28 positions and 256 channels.

    Args:
        x: tensor, `(batch, frames, height, width, channels)`, not float64.
        gamma, beta, mean, variance: float32 tensors, `(channels,)`.
        epsilon: float.
        training: bool; whether to normalize by the statistics of x.

    Returns:
        `(y, mean, variance)`: the normalized tensor, and the statistics that
        it was normalized by.
    """
    import tensorflow as tf

    batch, frames, height, width, channels = _sizes(x)
    statistics = {} if training else {"mean": mean, "variance": variance}
    y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        tf.reshape(x, [batch, frames * height, width, channels]),
        gamma,
        beta,
        epsilon=epsilon,
        is_training=training,
        **statistics,
    )
    if training:  # It gives the unbiased variance; Keras tracks the biased one.
        count = tf.cast(batch * frames * height * width, variance.dtype)
        variance = variance * ((count - 1) / count)
    return tf.reshape(y, _sizes(x)), mean, variance


def _taps(frames, size, stride):
    """Yields `(tap, outputs, inputs)`: a tap, the output frames it adds to, those it reads."""
    for tap in range(size):
        offset = tap - size // 2
        first = max(0, -(offset // stride))
        last = min(-(-frames // stride) - 1, (frames - 1 - offset) // stride)
        if first <= last:
            inputs = range(first * stride + offset, last * stride + offset + 1, stride)
            yield tap, range(first, last + 1), inputs


def _padding(kernel):
    """The 2D convolutions pad by themselves, which copies nothing."""
    rows, columns = kernel.shape[1] // 2, kernel.shape[2] // 2
    return [[0, 0], [rows, rows], [columns, columns], [0, 0]]


def _sizes(x):
    """The sizes of a tensor's axes: ints where they are known, else scalar tensors."""
    import tensorflow as tf

    dynamic = tf.shape(x)
    return [dynamic[axis] if size is None else size for axis, size in enumerate(x.shape)]


def _images(x, frames):
    """The images of a range of frames: (batch * frames, height, width, channels)."""
    import tensorflow as tf

    if frames.step > 1:  # A strided slice takes ten times as long.
        x = tf.gather(x, list(frames), axis=1)
    elif len(frames) < x.shape[1]:
        x = x[:, frames.start : frames.stop]
    return tf.reshape(x, [-1, *_sizes(x)[2:]])


def _frames(images, frames):
    """The way back: (batch, frames, height, width, channels)."""
    import tensorflow as tf

    return tf.reshape(images, [-1, len(frames), *_sizes(images)[1:]])


def _pad_frames(x, before, after):
    import tensorflow as tf

    if (before, after) == (0, 0):
        return x
    return tf.pad(x, [[0, 0], [before, after], [0, 0], [0, 0], [0, 0]])


def _spread(x, axis, stride):
    """Puts stride - 1 zeros behind each element of an axis."""
    import tensorflow as tf

    if stride == 1:
        return x
    sizes = _sizes(x)
    x = tf.expand_dims(x, axis + 1)
    x = tf.pad(x, [[0, stride - 1 if i == axis + 1 else 0] for i in range(len(x.shape))])
    sizes[axis] *= stride
    return tf.reshape(x, sizes)
