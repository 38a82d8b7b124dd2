"""The flags that commands share, and the settings that they make.

Flags of settings have no defaults of their own: what is not given is as in the settings, those of
the demo, or those of `--config`.
"""

import argparse
import dataclasses
import os
import sys

from keras_seattn.configuration import changed, read_config
from keras_seattn.settings import (
    CROP_SCALES,
    DATASETS,
    MODELS,
    OF_DATASETS,
    PRECISIONS,
    PREPROCESSINGS,
    SAMPLINGS,
    DataSettings,
    NetworkSettings,
    RunSettings,
)

# Small enough to learn in minutes on two cores.
DEMO_SIZE, DEMO_WIDTH = 40, 0.25
# Smaller crops would lose the moving objects of the demo.
DEMO = RunSettings(recipe="quick", epochs=10, batch_size=16, crop_scales=(1.0, 0.84))
DEMOS = {"motions": DEMO, "parts": dataclasses.replace(DEMO, dataset="parts", crop_scales=(1.0,))}
# The settings of which one at least says which videos.
DATA = {"dataset", "data_dir", "test_dir", "list", "test_list"}


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


def group(parser, title):
    """A function that adds a flag to a new group of a parser; not given, it is not in the options.

    Flags are called as the fields of settings.
    """
    flags = parser.add_argument_group(title)

    def add(name, **options):
        return flags.add_argument(name, default=argparse.SUPPRESS, **options)

    return add


def add_data_flags(parser, records=True):
    """Adds `--demo`, `--dataset`, `--data-dir`, ...; `records`: whether they may be the data."""
    add = group(parser, "data")
    add(
        "--demo",
        nargs="?",
        const="motions",
        choices=list(DEMOS),
        help="make and use a data set: motions, the default, or parts, which is harder",
    )
    datasets = [name for name in DATASETS if name not in DEMOS and (records or name != "records")]
    add("--dataset", choices=datasets, help="(ucf101; folder with --test-dir; list with --list)")
    of_records = ", or of records (TFRecord shards)" if records else ""
    add("--data-dir", help=f"folder of videos{of_records}; without it and --dataset, the demo runs")
    add(
        "--splits-dir",
        help="folder of the split lists of UCF-101 or HMDB51, or of Kinetics' train.csv and "
        "validate.csv (or val.csv)",
    )
    add("--test-dir", help="folder of test videos, for --dataset folder")
    add(
        "--list",
        metavar="FILE",
        help="list of videos and labels, for --dataset list: lines, CSV or JSON; paths in it start "
        "from --data-dir, or from its folder",
    )
    add("--test-list", metavar="FILE", help="that of the test videos (--list, if it has a split)")
    add("--class-list", metavar="FILE", help="names of the classes of --list, one a line")
    add("--split", type=int, choices=[1, 2, 3], help="(1)")
    add(
        "--unreadable",
        choices=["stop", "skip"],
        help="videos that cannot be read: stop and list them, or leave out up to 1%% (or one)",
    )


def add_network_flags(parser):
    """Adds `--model`, `--frames`, `--weights`, ... ; returns the function that adds more."""
    add = group(parser, "network")
    add("--model", choices=list(MODELS), help="(resnet18)")
    add("--frames", type=count, help="frames of a clip (16)")
    add("--size", type=count, help=f"side of a clip in pixels (112; demo {DEMO_SIZE})")
    add(
        "--width",
        type=float,
        help=f"factor on all filters (that of --weights; else 1, demo {DEMO_WIDTH})",
    )
    add(
        "--weights",
        help="what to start from: a name such as kinetics400, which is fetched once (keras_seattn."
        "applications.weights_table() has them all), or a .pth, .weights.h5 or .keras file",
    )
    add(
        "--preprocessing",
        choices=PREPROCESSINGS,
        help="what --weights were trained with, where the file does not tell",
    )
    add(
        "--sampling",
        choices=SAMPLINGS,
        help="frames of a clip: consecutive, or spread, one of each equal part of the video (that "
        "of --weights; else consecutive)",
    )
    add("--frame-stride", type=count, metavar="N", help="take every Nth frame")
    add(
        "--frame-rate",
        type=float,
        metavar="R",
        help="take R frames a second, whatever the videos have",
    )
    return add


def add_training_flags(parser, epochs):
    """Adds `--batch-size`, `--epochs`, ...; returns the function that adds more.

    Args:
        parser: `argparse.ArgumentParser`.
        epochs: str, what the help says of the default number of epochs.
    """
    add = group(parser, "training")
    add("--batch-size", type=count, help="clips of a step (32; demo 16)")
    add("--epochs", type=count, help=f"({epochs})")
    add(
        "--clips-per-open",
        type=count,
        metavar="K",
        help="clips cut out of a video each time that it is opened: less decoding, epochs of K "
        "times as many clips (1)",
    )
    add(
        "--mixed-precision",
        choices=PRECISIONS,
        help="auto, the default: half precision where this machine is faster with it",
    )
    add("--seed", type=seed, help="(0)")
    add(
        "--save-every",
        type=float,
        metavar="SECONDS",
        help="how often the state is written that the same command goes on from (300)",
    )
    return add


def data_settings(options):
    """The `DataSettings` that flags say; ends the command if they do not go together."""
    given = vars(options)
    others = [flag(name) for name in ("data_dir", "list") if name in given]
    if given.get("demo") and others:
        options.parser.error(f"--demo makes its own data set; leave out {others[0]}, or --demo")
    if given.get("demo") or not given.keys() & DATA:
        return changed(DataSettings(), {**given, "dataset": given.get("demo", "motions")})
    dataset = _dataset(given) or "ucf101"
    _refuse_others(options, dataset)
    missing = [flag(name) for name in DATASETS[dataset] if not given.get(name)]
    if missing:
        beside = " beside --data-dir" if "data_dir" in given else ""
        options.parser.error(f"--dataset {dataset} needs {' and '.join(missing)}{beside}")
    return changed(DataSettings(), {**given, "dataset": dataset})


def _refuse_others(options, dataset):
    """Ends the command where flags are given that say nothing of this kind of data set."""
    kinds = {*DATA, "splits_dir", "split", "class_list"} - {"dataset"}
    known = {*DATASETS[dataset], *OF_DATASETS.get(dataset, ())}
    others = [flag(name) for name in vars(options) if name in kinds - known]
    if others:
        options.parser.error(f"--dataset {dataset} has nothing to do with {' and '.join(others)}")


def _dataset(given):
    """The kind of data set that flags name, or show by belonging to it; None if none does."""
    by_flag = {"test_dir": "folder", "list": "list", "test_list": "list"}
    return given.get("dataset") or next((by_flag[n] for n in by_flag if n in given), None)


def settings(options, epochs=None, demo_epochs=None):
    """The settings of a network and of a run that flags say.

    Args:
        options: what `argparse` returns.
        epochs, demo_epochs: int, how many where no flag says it; None means
            as many as runs have.

    Returns:
        `(NetworkSettings, RunSettings)`.
    """
    given = vars(options)
    if "config" not in given:
        data = data_settings(options)
        demo = data.dataset in DEMOS
        run = DEMOS.get(data.dataset, RunSettings())
        epochs = (demo_epochs if demo else epochs) or run.epochs
        run = changed(run, {**dataclasses.asdict(data), "epochs": epochs})
        network = demo_network("weights" in given) if demo else NetworkSettings()
    else:
        network, run = read_config(given["config"])
        if given.get("demo"):
            options.parser.error("--config says what the data is; leave out --demo, or --config")
        was_demo = run.dataset in DEMOS and given.keys() & DATA
        if was_demo:  # What made it quick is not for other videos.
            run = dataclasses.replace(run, recipe=None, crop_scales=CROP_SCALES)
        if was_demo or _dataset(given) not in (None, run.dataset):
            run = changed(run, dataclasses.asdict(data_settings(options)))
        elif run.dataset not in DEMOS:
            _refuse_others(options, run.dataset)
            if "list" in given:  # What belongs to another list goes with it.
                run = dataclasses.replace(run, test_list=None, class_list=None)
        if "weights" in given:  # Those of before say nothing of these.
            network = dataclasses.replace(network, width=None, preprocessing=None)
        sampling = ("sampling", "frame_stride", "frame_rate")
        if given.keys() & set(sampling):  # One of them says it all.
            network = dataclasses.replace(network, **dict.fromkeys(sampling))
        if given.keys() & {"weights", "model", "train_from_stage"}:
            network = dataclasses.replace(network, se_stages=None, sa_stages=None)
    return changed(network, given), changed(run, given)


def load_model(path):
    """The model of `--model`; says so if the training that it is of is not finished."""
    from keras_seattn import prediction

    model = prediction.load_model(path)
    note = os.path.join(os.path.dirname(path), prediction.models.UNFINISHED)
    if os.path.exists(note):
        print(f"The training of {path} is not finished; see {note}.", file=sys.stderr)
    return model


def print_result(result):
    """Prints a result, and of `data.parts` the share of videos of which each part is right."""
    from keras_seattn.data import parts
    from keras_seattn.evaluation.intervals import as_text, share_interval

    print(f"Result: {result}")
    if set(result.class_names) == set(parts.CLASS_NAMES):
        found = parts.right_parts(result.class_names, result.labels, result.predicted)
        for name, right in found.items():
            interval = as_text(share_interval(right, groups=result.group_numbers))
            print(f"  {name} {right.mean():.4f} ({interval})")


def demo_network(weights=False):
    """The `NetworkSettings` of the demo; `weights`: whether a file says its width."""
    return NetworkSettings(size=DEMO_SIZE, width=None if weights else DEMO_WIDTH)


def resolved(network, run):
    """Settings with nothing left open: what width, stages and precision come to here."""
    from keras_seattn import training
    from keras_seattn.applications import building

    if run.mixed_precision == "auto":
        run = dataclasses.replace(run, mixed_precision=training.automatic_policy())
    return building.resolved(network, run.train_from_stage or 1), run


def words(network, run):
    """The flags that make these settings of a network and of a run."""
    demo = run.dataset in DEMOS
    found = ["--demo", run.dataset] if demo else []
    start = demo_network(bool(network.weights)) if demo else NetworkSettings()
    for settings, default in ((network, start), (run, DEMOS.get(run.dataset, RunSettings()))):
        for field in dataclasses.fields(settings):
            value = getattr(settings, field.name)
            if field.name in ("recipe", "crop_scales") or (demo and field.name == "dataset"):
                continue
            if value != getattr(default, field.name) and value is not None:
                values = value if isinstance(value, tuple) else [value]
                found += [flag(field.name), *map(str, values)]
    return found


def flag(name):
    """The flag of a field of settings."""
    return f"--{name.replace('_', '-')}"
