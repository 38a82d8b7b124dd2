"""Evaluates a trained model on a data set and writes a report.

python examples/evaluate.py --model runs/ucf101/model.keras --output runs/ucf101/report \\
    --data-dir UCF-101 --splits-dir ucfTrainTestlist --split 1
"""

import argparse
import os
import shlex
import sys

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels
from keras_seattn import errors, evaluation
from keras_seattn.command_line import (
    add_data_flags,
    check_data_flags,
    escape_output,
    load_catalogs,
    seed,
)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="a .keras file, or an exported model")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the report")
    parser.add_argument("--batch-size", type=int, default=32, help="clips scored at once (32)")
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME", help="classes to draw closer (20 random ones)"
    )
    parser.add_argument("--seed", type=seed, default=0, help="of the random classes (0)")
    add_data_flags(parser)
    options = parser.parse_args()
    check_data_flags(parser, options)
    return options


def main():
    options = parse_arguments()
    escape_output()
    with errors.in_one_line():
        model = evaluation.load_model(options.model)
        os.makedirs(options.output, exist_ok=True)
        _, catalog = load_catalogs(options, options.output)
        result = evaluation.evaluate(
            model, catalog, options.batch_size, unreadable=options.unreadable
        )
        # Training leaves its epochs beside the model.
        history = os.path.join(os.path.dirname(options.model), "history.csv")
        path = evaluation.write_report(
            result,
            options.output,
            title=f"{model.name} on {options.dataset}",
            history_csv=history if os.path.exists(history) else None,
            config={**vars(options), "keras_seattn": keras_seattn.__version__},
            command=shlex.join(["python", *sys.argv]),
            classes=options.classes or 20,
            seed=options.seed,
        )
    print(f"Result: {result}")
    print(f"Report: {path}")


if __name__ == "__main__":
    main()
