"""The batch normalization of the base networks, from one kernel where that is faster."""

import keras

from keras_seattn.layers import tensorflow_cpu


@keras.saving.register_keras_serializable(package="keras_seattn")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, computed by one kernel on a CPU with TensorFlow.

    Keras composes it of a dozen operations, which JAX, PyTorch, OpenVINO and
    the compilers of GPUs fuse again, but TensorFlow on a CPU does not. There
    its training takes two to three times as long (see
    `tensorflow_cpu.batch_normalization`). Values, weights and arguments are
    those of Keras' layer.

    Args:
        **kwargs: As for `keras.layers.BatchNormalization`.

    Input shape:
        `(batch, frames, height, width, channels)` with `axis=-1`, or any other
        shape, which Keras' own code then normalizes.

    Output shape:
        The input's.

    Source:
        Ioffe and Szegedy 2015.

    Example:

    >>> features = np.ones((1, 8, 28, 28, 64), "float32")
    >>> tuple(FusedBatchNormalization(momentum=0.9)(features, training=True).shape)
    (1, 8, 28, 28, 64)
    """

    def call(self, inputs, training=None, mask=None):
        fused = (
            tensorflow_cpu.fast_operations()
            and len(inputs.shape) == 5
            and self.axis in (-1, 4)
            and self.scale
            and self.center
            and mask is None
            and not getattr(self, "renorm", False)  # newer than Keras 3.8
            and not self.synchronized
            and self.compute_dtype in ("float32", "bfloat16")
        )
        if not fused:
            return super().call(inputs, training=training, mask=mask)
        training = bool(training and self.trainable)
        variables = self.gamma, self.beta, self.moving_mean, self.moving_variance
        # The kernel knows them in float32 only; a policy may keep them in bfloat16.
        variables = [keras.ops.cast(variable, "float32") for variable in variables]
        outputs, mean, variance = tensorflow_cpu.batch_normalization(
            inputs, *variables, self.epsilon, training
        )
        if training:
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                value = keras.ops.cast(value, moving.dtype)
                moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return outputs
