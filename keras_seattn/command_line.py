"""The flags that commands share: the data, the network, the training."""

import argparse
import json
import math
import os
import sys

from keras_seattn import applications, training
from keras_seattn.applications import checkpoints, resnet3d, resnext3d
from keras_seattn.data import motions, storage
from keras_seattn.data.catalogs import load_directory, load_hmdb51, load_kinetics, load_ucf101
from keras_seattn.data.records import open_records
from keras_seattn.data.sampling import CROP_SCALES
from keras_seattn.preprocessing import PREPROCESSINGS
from keras_seattn.training.recipe import FINE_TUNING_WEIGHT_DECAY, FROM_SCRATCH_WEIGHT_DECAY

# The builder of each network, and the names that its `weights` may have.
MODELS = {
    "resnet18": (applications.SEAResNet18_3D, resnet3d.PUBLISHED),
    "resnext101": (applications.SEAResNeXt101_3D, resnext3d.PUBLISHED),
}
# Smaller crops would lose the moving object of the demo.
DEMO_CROP_SCALES = (1.0, 0.84)


def escape_output():
    """Has what the terminal cannot show, such as names that are not UTF-8, printed escaped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # It may be None, or a notebook's.
            stream.reconfigure(errors="backslashreplace")


def print_json(content):
    """Prints JSON in UTF-8, whatever the terminal has; other bytes in names are escaped."""
    if hasattr(sys.stdout, "reconfigure"):
        # Half of a surrogate pair becomes \udc80 and the like, which is what JSON has for it.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(json.dumps(content, indent=1, ensure_ascii=False))


def count(text):
    """An argument that is a whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r}")
    return int(text)


def seed(text):
    """An argument that is a seed of random numbers."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"must be a whole number up to 2**32 - 1, not {text!r}")
    return int(text)


def add_data_flags(parser, records=True):
    """Adds `--demo`, `--dataset`, `--data-dir`, ... to an `argparse.ArgumentParser`.

    Args:
        parser: `argparse.ArgumentParser`.
        records: bool, whether the data may be records, not only videos.
    """
    datasets = ["ucf101", "hmdb51", "kinetics", "folder"]
    flags = parser.add_argument_group("data")
    flags.add_argument("--demo", action="store_true", help="make and use the motions data set")
    flags.add_argument(
        "--dataset", choices=[*datasets, "records"] if records else datasets, default="ucf101"
    )
    flags.add_argument(
        "--data-dir",
        help=f"folder of videos{', or of records (TFRecord shards)' if records else ''}; without "
        "it, the demo runs",
    )
    flags.add_argument(
        "--splits-dir",
        help="folder of the split lists of UCF-101 or HMDB51, or of "
        "Kinetics' train.csv and validate.csv (or val.csv)",
    )
    flags.add_argument("--test-dir", help="folder of test videos, for --dataset folder")
    flags.add_argument("--split", type=int, default=1, choices=[1, 2, 3])
    flags.add_argument(
        "--unreadable",
        choices=["stop", "skip"],
        default="stop",
        help="videos that cannot be read: stop and list them, or leave out up to 1%% (or one)",
    )


def check_data_flags(parser, options):
    """Ends the command if the flags do not go together; sets `demo` and `dataset` if they do."""
    if options.demo and options.data_dir:
        parser.error("--demo makes its own data set; leave out --data-dir, or --demo")
    options.demo = options.demo or options.data_dir is None
    if options.demo:
        options.dataset = "motions"
    elif options.dataset == "folder" and not options.test_dir:
        parser.error("--dataset folder needs --test-dir beside --data-dir")
    elif options.dataset not in ("folder", "records") and not options.splits_dir:
        parser.error(f"--dataset {options.dataset} needs --splits-dir beside --data-dir")


def load_catalogs(options, output_dir, seed=0):
    """The catalogs to train and to test on.

    Args:
        options: what `argparse` returns, checked with `check_data_flags`.
        output_dir: str, the folder that the demo's videos are made in.
        seed: int, of the demo's videos.

    Returns:
        `(training catalog, test catalog)`.
    """
    if options.dataset == "folder":
        return load_directory(options.data_dir), load_directory(options.test_dir)
    if options.dataset == "records":
        return tuple(
            open_records(os.path.join(options.data_dir, subset), options.unreadable)
            for subset in ("train", "test")
        )
    video_dir, splits_dir = options.data_dir, options.splits_dir
    if options.dataset == "kinetics":
        catalogs = []
        lists = storage.list_folder(splits_dir)
        for names in (("train",), ("validate", "val")):
            name = next((name for name in names if f"{name}.csv" in lists), names[0])
            # A folder for each list, or one for both.
            folders = [os.path.join(video_dir, name) for name in names]
            folder = next(filter(storage.is_folder, folders), video_dir)
            catalogs.append(load_kinetics(folder, os.path.join(splits_dir, f"{name}.csv")))
        return tuple(catalogs)
    if options.demo:
        folder = os.path.join(output_dir, "motions")
        print(f"Making the motions data set in {folder}")
        video_dir, splits_dir = motions.make(folder, seed=seed)
    load = load_hmdb51 if options.dataset == "hmdb51" else load_ucf101
    return (
        load(video_dir, splits_dir, options.split, "train"),
        load(video_dir, splits_dir, options.split, "test"),
    )


def add_network_flags(parser):
    """Adds `--model`, `--frames`, `--weights`, ... ; returns their group."""
    flags = parser.add_argument_group("network")
    flags.add_argument("--model", choices=sorted(MODELS), default="resnet18")
    flags.add_argument("--frames", type=count, default=16, help="frames of a clip")
    flags.add_argument("--size", type=count, help="side of a clip in pixels (112; demo 40)")
    flags.add_argument(
        "--width", type=float, help="factor on all filters (that of --weights; else 1, demo 0.25)"
    )
    flags.add_argument(
        "--weights",
        help="what to start from: kinetics400, kinetics400-64f or kinetics700, or a .pth, "
        ".weights.h5 or .keras file",
    )
    flags.add_argument(
        "--preprocessing",
        choices=sorted(PREPROCESSINGS),
        help="what --weights were trained with, where the file does not tell",
    )
    return flags


def add_training_flags(parser, epochs):
    """Adds `--batch-size`, `--epochs`, `--mixed-precision`, `--seed`; returns their group.

    Args:
        parser: `argparse.ArgumentParser`.
        epochs: str, what the help says of the default number of epochs.
    """
    flags = parser.add_argument_group("training")
    flags.add_argument("--batch-size", type=count, help="clips of a step (32; demo 16)")
    flags.add_argument("--epochs", type=count, help=f"({epochs})")
    flags.add_argument(
        "--mixed-precision",
        choices=["auto", "float32", "mixed_float16", "mixed_bfloat16"],
        default="auto",
        help="auto: half precision where this machine is faster with it",
    )
    flags.add_argument("--seed", type=seed, default=0)
    return flags


def fill_in(options, demo, full):
    """Sets the options that were left out, by whether it is the demo.

    Args:
        options: what `argparse` returns, checked with `check_data_flags`.
        demo, full: dicts of option names to values.
    """
    for name, value in (demo if options.demo else full).items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    if options.mixed_precision == "auto":
        options.mixed_precision = training.automatic_policy()
    if options.width is None:
        checkpoint = checkpoints.read(options.weights, MODELS[options.model][1])
        options.width = checkpoint.width if checkpoint else 0.25 if options.demo else 1.0


def network_arguments(options, classes):
    """The builder's arguments that `add_network_flags` sets, as a dict."""
    told = {"preprocessing": PREPROCESSINGS[options.preprocessing]} if options.preprocessing else {}
    return {
        **told,
        "weights": options.weights,
        "input_shape": (options.frames, options.size, options.size, 3),
        "classes": classes,
        "width": options.width,
        "data_format": "channels_last",
    }


def choose_recipe(options, epochs, training_videos, learning_rate=None, train_from_stage=None):
    """The recipe for a run: quick for the demo, else the paper's, or that of fine-tuning.

    Args:
        options: what `argparse` returns.
        epochs: int.
        training_videos: int, how many there are.
        learning_rate: float, as Keras takes it; None means the recipe's own.
        train_from_stage: int, the first stage that is trained; None for all.

    Returns:
        A `training.Recipe`.
    """
    if options.demo:
        steps = epochs * math.ceil(training_videos / options.batch_size)
        return training.quick_recipe(steps, 3e-3 if learning_rate is None else learning_rate)
    if train_from_stage:
        return training.fine_tuning_recipe(options.batch_size, learning_rate)
    return training.paper_recipe(
        options.frames,
        options.batch_size,
        learning_rate,
        weight_decay=FINE_TUNING_WEIGHT_DECAY if options.weights else FROM_SCRATCH_WEIGHT_DECAY,
    )


def crop_scales(options):
    """The sides of the training crops, for `data.train_clips`."""
    return DEMO_CROP_SCALES if options.demo else CROP_SCALES
