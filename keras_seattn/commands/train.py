"""Trains and evaluates a network on UCF-101, HMDB51, Kinetics, your own videos or a demo.

keras-seattn train --demo  # or --demo parts
keras-seattn train --data-dir UCF-101 --splits-dir ucfTrainTestlist
keras-seattn train --dataset folder --data-dir videos/train --test-dir videos/test
keras-seattn train --dataset list --list train.csv --test-list test.csv
keras-seattn train --data-dir UCF-101 --splits-dir ucfTrainTestlist \\
    --weights kinetics400 --train-from-stage 4
keras-seattn train --dataset folder --data-dir videos/train --test-dir videos/test --hold-out 0.1
keras-seattn train --config runs/ucf101/config.json --seed 1  # that run again, but for the seed

Stopped at any moment and started again with the same command, it goes on.
"""

import dataclasses
import hashlib
import json
import math
import os
import shlex

from keras_seattn.commands import flags
from keras_seattn.version import __version__


def add_flags(parser):
    flags.add_data_flags(parser)
    network = flags.add_network_flags(parser)
    stages = {"se": "(1 2 3 4", "sa": "(1 2 3 4; of r3d_18 and the like 2 3 4"}
    for name, default in stages.items():
        help = f"{default}; of frozen stages those that --weights have)"
        network(f"--{name}-stages", type=int, nargs="*", metavar="STAGE", help=help)
    for name, letter, default in (
        ("channel", "R", 16),
        ("sequence", "D", 2),
        ("attention", "N", 8),
    ):
        network(f"--{name}-reduction", type=flags.count, metavar=letter, help=f"({default})")
    run = flags.add_training_flags(parser, epochs="100; demo 10")
    run("--learning-rate", type=float, help="as Keras takes it (the paper's)")
    run(
        "--train-from-stage",
        type=int,
        choices=[1, 2, 3, 4, 5],
        help="train this stage and those behind it, with the fine-tuning recipe (all; 5 is the "
        "head alone)",
    )
    run(
        "--hold-out",
        type=float,
        metavar="SHARE",
        help="validate on so much of the training videos, in whole groups, such as 0.1 (on the "
        "test videos, as the paper's code does)",
    )
    run("--config", metavar="JSON", help="config.json of a run, to repeat; other flags win over it")
    parser.add_argument(
        "--output",
        help="folder for the results (runs/<data set>-<network>-<digest of the settings>)",
    )


def run(options):
    network, run = flags.settings(options)
    if run.train_from_stage and not network.weights:
        options.parser.error("--train-from-stage needs --weights, or the rest would stay random")
    output = options.output or os.path.join("runs", _name(network, run))

    import keras

    from keras_seattn import training
    from keras_seattn.applications import building
    from keras_seattn.training.run import validated_on

    building.locate_weights(network)
    network, run = flags.resolved(network, run)
    training.check_output(output)
    model, recipe, train_catalog, test_catalog, validation_catalog = prepare(network, run, output)
    optimizer = recipe.optimizer
    rate = optimizer.get_config()["learning_rate"]
    rate = rate["config"]["warmup_target"] if isinstance(rate, dict) else float(rate)
    config = {
        "command": options.command_line,
        **dataclasses.asdict(network),
        **dataclasses.asdict(run),
        "output": output,
        "optimizer": type(optimizer).__name__,
        "highest_learning_rate": rate,
        "class_names": list(train_catalog.class_names),
        "versions": {"keras_seattn": __version__, "keras": keras.__version__},
        "backend": keras.backend.backend(),
    }
    validation = validated_on(validation_catalog)
    print(_plan(network, run, config, model, len(train_catalog), len(test_catalog), validation))
    result = training.train(
        model,
        recipe,
        train_catalog,
        test_catalog,
        output,
        run,
        validation_catalog=validation_catalog,
        config=config,
        command=options.command_line,
    )
    print()
    flags.print_result(result)
    print(f"Report: {os.path.join(output, 'report.html')}")
    model_path = shlex.quote(os.path.join(output, "model.keras"))
    print(f"Use the model: keras-seattn predict VIDEO --model {model_path}")


def prepare(network, run, output):
    """What a run trains: `(model, recipe, training, test and validation catalog)`.

    The last is None where the test videos are validated on.

    Args:
        network, run: the settings, resolved.
        output: str, the folder of the run.
    """
    import keras

    from keras_seattn import training
    from keras_seattn.applications import building
    from keras_seattn.data import datasets, hold_out
    from keras_seattn.errors import InputError

    keras.utils.set_random_seed(run.seed)
    keras.config.set_dtype_policy(run.mixed_precision)
    train_catalog, test_catalog = datasets.load(run, output, run.seed)
    validation_catalog = None
    if run.hold_out:
        # The same videos for each seed of the run, so that runs can be compared.
        try:
            train_catalog, validation_catalog = hold_out(train_catalog, run.hold_out)
        except InputError as error:
            raise InputError(f"--hold-out {run.hold_out:g}: {error}") from error
    model = building.build(network, len(train_catalog.class_names))
    if run.train_from_stage:
        training.freeze_before(model, run.train_from_stage)
    recipe = training.make_recipe(run, network, len(train_catalog))
    return model, recipe, train_catalog, test_catalog, validation_catalog


def _name(network, run):
    """A name for the folder of a run: the same settings, and none else, have the same."""
    settings = dataclasses.asdict(network) | dataclasses.asdict(run)
    del settings["save_every"]
    if run.recipe != "quick":  # The others may go on for more epochs.
        del settings["epochs"]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return f"{run.dataset}-{network.model}-{digest[:6]}"


def _plan(network, run, config, model, training_videos, test_videos, validation):
    """What is about to happen, as text."""
    from keras_seattn import training

    start = f"weights of {network.weights}" if network.weights else "random weights"
    count = f"{model.count_params():,} parameters"
    if run.train_from_stage:
        trained = sum(math.prod(weight.shape) for weight in model.trainable_weights)
        count += f", {trained:,} of them trained"
        start += f"; {training.frozen_as_text(run.train_from_stage)}"
    split = f", split {run.split}" if run.dataset in ("ucf101", "hmdb51") else ""
    stages = [list(network.se_stages), list(network.sa_stages)]
    text = (
        f"Data:     {run.dataset}{split}: {training_videos} training and "
        f"{test_videos} test videos of {len(config['class_names'])} classes\n"
        f"Network:  {model.name}, width {network.width:g}, {count}, "
        f"SE in stages {stages[0]}, self-attention in stages {stages[1]}\n"
        f"Start:    {start}\n"
        f"Clips:    {network.frames} frames{_sampling(model)} of {network.size} x {network.size} "
        "pixels, "
        f"{min(run.batch_size, run.clips_per_open * training_videos)} a step, "
        f"{run.mixed_precision}\n"
        f"Training: {run.epochs} epochs, {config['optimizer']}, learning rate "
        f"{config['highest_learning_rate']:g}; validated on {validation}\n"
        f"Results:  {config['output']}"
    )
    if run.dataset in flags.DEMOS:
        text += (
            "\nThe demo's network and clips are a small fraction of the paper's, to fit minutes."
        )
    return text


def _sampling(model):
    """Which frames the clips have, as a part of a sentence; "" for consecutive ones."""
    from keras_seattn import preprocessing

    sampling = preprocessing.preprocessing_of(model).sampling
    return "" if sampling == preprocessing.CONSECUTIVE else f" ({sampling})"
