"""Exports a trained model for OpenVINO, ONNX Runtime, LiteRT or TensorFlow, and checks the result.

python examples/export.py --model runs/demo/model.keras --format openvino
python examples/export.py --model model.keras --format onnx --output served/actions.onnx
"""

import argparse
import pathlib
import sys

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels
from keras_seattn import command_line, errors
from keras_seattn.evaluation import load_model
from keras_seattn.export import ExportedModel, export_model, verify
from keras_seattn.export.formats import FORMATS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="a .keras file that training has saved")
    parser.add_argument("--format", required=True, choices=list(FORMATS))
    parser.add_argument(
        "--output", metavar="PATH", help="what to write (beside the model, named after it)"
    )
    options = parser.parse_args()
    command_line.escape_output()
    model_path = pathlib.Path(options.model)
    ending = FORMATS[options.format][0]
    output = options.output or str(model_path.with_suffix(ending or ".savedmodel"))
    with errors.in_one_line():
        model = load_model(model_path)
        export_model(model, output, options.format)
        result = verify(model, ExportedModel(output))
    print(
        f"Wrote {output}, keras-seattn {keras_seattn.__version__}\n"
        f"Scores differ by {result.error:.1e} at most (allowed: {result.tolerance:.0e})\n"
        f"One clip takes {result.milliseconds:.1f} ms, in Keras {result.keras_milliseconds:.1f} ms"
    )
    if not result.passed:
        sys.exit(f"error: {output} does not score as {options.model} does. Do not use it.")
    print(f"Use it: python examples/predict.py VIDEO --model {output}")


if __name__ == "__main__":
    main()
