"""Which network for which machine: clips a second of each, scored and trained.

    python benchmarks/networks.py

Clips of 16 frames of 112 x 112, without modules. Each network takes turns with ResNet-18, which is
what two processes have memory for; the ratio of their times is given as well. Both take 4 clips
a step. A second table is computed: what a GPU does that reaches a share of its peak.
"""

import argparse

import numpy as np
from side_by_side import describe, machine, markdown, measure, ratio, spread

from keras_seattn.applications.weights import WEIGHTS
from keras_seattn.settings import MODELS

REFERENCE = "resnet18"
BATCHES = {"inference": 4, "training": 4}
# A GPU's peak in half precision, 10^12 operations a second, by its maker's data sheet (dense).
GPUS = {"T4": 65, "RTX 4090": 165, "A100": 312}
# 3D convolutions with few channels reach no more of it.
SHARE = 0.25
# The backward pass computes two gradients where the forward pass computes one product.
PASSES = {"inference": 1, "training": 3}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3, help="steps of a round (3)")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    options = parser.parse_args()
    gmac = {row.network: row.gmac for row in WEIGHTS if row.frames == 16}
    ratios, times, facts = {}, {mode: [] for mode in BATCHES}, None
    for name in options.models:
        for mode, batch in BATCHES.items():
            spec = {
                "system": "package",
                "mode": mode,
                "batch": batch,
                "frames": 16,
                "size": 112,
                "precision": "float32",
            }
            systems = measure(
                {model: {**spec, "network": model} for model in dict.fromkeys((REFERENCE, name))},
                options.rounds,
                options.steps,
            )
            ratios[name, mode] = ratio(systems[name], systems[REFERENCE])
            times[mode] += systems[REFERENCE].rounds
            facts = facts or machine(systems.values())
    rows = []
    for name in options.models:
        rows.append([name])
        for mode, batch in BATCHES.items():
            rate = 1000 * batch / np.median(times[mode]) / ratios[name, mode][0]
            rows[-1] += [f"{rate:.2f}", spread(ratios[name, mode])]
    print(describe(facts))
    heads = ["clips a second scored", "time / ResNet-18's", "trained", "time / ResNet-18's"]
    print(markdown(["network", *heads], rows))
    heads = [f"{gpu}, {word}" for gpu in GPUS for word in ("scored", "trained")]
    rows = []
    for name in options.models:
        operations = 2e9 * gmac[MODELS[name]]
        rows.append([name])
        for peak in GPUS.values():
            for mode in BATCHES:
                rows[-1].append(f"{SHARE * peak * 1e12 / operations / PASSES[mode]:,.0f}")
    print(f"\nComputed, clips a second at {SHARE:.0%} of the peak in half precision:\n")
    print(markdown(["network", *heads], rows))


if __name__ == "__main__":
    main()
