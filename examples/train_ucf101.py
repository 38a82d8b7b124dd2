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
import math
import os
import shlex
import sys

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels

# isort: split
import keras

from keras_seattn import applications, training
from keras_seattn.applications import checkpoints, resnet3d, resnext3d
from keras_seattn.data.command_line import add_data_flags, check_data_flags, load_catalogs
from keras_seattn.data.sampling import CROP_SCALES
from keras_seattn.training.recipe import FINE_TUNING_WEIGHT_DECAY, FROM_SCRATCH_WEIGHT_DECAY

# The builder of each network, and the names that its `weights` may have.
MODELS = {
    "resnet18": (applications.SEAResNet18_3D, resnet3d.PUBLISHED),
    "resnext101": (applications.SEAResNeXt101_3D, resnext3d.PUBLISHED),
}
# Small enough to learn in minutes on two cores.
DEMO = {"size": 40, "batch_size": 16, "epochs": 10}
# Smaller crops would lose the moving object.
DEMO_CROP_SCALES = (1.0, 0.84)
FULL = {"size": 112, "batch_size": 32, "epochs": 100}


def count(text):
    """An argument that is a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r}")
    return int(text)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_flags(parser)
    network = parser.add_argument_group("network")
    network.add_argument("--model", choices=sorted(MODELS), default="resnet18")
    network.add_argument("--frames", type=count, default=16, help="frames of a clip")
    network.add_argument("--size", type=count, help="side of a clip in pixels (112; demo 40)")
    network.add_argument(
        "--width", type=float, help="factor on all filters (that of --weights; else 1, demo 0.25)"
    )
    network.add_argument("--se-stages", type=int, nargs="*", default=[1, 2, 3, 4], metavar="STAGE")
    network.add_argument("--sa-stages", type=int, nargs="*", default=[1, 2, 3, 4], metavar="STAGE")
    network.add_argument("--channel-reduction", type=count, default=16, metavar="R")
    network.add_argument("--sequence-reduction", type=count, default=2, metavar="D")
    network.add_argument(
        "--weights",
        help="what to start from: kinetics400, kinetics400-64f or kinetics700, or a .pth, "
        ".weights.h5 or .keras file",
    )
    run = parser.add_argument_group("training")
    run.add_argument("--batch-size", type=count, help="clips of a step (32; demo 16)")
    run.add_argument("--epochs", type=count, help="(100; demo 10)")
    run.add_argument("--learning-rate", type=float, help="as Keras takes it (the paper's)")
    run.add_argument(
        "--train-from-stage",
        type=int,
        choices=[1, 2, 3, 4, 5],
        help="train this stage and those behind it, with the fine-tuning recipe (all; 5 is the "
        "head alone)",
    )
    run.add_argument(
        "--mixed-precision",
        choices=["auto", "float32", "mixed_float16", "mixed_bfloat16"],
        default="auto",
        help="auto: half precision where this machine is faster with it",
    )
    run.add_argument("--output", help="folder for the results (runs/<data set>-<time>)")
    run.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.train_from_stage and not options.weights:
        parser.error("--train-from-stage needs --weights, or the rest would stay random")
    check_data_flags(parser, options)
    if options.mixed_precision == "auto":
        options.mixed_precision = training.automatic_policy()
    for name, value in (DEMO if options.demo else FULL).items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    if not options.output:
        time = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        options.output = os.path.join("runs", f"{options.dataset}-{time}")
    return options


def build(options, classes):
    """The network that the options describe."""
    builder, published = MODELS[options.model]
    checkpoint = checkpoints.read(options.weights, published)
    if options.width is None:
        options.width = checkpoint.width if checkpoint else 0.25 if options.demo else 1.0
    model = builder(
        weights=options.weights,
        input_shape=(options.frames, options.size, options.size, 3),
        classes=classes,
        se_stages=options.se_stages,
        sa_stages=options.sa_stages,
        channel_reduction=options.channel_reduction,
        sequence_reduction=options.sequence_reduction,
        width=options.width,
        data_format="channels_last",
    )
    if options.train_from_stage:
        training.freeze_before(model, options.train_from_stage)
    return model


def choose_recipe(options, training_videos):
    if options.demo:
        steps = options.epochs * math.ceil(training_videos / options.batch_size)
        rate = 3e-3 if options.learning_rate is None else options.learning_rate
        return training.quick_recipe(steps, rate)
    if options.train_from_stage:
        return training.fine_tuning_recipe(options.batch_size, options.learning_rate)
    return training.paper_recipe(
        options.frames,
        options.batch_size,
        options.learning_rate,
        weight_decay=FINE_TUNING_WEIGHT_DECAY if options.weights else FROM_SCRATCH_WEIGHT_DECAY,
    )


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
    gates = f"SE in stages {options.se_stages}, self-attention in stages {options.sa_stages}"
    print(
        f"Data:     {options.dataset}, split {options.split}: {len(train_catalog)} training and "
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
    with open(os.path.join(options.output, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=1, ensure_ascii=False)
    return config


def main():
    options = parse_arguments()
    keras.utils.set_random_seed(options.seed)
    keras.config.set_dtype_policy(options.mixed_precision)
    try:
        checkpoints.locate(options.weights, MODELS[options.model][1])
        training.check_output(options.output)
        train_catalog, test_catalog = load_catalogs(options, options.output, options.seed)
        model = build(options, len(train_catalog.class_names))
        recipe = choose_recipe(options, len(train_catalog))
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
            crop_scales=DEMO_CROP_SCALES if options.demo else CROP_SCALES,
            config=config,
            command=config["command"],
        )
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")
    print(f"\nResult: {result}")
    print(f"Report: {os.path.join(options.output, 'report.html')}")
    model_path = os.path.join(options.output, "model.keras")
    print(f"Use the model: python examples/predict.py VIDEO --model {shlex.quote(model_path)}")


if __name__ == "__main__":
    main()
