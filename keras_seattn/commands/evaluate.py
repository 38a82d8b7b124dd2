"""Evaluates a trained model on a data set and writes a report.

keras-seattn evaluate --model runs/ucf101/model.keras --output runs/ucf101/report \\
    --data-dir UCF-101 --splits-dir ucfTrainTestlist --split 1
keras-seattn evaluate --model runs/mine/model.keras --output report --test-dir videos/test
keras-seattn evaluate --model runs/mine/model.keras --output report --test-list test.csv
"""

import dataclasses
import os

from keras_seattn.commands import flags
from keras_seattn.version import __version__


def add_flags(parser):
    parser.add_argument("--model", required=True, help="a .keras file, or an exported model")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the report")
    parser.add_argument("--batch-size", type=int, default=32, help="clips scored at once (32)")
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME", help="classes to draw closer (20 random ones)"
    )
    parser.add_argument("--seed", type=flags.seed, default=0, help="of the random classes (0)")
    parser.add_argument(
        "--clips-per-video",
        type=flags.count,
        metavar="N",
        help="score N clips, evenly spread over the video (all that do not overlap)",
    )
    parser.add_argument(
        "--crops",
        type=int,
        choices=[1, 3],
        default=1,
        help="score the centre, or both ends of the longer side too (1)",
    )
    flags.add_data_flags(parser)


def run(options):
    given = vars(options)
    # Only test videos are scored: one folder or list is enough, by either flag.
    if given.get("dataset") == "folder" or "test_dir" in given:
        folder = given.get("test_dir") or given.get("data_dir")
        given.update(dataset="folder", data_dir=folder, test_dir=folder)
    elif given.get("dataset") == "list" or given.keys() & {"list", "test_list"}:
        path = given.get("test_list") or given.get("list")
        given.update(dataset="list", list=path, test_list=path)
    data = flags.data_settings(options)

    from keras_seattn import evaluation
    from keras_seattn.data import datasets

    model = flags.load_model(options.model)
    os.makedirs(options.output, exist_ok=True)
    _, catalog = datasets.load(data, options.output)
    result = evaluation.evaluate(
        model,
        catalog,
        options.batch_size,
        unreadable=data.unreadable,
        clips_per_video=options.clips_per_video,
        crops=options.crops,
    )
    # Training leaves its epochs beside the model.
    history = os.path.join(os.path.dirname(options.model), "history.csv")
    path = evaluation.write_report(
        result,
        options.output,
        title=f"{model.name} on {data.dataset}",
        history_csv=history if os.path.exists(history) else None,
        config={
            "model": options.model,
            "output": options.output,
            "batch_size": options.batch_size,
            "clips_per_video": options.clips_per_video,
            "crops": options.crops,
            "classes": options.classes,
            "seed": options.seed,
            **dataclasses.asdict(data),
            "keras_seattn": __version__,
        },
        command=options.command_line,
        classes=options.classes or 20,
        seed=options.seed,
    )
    print(f"Result: {result}")
    print(f"Report: {path}")
