"""Which floating-point type to train in, by device."""

import pathlib

import keras

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def automatic_policy() -> str:
    """The dtype policy that this machine trains fastest in.

    - A GPU that has bfloat16 (compute capability 8.0 and newer), or a TPU:
      `"mixed_bfloat16"`, which needs no loss scaling. An older GPU with
      float16 units (7.0): `"mixed_float16"`; Keras then scales the loss.
    - TensorFlow on a CPU with bfloat16 instructions: `"mixed_bfloat16"`; a
      training step takes 0.65 to 0.8 of its time in float32, on two AMD EPYC
      cores (benchmarks/compare.py).
    - Else `"float32"`.

    Returns:
        str, for `keras.config.set_dtype_policy`.

    Example:

    >>> keras.config.set_dtype_policy(keras_seattn.training.automatic_policy())
    """
    return _policy(_accelerator(), _cpu_flags(), keras.backend.backend())


def _policy(accelerator, cpu_flags, backend):
    if accelerator == "tpu" or (isinstance(accelerator, tuple) and accelerator >= (8, 0)):
        return "mixed_bfloat16"
    if isinstance(accelerator, tuple):
        return "mixed_float16" if accelerator >= (7, 0) else "float32"
    fast_cpu = backend == "tensorflow" and bool(_BFLOAT16_FLAGS & cpu_flags)
    return "mixed_bfloat16" if fast_cpu else "float32"


def _accelerator():
    """`"tpu"`, the compute capability of the first GPU as `(major, minor)`, or None for a CPU."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("TPU"):
            return "tpu"
        for gpu in tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(gpu)
            return details.get("compute_capability", (0, 0))
    elif keras.backend.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_capability()
    elif keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        if device.platform == "tpu":
            return "tpu"
        if device.platform == "gpu":
            version = str(getattr(device, "compute_capability", "0.0"))
            return tuple(map(int, version.split(".")))
    return None


def _cpu_flags():
    """The instruction sets that Linux lists; none elsewhere."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return set()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    return set(next(lines, "").split())
