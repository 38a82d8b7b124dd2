"""Searches the reduction ratios r (channel) and d (sequence) with Keras Tuner.

python tuning/search_reductions.py --demo --max-trials 6
python tuning/search_reductions.py --data-dir UCF-101 --splits-dir ucfTrainTestlist \\
    --weights resnet-18-kinetics.pth --executions-per-trial 3
python tuning/search_reductions.py --demo --workers 2 --output runs/grid  # side by side, here

Killed at any moment and started again with the same command, it goes on.
"""

import argparse
import logging
import os
import shlex
import sys

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels

# isort: split
import keras

from keras_seattn import command_line, errors, tuning
from keras_seattn.applications import checkpoints
from keras_seattn.tuning import workers
from keras_seattn.tuning.hypermodel import parse_stages

DEMO = {"size": 40, "batch_size": 16, "epochs": 6}
FULL = {"size": 112, "batch_size": 32, "epochs": 20}


def stages(text):
    """An argument like 1,2,3,4 or 3,4 or none."""
    try:
        return parse_stages(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command_line.add_data_flags(parser)
    command_line.add_network_flags(parser)
    space = parser.add_argument_group("what is searched: values, one or more for each")
    for name, default in (
        ("channel", [2, 4, 8, 16, 32, 64]),
        ("sequence", [1, 2, 4, 8]),
        ("attention", [8]),
    ):
        space.add_argument(
            f"--{name}-reductions",
            type=command_line.count,
            nargs="+",
            default=default,
            metavar="N",
            help=f"({' '.join(map(str, default))})",
        )
    for name in ("se", "sa"):
        space.add_argument(
            f"--{name}-stages",
            type=stages,
            nargs="+",
            default=[(1, 2, 3, 4)],
            metavar="STAGES",
            help="like 1,2,3,4 3,4 none (1,2,3,4)",
        )
    space.add_argument("--learning-rates", type=float, nargs="+", default=[None], metavar="RATE")
    search = parser.add_argument_group("search")
    search.add_argument(
        "--tuner",
        choices=list(tuning.TUNERS),
        help="(grid; with --max-trials random, for a part of a grid leaves whole ratios out)",
    )
    search.add_argument("--max-trials", type=command_line.count, help="(all that there are)")
    search.add_argument("--executions-per-trial", type=command_line.count, default=1, metavar="N")
    search.add_argument("--objective", choices=tuning.OBJECTIVES, default="val_top1")
    search.add_argument("--workers", type=command_line.count, help="run so many side by side here")
    search.add_argument("--worker-timeout", type=float, default=60, metavar="SECONDS")
    search.add_argument("--output", help="folder for the results (runs/tuning-<data set>)")
    command_line.add_training_flags(parser, epochs="20; demo 6")
    options = parser.parse_args()
    command_line.check_data_flags(parser, options)
    options.tuner = options.tuner or ("random" if options.max_trials else "grid")
    options.output = options.output or os.path.join("runs", f"tuning-{options.dataset}")
    return options


def search(options):
    """Runs the search, or this process's part of it, and says what came out."""
    keras.config.set_dtype_policy(options.mixed_precision)
    train_catalog, test_catalog = command_line.load_catalogs(options, options.output, options.seed)
    builder, _ = command_line.MODELS[options.model]
    hypermodel = tuning.ReductionHyperModel(
        builder,
        options.channel_reductions,
        options.sequence_reductions,
        options.attention_reductions,
        options.se_stages,
        options.sa_stages,
        options.learning_rates,
        options.batch_size,
        **command_line.network_arguments(options, len(train_catalog.class_names)),
    )
    networks = hypermodel.configurations()
    print(f"{len(networks)} different networks; results: {options.output}")
    for text in dict.fromkeys(filter(None, map(hypermodel.also, networks))):
        print(f"searched once, {text}")

    def recipe(epochs, training_videos, learning_rate):
        return command_line.choose_recipe(options, epochs, training_videos, learning_rate)

    result = tuning.search_reductions(
        hypermodel,
        train_catalog,
        test_catalog,
        options.output,
        tuner=options.tuner,
        objective=options.objective,
        max_trials=options.max_trials,
        epochs=options.epochs,
        executions_per_trial=options.executions_per_trial,
        batch_size=options.batch_size,
        seed=options.seed,
        recipe=recipe,
        unreadable=options.unreadable,
        crop_scales=command_line.crop_scales(options),
        worker_timeout=options.worker_timeout,
        config={**vars(options), "versions": {"keras_seattn": keras_seattn.__version__}},
        command=shlex.join(["python", *sys.argv]),
        full_training=lambda settings: full_training(options, settings),
    )
    if result is None:  # a worker; the chief tells the rest
        return
    model = shlex.quote(os.path.join(options.output, "model.keras"))
    print(
        f"\n{result}\n\nTest videos, trial {result.best.number}: top-1 {result.test.top1:.4f} "
        f"({result.test.low:.3f} to {result.test.high:.3f}) of {result.test.videos} videos\n"
        f"Report: {os.path.join(options.output, 'search.html')}\n"
        f"Train it fully: {full_training(options, result.best.settings)}\n"
        f"Use the model: python examples/predict.py VIDEO --model {model}"
    )


def full_training(options, settings):
    """The command that trains a configuration fully."""
    words = ["python", "examples/train_ucf101.py"]
    if options.demo:
        words += ["--demo"]
    else:
        for name in ("dataset", "data_dir", "splits_dir", "test_dir", "split"):
            value = getattr(options, name)
            if value is not None:
                words += [f"--{name.replace('_', '-')}", str(value)]
    for name in ("model", "frames", "size", "weights"):
        if getattr(options, name) is not None:
            words += [f"--{name}", str(getattr(options, name))]
    words += ["--width", f"{options.width:g}", "--batch-size", str(options.batch_size)]
    words += ["--mixed-precision", options.mixed_precision]
    for name, value in settings.items():
        if isinstance(value, tuple):
            words += [f"--{name.replace('_', '-')}", *map(str, value)]
        elif value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


def main():
    options = parse_arguments()
    command_line.escape_output()
    workers.end_with_launcher()
    # It warns that many models were compiled, which is what a search does.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with errors.in_one_line():
        checkpoints.locate(options.weights, command_line.MODELS[options.model][1])
        command_line.fill_in(options, DEMO, FULL)
        if options.workers and tuning.role() == "single":
            # Once, for all of them.
            command_line.load_catalogs(options, options.output, options.seed)
            os.makedirs(options.output, exist_ok=True)
            command = [sys.executable, *sys.argv]
            sys.exit(workers.run_workers(command, options.workers, options.output))
        search(options)


if __name__ == "__main__":
    main()
