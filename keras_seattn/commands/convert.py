"""Converts checkpoints between PyTorch's code (.pth, .safetensors) and Keras.

keras-seattn convert resnext-101-kinetics.pth resnext101.weights.h5
keras-seattn convert model.keras model.pth
"""

from keras_seattn.commands import flags
from keras_seattn.settings import PREPROCESSINGS


def add_flags(parser):
    parser.add_argument("source", help=".pth, .safetensors, .weights.h5 or .keras file")
    parser.add_argument("target", help=".weights.h5 or .keras file from PyTorch's, else .pth")
    parser.add_argument(
        "--frames", type=flags.count, help="of a clip, for .keras (the source's, or 16)"
    )
    parser.add_argument("--size", type=flags.count, default=112, help="of a clip, for .keras (112)")
    parser.add_argument(
        "--class-names", help="kinetics400, ucf101, hmdb51, or a .txt file with a class a line"
    )
    parser.add_argument(
        "--preprocessing",
        choices=PREPROCESSINGS,
        help="whose it is, where the source does not say",
    )


def run(options):
    from keras_seattn import preprocessing
    from keras_seattn.applications.convert import convert

    convert(
        options.source,
        options.target,
        frames=options.frames,
        size=options.size,
        class_names=options.class_names,
        preprocessing=preprocessing.PREPROCESSINGS.get(options.preprocessing),
    )
    print(f"Wrote {options.target}")
