"""The paper's Table 6 on this machine: what the modules cost at inference.

    python benchmarks/inference_time.py

Single 16-frame clips of 112 x 112, ResNeXt-101. Each row is a process of its own, timed in turns; a
ratio is the median over the rounds, and the lowest and the highest.
"""

import argparse

from side_by_side import describe, machine, markdown, measure, ratio, spread

ALL, LATE = (1, 2, 3, 4), (3, 4)
# Name: (stages with squeeze-and-excitation, with self-attention, the paper's milliseconds).
ROWS = {
    "base": ((), (), 2.5),
    "SE": (ALL, (), 15.9),
    "SA *": ((), ALL, 22.0),
    "SA **": ((), LATE, 16.5),
    "SE + SA *": (ALL, ALL, 26.1),
    "SE + SA **": (ALL, LATE, 20.6),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=["tensorflow", "jax", "torch"], default="tensorflow")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=7, help="steps of a round (7)")
    options = parser.parse_args()
    layout = "channels_first" if options.backend == "torch" else "channels_last"
    systems = measure(
        {
            name: {
                "system": "package",
                "backend": options.backend,
                "network": "resnext101",
                "mode": "inference",
                "batch": 1,
                "frames": 16,
                "size": 112,
                "precision": options.precision,
                "layout": layout,
                "se_stages": se_stages,
                "sa_stages": sa_stages,
            }
            for name, (se_stages, sa_stages, _) in ROWS.items()
        },
        options.rounds,
        options.steps,
    )
    rows = [
        [
            name,
            "" if systems[name].error else f"{systems[name].ms:.0f}",
            spread(ratio(systems[name], systems["base"])),
            f"{paper}",
            f"{paper / ROWS['base'][2]:.1f}",
        ]
        for name, (*_, paper) in ROWS.items()
    ]
    print(f"{describe(machine(systems.values()))}; {options.backend}, {options.precision}\n")
    print(markdown(["modules", "ms", "ratio to base", "paper's ms", "paper's ratio"], rows))
    print("\n\\* in all stages, ** in stages 3 and 4 (squeeze-and-excitation always in all)")


if __name__ == "__main__":
    main()
