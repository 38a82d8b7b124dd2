"""The checks of this machine, each part in a process of its own."""

import concurrent.futures
import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import signal
import subprocess
import sys
import tempfile

BACKENDS = ("tensorflow", "jax", "torch")
PACKAGES = (
    "keras-seattn", "keras", "tensorflow", "jax", "torch", "numpy", "av", "h5py", "keras-tuner",
    "tensorflow-io", "openvino", "onnx", "onnxruntime", "tf2onnx", "ai-edge-litert",
)  # fmt: skip


def check_all() -> int:
    """Prints what is installed and all checks; returns 0 if all is right, else 1."""
    print_environment()
    installed = [backend for backend in BACKENDS if importlib.util.find_spec(backend)]
    parts = (*installed, "decoding")
    processes, wrong = [], []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        try:
            for part, (right, lines) in zip(
                parts, pool.map(lambda part: run_part(part, processes), parts), strict=True
            ):
                print(lines, end="", flush=True)
                if not right:
                    wrong.append(part)
        except BaseException:
            for process in processes:
                process.kill()
            raise
    print(f"\nWrong: {', '.join(wrong)}" if wrong else "\nAll right")
    return 1 if wrong else 0


def check_part(part: str) -> int:
    """Prints the checks of a backend or of `"decoding"`; returns 0 if all are right, else 1."""
    return check_decoding() if part == "decoding" else check_backend(part)


def run_part(part: str, processes: list[subprocess.Popen]) -> tuple[bool, str]:
    """Runs a part of the checks in a process of its own, which is added to `processes`.

    Returns:
        `(right, lines)`: bool, whether all is right, and str, what to print.
    """
    environment = {
        **os.environ,
        "KERAS_BACKEND": part if part in BACKENDS else "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "keras_seattn.doctor", part]
    # What libraries log would hide the rest; their last words say why a process ended.
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        processes.append(process)
        output, errors = process.communicate()
    lines, code = f"\n{part}\n{output}", process.returncode
    if code not in (0, 1):
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        lines += "\n    ".join([f"WRONG    the process {how}", *errors.splitlines()[-3:], ""])
    return code == 0, lines


def print_environment() -> None:
    """Prints versions, the processor, and which packages are installed."""
    processor = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    print(f"Python {platform.python_version()}, {platform.platform()}")
    print(f"{os.cpu_count()} processor cores, {processor}")
    for package in PACKAGES:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        print(f"  {package:15} {version}")


def check_backend(backend: str) -> int:
    """Prints the checks of a backend; returns 0 if all are right, else 1."""
    import keras

    from keras_seattn.doctor.backend_checks import TOLERANCE, checks

    print(f"  devices  {devices(backend)}", flush=True)
    keras.config.set_floatx("float32")
    return max([_report(what, check, TOLERANCE) for what, check in checks()])


def check_decoding() -> int:
    """Decodes a small video that it makes; returns 0 if each frame is the right one, else 1."""
    import numpy as np

    from keras_seattn.data.decoding import read_frames, scan_video
    from keras_seattn.data.encoding import VideoWriter

    levels = np.arange(48, dtype="uint8") * 4 + 20

    def check():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "levels.mp4")
            with VideoWriter(path) as writer:
                for number, level in enumerate(levels):
                    writer.write(np.full((64, 64, 3), level), number / 25)
            order = np.random.default_rng(0).permutation(len(levels))
            frames = read_frames(scan_video(path), order).astype(int)
            return np.max(np.abs(frames - levels[order, None, None, None]))

    return _report("frames of H.264, in levels", check, 1.5)


def devices(backend: str) -> str:
    """What a backend runs on, as text."""
    if backend == "tensorflow":
        import tensorflow as tf

        return ", ".join(device.name for device in tf.config.list_physical_devices())
    if backend == "jax":
        import jax

        return ", ".join(map(str, jax.devices()))
    import torch

    count = torch.cuda.device_count()
    return ", ".join(torch.cuda.get_device_name(number) for number in range(count)) or "CPU"


def _report(what, check, tolerance):
    """Prints a check's line; returns 0 if it is right, else 1."""
    # Before it begins, for it may end the process.
    print(f"  {what:27}", end="", flush=True)
    try:
        error = check()
    except Exception as failure:
        print(f"WRONG    {type(failure).__name__}: {' '.join(str(failure).split())[:200]}")
        return 1
    print(f"{'right' if error < tolerance else 'WRONG'}    off by {error:.1e}", flush=True)
    return 0 if error < tolerance else 1
