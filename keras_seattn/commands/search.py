"""Searches the reduction ratios r (channel) and d (sequence) with Keras Tuner.

keras-seattn search --demo --max-trials 6
keras-seattn search --data-dir UCF-101 --splits-dir ucfTrainTestlist \\
    --weights resnet-18-kinetics.pth --executions-per-trial 3
keras-seattn search --demo --workers 2 --output runs/grid  # side by side, here

Killed at any moment and started again with the same command, it goes on.
"""

import argparse
import dataclasses
import os
import shlex
import signal
import sys

from keras_seattn.commands import flags
from keras_seattn.configuration import changed
from keras_seattn.settings import (
    OBJECTIVES,
    TUNERS,
    RunSettings,
    SearchSettings,
    checked_stages,
    parse_stages,
)
from keras_seattn.version import __version__

EPOCHS, DEMO_EPOCHS = 20, 6


class _AddStages(argparse.Action):
    """Adds one set of stages, 3 4; or, as the flag once was, several: 1,2,3,4 3,4 none."""

    def __call__(self, parser, options, values, option_string=None):
        several = any("," in value or value == "none" for value in values)
        try:
            if several:
                added = [parse_stages(value) for value in values]
            else:
                numbers = [parse_stages(value)[0] for value in values]
                added = [checked_stages(numbers, self.dest)]
        except ValueError as error:
            raise argparse.ArgumentError(self, str(error)) from error
        setattr(options, self.dest, [*getattr(options, self.dest, ()), *added])


def add_flags(parser):
    flags.add_data_flags(parser)
    flags.add_network_flags(parser)
    space = flags.group(parser, "what is searched: values, one or more for each")
    for name, values in (
        ("channel", "2 4 8 16 32 64"),
        ("sequence", "1 2 4 8"),
        ("attention", "8"),
    ):
        _add(space, f"{name}-reduction", flags.count, f"({values})")
    for name in ("se", "sa"):
        space(
            f"--{name}-stages",
            action=_AddStages,
            nargs="*",
            metavar="STAGE",
            help="one set of stages; give it again for another (1 2 3 4)",
        )
    _add(space, "learning-rate", float, "(the recipe's)")
    add = flags.group(parser, "search")
    add(
        "--tuner",
        choices=TUNERS,
        help="(grid; with --max-trials random, for a part of a grid leaves whole ratios out)",
    )
    add("--max-trials", type=flags.count, help="(all that there are)")
    add("--executions-per-trial", type=flags.count, metavar="N", help="(1)")
    add("--objective", choices=OBJECTIVES, help="(val_top1)")
    add("--worker-timeout", type=float, metavar="SECONDS", help="(60)")
    parser.add_argument("--workers", type=flags.count, help="run so many side by side here")
    parser.add_argument("--output", help="folder for the results (runs/tuning-<data set>)")
    flags.add_training_flags(parser, epochs="20; demo 6")


def _add(space, name, kind, text):
    """Adds a flag of several values, and its old name, in the plural, which help leaves out."""
    metavar = "RATE" if kind is float else "N"
    options = {"type": kind, "nargs": "+", "metavar": metavar, "dest": f"{name.replace('-', '_')}s"}
    space(f"--{name}", help=text, **options)
    space(f"--{name}s", help=argparse.SUPPRESS, **options)


def run(options):
    space = (
        "channel_reductions", "sequence_reductions", "attention_reductions", "se_stages",
        "sa_stages", "learning_rates",
    )  # fmt: skip
    space = {name: vars(options).pop(name) for name in space if name in options}
    network, run = flags.settings(options, EPOCHS, DEMO_EPOCHS)
    output = options.output or os.path.join("runs", f"tuning-{run.dataset}")

    import logging

    from keras_seattn import tuning
    from keras_seattn.applications import building
    from keras_seattn.data import datasets
    from keras_seattn.tuning import workers

    if tuning.role() != "single":
        # At once: the threads that talk to the others would outlive an exception.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    workers.end_with_launcher()
    # It warns that many models were compiled, which is what a search does.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    building.locate_weights(network)
    network, run = flags.resolved(network, run)
    if options.workers and tuning.role() == "single":
        datasets.load(run, output, run.seed)  # Once, for all of them.
        os.makedirs(output, exist_ok=True)
        command = [sys.executable, "-m", "keras_seattn", *shlex.split(options.command_line)[1:]]
        return workers.run_workers(command, options.workers, output)
    search = changed(SearchSettings(), dataclasses.asdict(run))
    search = changed(search, {"tuner": "random" if "max_trials" in options else "grid"})
    search = changed(search, vars(options))
    return _search(options, network, run, search, space, output)


def _search(options, network, run, search, space, output):
    """Runs the search, or this process's part of it, and says what came out."""
    import keras

    from keras_seattn import training, tuning
    from keras_seattn.applications import building
    from keras_seattn.data import datasets

    keras.config.set_dtype_policy(run.mixed_precision)
    train_catalog, test_catalog = datasets.load(run, output, run.seed)
    hypermodel = tuning.ReductionHyperModel(
        building.builder_of(network),
        batch_size=run.batch_size,
        **{"se_stages": [network.se_stages], "sa_stages": [network.sa_stages], **space},
        **building.base_arguments(network, len(train_catalog.class_names)),
    )
    networks = hypermodel.configurations()
    print(f"{len(networks)} different networks; results: {output}")
    for text in dict.fromkeys(filter(None, map(hypermodel.also, networks))):
        print(f"searched once, {text}")

    def recipe(epochs, training_videos, learning_rate):
        settings = dataclasses.replace(run, epochs=epochs, learning_rate=learning_rate)
        return training.make_recipe(settings, network, training_videos)

    def full_training(chosen):
        return _full_training(network, run, chosen)

    result = tuning.search_reductions(
        hypermodel,
        train_catalog,
        test_catalog,
        output,
        search,
        recipe=recipe,
        config={
            **dataclasses.asdict(network),
            **dataclasses.asdict(run),
            **dataclasses.asdict(search),
            **hypermodel.choices,
            "versions": {"keras_seattn": __version__},
        },
        command=options.command_line,
        full_training=full_training,
    )
    if result is None:  # a worker; the chief tells the rest
        return
    model = shlex.quote(os.path.join(output, "model.keras"))
    print(
        f"\n{result}\n\nTest videos, trial {result.best.number}: top-1 {result.test.top1:.4f} "
        f"({result.test.low:.4f} to {result.test.high:.4f}) of {result.test.videos} videos\n"
        f"Report: {os.path.join(output, 'search.html')}\n"
        f"Train it fully: {full_training(result.best.settings)}\n"
        f"Use the model: keras-seattn predict VIDEO --model {model}"
    )


def _full_training(network, run, chosen):
    """The command that trains a configuration fully."""
    whole = flags.DEMOS.get(run.dataset, RunSettings())
    run = dataclasses.replace(run, epochs=whole.epochs, seed=whole.seed)
    words = flags.words(changed(network, chosen), changed(run, chosen))
    return shlex.join(["keras-seattn", "train", *words])
