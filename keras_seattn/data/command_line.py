"""The flags that say which data set a command works on, shared by all commands."""

import os

from keras_seattn.data import motions
from keras_seattn.data.catalogs import load_directory, load_hmdb51, load_ucf101


def add_data_flags(parser):
    """Adds `--demo`, `--dataset`, `--data-dir`, ... to an `argparse.ArgumentParser`."""
    flags = parser.add_argument_group("data")
    flags.add_argument("--demo", action="store_true", help="make and use the motions data set")
    flags.add_argument("--dataset", choices=["ucf101", "hmdb51", "folder"], default="ucf101")
    flags.add_argument("--data-dir", help="folder of videos; without it, the demo runs")
    flags.add_argument("--splits-dir", help="folder of the split lists of UCF-101 or HMDB51")
    flags.add_argument("--test-dir", help="folder of test videos, for --dataset folder")
    flags.add_argument("--split", type=int, default=1, choices=[1, 2, 3])
    flags.add_argument(
        "--unreadable",
        choices=["stop", "skip"],
        default="stop",
        help="videos that cannot be read: stop and list them, or leave up to 1%% of them out",
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
    elif options.dataset in ("ucf101", "hmdb51") and not options.splits_dir:
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
    video_dir, splits_dir = options.data_dir, options.splits_dir
    if options.demo:
        folder = os.path.join(output_dir, "motions")
        print(f"Making the motions data set in {folder}")
        video_dir, splits_dir = motions.make(folder, seed=seed)
    load = load_hmdb51 if options.dataset == "hmdb51" else load_ucf101
    return (
        load(video_dir, splits_dir, options.split, "train"),
        load(video_dir, splits_dir, options.split, "test"),
    )
