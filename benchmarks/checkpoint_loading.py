"""How long loading a checkpoint takes, and how much memory beyond the network itself.

    python benchmarks/checkpoint_loading.py [--file resnext-101-kinetics.pth]

Without a file it writes one of random weights, of the size of the published one. The ratio is that
of building and loading together to building alone.
"""

import argparse
import os
import tempfile
import time

import keras_seattn

# isort: split
import torch

from keras_seattn import checkpoints
from keras_seattn.applications import SEAResNeXt101_3D
from keras_seattn.applications.convert import to_state_dict

MEGABYTE = 1e6


def peak_memory():
    """The most memory that this process has held since `forget_peak`, in bytes (Linux)."""
    with open("/proc/self/status", encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def forget_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", help=".pth file of ResNeXt-101, of 400 classes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or os.path.join(folder, "random.pth")
        plain = {"se_stages": (), "sa_stages": ()}
        if not options.file:
            torch.save({"state_dict": to_state_dict(SEAResNeXt101_3D(**plain))}, path)
        start = time.perf_counter()
        model = SEAResNeXt101_3D(**plain)
        build = time.perf_counter() - start
        forget_peak()
        held = peak_memory()
        start = time.perf_counter()
        checkpoints.load(model, checkpoints.read(path))
        load = time.perf_counter() - start
        print(
            f"keras_seattn {keras_seattn.__version__}, {os.path.getsize(path) / MEGABYTE:.0f} MB: "
            f"building {build:.1f} s, loading {load:.1f} s, both {1 + load / build:.1f} times "
            f"building; the peak of memory rose by {(peak_memory() - held) / MEGABYTE:.0f} MB"
        )


if __name__ == "__main__":
    main()
