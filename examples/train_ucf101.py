"""Trains and evaluates an action recognition network on UCF-101, HMDB51, your videos or a demo.

python examples/train_ucf101.py --demo
python examples/train_ucf101.py --data-dir UCF-101 --splits-dir ucfTrainTestlist
python examples/train_ucf101.py --dataset folder --data-dir videos/train --test-dir videos/test
python examples/train_ucf101.py --data-dir UCF-101 --splits-dir ucfTrainTestlist \\
    --weights resnet-18-kinetics.pth --train-from-stage 4 --se-stages 4 --sa-stages 4
"""

import argparse
import datetime
import json
import os
import shlex
import sys

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels

# isort: split
import keras

from keras_seattn import command_line, errors, training
from keras_seattn.applications import checkpoints

# Small enough to learn in minutes on two cores.
DEMO = {"size": 40, "batch_size": 16, "epochs": 10}
FULL = {"size": 112, "batch_size": 32, "epochs": 100}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command_line.add_data_flags(parser)
    network = command_line.add_network_flags(parser)
    network.add_argument("--se-stages", type=int, nargs="*", default=[1, 2, 3, 4], metavar="STAGE")
    network.add_argument("--sa-stages", type=int, nargs="*", default=[1, 2, 3, 4], metavar="STAGE")
    for name, letter, default in (
        ("channel", "R", 16),
        ("sequence", "D", 2),
        ("attention", "N", 8),
    ):
        network.add_argument(
            f"--{name}-reduction", type=command_line.count, default=default, metavar=letter
        )
    run = command_line.add_training_flags(parser, epochs="100; demo 10")
    run.add_argument("--learning-rate", type=float, help="as Keras takes it (the paper's)")
    run.add_argument(
        "--train-from-stage",
        type=int,
        choices=[1, 2, 3, 4, 5],
        help="train this stage and those behind it, with the fine-tuning recipe (all; 5 is the "
        "head alone)",
    )
    run.add_argument("--output", help="folder for the results (runs/<data set>-<time>)")
    options = parser.parse_args()
    if options.train_from_stage and not options.weights:
        parser.error("--train-from-stage needs --weights, or the rest would stay random")
    command_line.check_data_flags(parser, options)
    if not options.output:
        time = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        options.output = os.path.join("runs", f"{options.dataset}-{time}")
    return options


def build(options, classes):
    """The network that the options describe."""
    builder, _ = command_line.MODELS[options.model]
    model = builder(
        **command_line.network_arguments(options, classes),
        se_stages=options.se_stages,
        sa_stages=options.sa_stages,
        channel_reduction=options.channel_reduction,
        sequence_reduction=options.sequence_reduction,
        attention_reduction=options.attention_reduction,
    )
    if options.train_from_stage:
        training.freeze_before(model, options.train_from_stage)
    return model


def print_plan(options, model, recipe, train_catalog, test_catalog):
    """Says what is about to happen, writes the same to config.json, and returns it."""
    optimizer = recipe.optimizer
    rate = optimizer.get_config()["learning_rate"]
    rate = rate["config"]["warmup_target"] if isinstance(rate, dict) else float(rate)
    start = f"weights of {options.weights}" if options.weights else "random weights"
    if options.train_from_stage == training.HEAD:
        start += "; only the head is trained"
    elif options.train_from_stage:
        start += f"; training begins at stage {options.train_from_stage}"
    split = f", split {options.split}" if options.dataset in ("ucf101", "hmdb51") else ""
    gates = f"SE in stages {options.se_stages}, self-attention in stages {options.sa_stages}"
    print(
        f"Data:     {options.dataset}{split}: {len(train_catalog)} training and "
        f"{len(test_catalog)} test videos of {len(train_catalog.class_names)} classes\n"
        f"Network:  {model.name}, width {options.width:g}, {model.count_params():,} parameters, "
        f"{gates}\n"
        f"Start:    {start}\n"
        f"Clips:    {options.frames} frames of {options.size} x {options.size} pixels, "
        f"{options.batch_size} a step, {options.mixed_precision}\n"
        f"Training: {options.epochs} epochs, {type(optimizer).__name__}, learning rate {rate:g}\n"
        f"Results:  {options.output}"
    )
    if options.demo:
        print("The demo's network and clips are a small fraction of the paper's, to fit minutes.")
    config = {
        "command": shlex.join(["python", *sys.argv]),
        **vars(options),
        "learning_rate": rate,
        "optimizer": type(optimizer).__name__,
        "class_names": list(train_catalog.class_names),
        "versions": {"keras_seattn": keras_seattn.__version__, "keras": keras.__version__},
        "backend": keras.backend.backend(),
    }
    os.makedirs(options.output, exist_ok=True)
    with open(
        os.path.join(options.output, "config.json"),
        "w",
        encoding="utf-8",
        errors="backslashreplace",
    ) as file:
        json.dump(config, file, indent=1, ensure_ascii=False)
    return config


def main():
    options = parse_arguments()
    command_line.escape_output()
    keras.utils.set_random_seed(options.seed)
    with errors.in_one_line():
        checkpoints.locate(options.weights, command_line.MODELS[options.model][1])
        command_line.fill_in(options, DEMO, FULL)
        keras.config.set_dtype_policy(options.mixed_precision)
        training.check_output(options.output)
        train_catalog, test_catalog = command_line.load_catalogs(
            options, options.output, options.seed
        )
        model = build(options, len(train_catalog.class_names))
        recipe = command_line.choose_recipe(
            options,
            options.epochs,
            len(train_catalog),
            options.learning_rate,
            options.train_from_stage,
        )
        config = print_plan(options, model, recipe, train_catalog, test_catalog)
        result = training.train(
            model,
            recipe,
            train_catalog,
            test_catalog,
            options.output,
            epochs=options.epochs,
            batch_size=options.batch_size,
            seed=options.seed,
            unreadable=options.unreadable,
            crop_scales=command_line.crop_scales(options),
            config=config,
            command=config["command"],
        )
    print(f"\nResult: {result}")
    print(f"Report: {os.path.join(options.output, 'report.html')}")
    model_path = os.path.join(options.output, "model.keras")
    print(f"Use the model: python examples/predict.py VIDEO --model {shlex.quote(model_path)}")


if __name__ == "__main__":
    main()
