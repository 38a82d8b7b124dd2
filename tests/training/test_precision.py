"""Which floating-point type a device is trained in."""

import keras
import pytest

from keras_seattn.training import automatic_policy
from keras_seattn.training.precision import _policy


@pytest.mark.parametrize(
    "accelerator, cpu_flags, backend, policy",
    [
        ("tpu", set(), "jax", "mixed_bfloat16"),
        ((9, 0), set(), "torch", "mixed_bfloat16"),
        ((7, 5), set(), "tensorflow", "mixed_float16"),
        ((6, 1), {"amx_bf16"}, "tensorflow", "float32"),
        (None, {"avx2", "avx512_bf16"}, "tensorflow", "mixed_bfloat16"),
        (None, {"amx_bf16"}, "torch", "float32"),
        (None, {"avx2", "avx512f"}, "tensorflow", "float32"),
    ],
)
def test_policies(accelerator, cpu_flags, backend, policy):
    assert _policy(accelerator, cpu_flags, backend) == policy


def test_this_machine_has_one():
    assert keras.dtype_policies.get(automatic_policy()).variable_dtype == "float32"
