"""Layers and networks on JAX and PyTorch, each in a process of its own, against TensorFlow."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import backend_steps
import numpy as np
import pytest

TESTS = pathlib.Path(__file__).parent


def run_and_check(backend, *command):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "PYTHONPATH": str(TESTS.parent),
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # They take longer than they save here.
        },
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backends")
    backend_steps.write_reference(folder)
    backend_steps.write_logits(folder)
    return folder


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_networks_train_save_and_give_the_same_logits(backend, reference):
    run_and_check(backend, TESTS / "backend_steps.py", reference)
    for name in ("resnet18", "resnext101"):
        expected = np.load(reference / f"{name}-tensorflow.npy")
        logits = np.load(reference / f"{name}-{backend}.npy")
        assert np.std(expected) > 0.1
        assert np.max(np.abs(logits - expected)) < 1e-4


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_layers(backend):
    # Warnings are errors on TensorFlow only: each backend has others of its own.
    options = ["-W", "default", "-k", "harness or equations or Harness"]
    run_and_check(backend, "-m", "pytest", TESTS / "layers", *options)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_logits_of_torchvisions_networks(backend):
    options = ["-W", "default", "-k", "logits"]
    run_and_check(backend, "-m", "pytest", TESTS / "applications/test_video_resnet.py", *options)
