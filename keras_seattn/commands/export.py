"""Exports a trained model for OpenVINO, ONNX Runtime, LiteRT or TensorFlow, and checks the result.

keras-seattn export --model runs/demo/model.keras --format openvino
keras-seattn export --model model.keras --format onnx --output served/actions.onnx
"""

import pathlib
import shlex

from keras_seattn.commands import flags
from keras_seattn.version import __version__


def add_flags(parser):
    parser.add_argument("--model", required=True, help="a .keras file that training has saved")
    parser.add_argument(
        "--format", required=True, choices=["openvino", "onnx", "litert", "savedmodel"]
    )
    parser.add_argument(
        "--output", metavar="PATH", help="what to write (beside the model, named after it)"
    )


def run(options):
    from keras_seattn.errors import InputError
    from keras_seattn.export import ExportedModel, export_model, verify
    from keras_seattn.export.formats import FORMATS

    ending = FORMATS[options.format][0] or ".savedmodel"
    output = options.output or str(pathlib.Path(options.model).with_suffix(ending))
    model = flags.load_model(options.model)
    export_model(model, output, options.format)
    result = verify(model, ExportedModel(output))
    print(
        f"Wrote {output}, keras-seattn {__version__}\n"
        f"Scores differ by {result.error:.1e} at most (allowed: {result.tolerance:.0e})\n"
        f"One clip takes {result.milliseconds:.1f} ms, in Keras {result.keras_milliseconds:.1f} ms"
    )
    if not result.passed:
        raise InputError(f"{output} does not score as {options.model} does. Do not use it.")
    print(f"Use it: keras-seattn predict VIDEO --model {shlex.quote(output)}")
