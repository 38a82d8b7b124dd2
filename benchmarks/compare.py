"""The networks of this package beside PyTorch, plain Keras and classification-models-3D.

    python benchmarks/compare.py
    python benchmarks/compare.py --backends jax torch --precision bfloat16 --compile

Times single clips for inference and batches of two for training, in turns and in one run, and
prints ratios: the median over the rounds, and the lowest and the highest. What is not installed is
left out. Without TensorFlow it runs on `--backends jax torch`, on a GPU if there is one;
`--batch 1 8 32 64` then finds the batch with most clips a second.
"""

import argparse
import json
import pathlib

from side_by_side import describe, machine, markdown, measure, ratio, spread

ALL = (1, 2, 3, 4)
EVERYWHERE = {"se_stages": ALL, "sa_stages": ALL}
LATE = {"se_stages": (3, 4), "sa_stages": (3, 4)}
NETWORKS = {"resnext101": "ResNeXt-101", "resnet18": "ResNet-18"}

# (what, network, mode, system, compared with, asked): the ratios that the project asks of itself.
# "ours" is the package on TensorFlow, without modules where nothing else is said.
ASKED = [
    ("inference / PyTorch's", "resnext101", "inference", "ours", "PyTorch", 1.3),
    ("training step / PyTorch's", "resnext101", "training", "ours", "PyTorch", 1.6),
    ("inference / classification-models-3D's", "resnext101", "inference", "ours", "cm3D", 0.8),
    ("training / classification-models-3D's", "resnext101", "training", "ours", "cm3D", 0.7),
    ("inference / PyTorch's", "resnet18", "inference", "ours", "PyTorch", 1.0),
    ("training step / PyTorch's", "resnet18", "training", "ours", "PyTorch", 1.2),
    (
        "OpenVINO float32, SE + SA / PyTorch's",
        "resnext101",
        "inference",
        "OpenVINO",
        "PyTorch",
        0.75,
    ),
    (
        "OpenVINO bf16, SE + SA / PyTorch's",
        "resnext101",
        "inference",
        "OpenVINO bf16",
        "PyTorch",
        0.35,
    ),
    *(
        (f"{what} {mode} / base", network, mode, f"ours, {what}", "ours", asked)
        for network in NETWORKS
        for what, asked in (("SE + SA", 1.15), ("SE + SA in stages 3, 4", 1.05))
        for mode in ("inference", "training")
    ),
]
PEAK_ASKED = 1.3


def specs(options, network, mode, batch):
    """The systems to time, by name."""
    common = {
        "network": network,
        "mode": mode,
        "batch": batch,
        "frames": options.frames,
        "size": options.size,
        "precision": options.precision,
    }

    def spec(system, **more):
        return {**common, "system": system, **more}

    chosen = {
        "PyTorch": spec("pytorch", backend="torch"),
        "PyTorch, channels last": spec("pytorch", backend="torch", layout="channels_last"),
    }
    if options.compile:
        chosen["PyTorch, compiled"] = spec(
            "pytorch", backend="torch", layout="channels_last", compile=True
        )
    for backend in options.backends:
        name = "ours" if backend == "tensorflow" else f"ours on {backend}"
        layout = "channels_first" if backend == "torch" else "channels_last"
        chosen[name] = spec("package", backend=backend, layout=layout)
        chosen[f"{name}, SE + SA"] = spec("package", backend=backend, layout=layout, **EVERYWHERE)
        if backend == "tensorflow":
            chosen[f"{name}, SE + SA in stages 3, 4"] = spec("package", **LATE)
            if options.plain:
                chosen["plain Keras"] = spec("plain_keras")
            if options.precision == "float32":
                chosen["cm3D"] = spec("classification_models_3d")
                if mode == "inference":
                    chosen["OpenVINO"] = spec("openvino", **EVERYWHERE)
                    chosen["OpenVINO bf16"] = spec(
                        "openvino", **{**EVERYWHERE, "precision": "bfloat16"}
                    )
    return chosen


def tables(measured):
    """Markdown: what is asked, and all that was timed."""
    rows = []
    for what, network, mode, system, other, asked in ASKED:
        systems = next((s for key, s in measured.items() if key[:2] == (network, mode)), None)
        if systems and system in systems:
            result = ratio(systems[system], systems.get(other))
            rows.append([NETWORKS[network], what, spread(result), f"{asked:.2f}"])
    training = measured.get(("resnext101", "training", 2), {})
    if training.get("ours") and training["ours"].peak_mib and training["PyTorch"].peak_mib:
        peak = training["ours"].peak_mib / training["PyTorch"].peak_mib
        what = "peak memory of a training step / PyTorch's"
        rows.append(["ResNeXt-101", what, f"{peak:.2f}", f"{PEAK_ASKED:.2f}"])
    texts = []
    if rows:
        texts.append(markdown(["network", "ratio (smaller is better)", "measured", "asked"], rows))
    for (network, mode, batch), systems in measured.items():
        rows = []
        for name, system in systems.items():
            if system.error:
                rows.append([name, "does not run here", "", "", "", ""])
                continue
            rows.append(
                [
                    name,
                    f"{system.ms:.0f}",
                    spread(ratio(system, systems["PyTorch"])),
                    f"{1000 * system.spec['batch'] / system.ms:.1f}",
                    f"{system.peak_mib:,.0f}",
                    f"{system.ready['build_s']:.0f} + {system.ready['first_step_s']:.0f}",
                ]
            )
        heads = [
            "system",
            "ms a step",
            "ratio to PyTorch",
            "clips/s",
            "peak MiB",
            "start, s",
        ]
        batch = next(iter(systems.values())).spec["batch"]
        title = f"{NETWORKS[network]}, {mode}, batches of {batch}"
        texts.append(f"**{title}**\n\n{markdown(heads, rows)}")
    texts.append(
        "start: building the network + its first step, which compiles it; peak MiB: of the "
        "process, for PyTorch on a GPU that of the GPU"
    )
    return "\n\n".join(texts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument(
        "--modes", nargs="+", choices=["inference", "training"], default=["inference", "training"]
    )
    parser.add_argument(
        "--backends", nargs="+", choices=["tensorflow", "jax", "torch"], default=["tensorflow"]
    )
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16", "float16"], default="float32"
    )
    parser.add_argument("--batch", type=int, nargs="+", help="clips of a step (1; training: 2)")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="steps of a round (5)")
    parser.add_argument("--compile", action="store_true", help="PyTorch with torch.compile too")
    parser.add_argument("--plain", action="store_true", help="plain Keras too, which takes minutes")
    parser.add_argument("--output", help="a .json file to write; the table goes to a .md beside it")
    options = parser.parse_args()

    measured = {
        (network, mode, batch): measure(
            specs(options, network, mode, batch), options.rounds, options.steps
        )
        for network in options.networks
        for mode in options.modes
        for batch in options.batch or [1 if mode == "inference" else 2]
    }
    systems = [system for group in measured.values() for system in group.values()]
    facts = machine(systems)
    text = f"{describe(facts)}; {options.precision}\n\n{tables(measured)}"
    print(text)
    if options.output:
        content = {
            "machine": facts,
            "times": [
                {
                    "name": name,
                    "spec": system.spec,
                    "rounds_ms": system.rounds,
                    "peak_mib": system.peak_mib,
                    **system.ready,
                    "error": system.error,
                }
                for group in measured.values()
                for name, system in group.items()
            ],
        }
        path = pathlib.Path(options.output)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        path.with_suffix(".md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
