"""Evaluates a trained model on a data set and writes a report.

keras-seattn evaluate --model runs/ucf101/model.keras --output runs/ucf101/report \\
    --data-dir UCF-101 --splits-dir ucfTrainTestlist --split 1
keras-seattn evaluate --model runs/mine/model.keras --output report --test-dir videos/test
keras-seattn evaluate --model runs/mine/model.keras --output report --test-list test.csv
keras-seattn evaluate --report runs/attention --compare runs/base --output runs/compared
"""

import dataclasses
import os

from keras_seattn.commands import flags
from keras_seattn.settings import DataSettings
from keras_seattn.version import __version__


def add_flags(parser):
    scored = parser.add_mutually_exclusive_group(required=True)
    scored.add_argument("--model", help="a .keras file, or an exported model")
    scored.add_argument(
        "--report",
        metavar="DIR",
        help="folder of a training or a report, whose scores are taken: no model, no data",
    )
    parser.add_argument(
        "--compare", metavar="DIR", help="folder of another one, to compare the result with"
    )
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
    if options.compare and os.path.realpath(options.compare) == os.path.realpath(options.output):
        options.parser.error("--output would overwrite what --compare names; name another folder")

    from keras_seattn import evaluation

    other = evaluation.load_result(options.compare) if options.compare else None
    result, title, made = _stored(options) if options.report else _scored(options)
    comparison = evaluation.compare(result, other) if other else None
    # Training leaves its epochs beside the model.
    folder = options.report or os.path.dirname(options.model)
    history, clips = (os.path.join(folder, name) for name in ("history.csv", "clips.png"))
    path = evaluation.write_report(
        result,
        options.output,
        title=title,
        history_csv=history if os.path.exists(history) else None,
        clips_png=clips if os.path.exists(clips) else None,
        config={
            **made,
            "compare": options.compare,
            "output": options.output,
            "classes": options.classes,
            "seed": options.seed,
            "keras_seattn": __version__,
        },
        command=options.command_line,
        classes=options.classes or 20,
        seed=options.seed,
        comparison=comparison,
    )
    flags.print_result(result)
    if comparison:
        print(f"Compared with {options.compare}: {comparison}")
    print(f"Report: {path}")


def _scored(options):
    """The result of a model, a title, and what it was made with."""
    given = vars(options)
    # Only test videos are scored: one folder or list is enough, by either flag.
    if given.get("dataset") == "folder" or "test_dir" in given:
        folder = given.get("test_dir") or given.get("data_dir")
        given.update(dataset="folder", data_dir=folder, test_dir=folder)
    elif given.get("dataset") == "list" or given.keys() & {"list", "test_list"}:
        given.update(dataset="list", list=given.pop("test_list", None) or given.get("list"))
    data = flags.data_settings(options)

    from keras_seattn import evaluation
    from keras_seattn.data import datasets
    from keras_seattn.description import class_names_of

    model = flags.load_model(options.model)
    os.makedirs(options.output, exist_ok=True)
    catalog = datasets.load_test(data, options.output, class_names_of(model))
    result = evaluation.evaluate(
        model,
        catalog,
        options.batch_size,
        unreadable=data.unreadable,
        clips_per_video=options.clips_per_video,
        crops=options.crops,
    )
    made = {
        "model": options.model,
        "batch_size": options.batch_size,
        "clips_per_video": options.clips_per_video,
        "crops": options.crops,
        **dataclasses.asdict(data),
    }
    return result, f"{model.name} on {data.dataset}", made


def _stored(options):
    """The same of a report."""
    from keras_seattn import evaluation

    of_data = {"demo", *(field.name for field in dataclasses.fields(DataSettings))}
    if given := sorted(of_data.intersection(vars(options))):
        named = ", ".join(map(flags.flag, given))
        options.parser.error(f"--report has its scores already; leave out {named}")
    if options.clips_per_video or options.crops != 1:
        options.parser.error(
            "--report has its scores already; leave out --clips-per-video and --crops"
        )
    return evaluation.load_result(options.report), options.report, {"report": options.report}
