"""Shows what a model looks at in a video: activation maps, attention, gates.

python examples/explain.py video.mp4 --model runs/demo/model.keras --output explained
"""

import argparse

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels
from keras_seattn import command_line, errors


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", metavar="VIDEO", help="a video file")
    parser.add_argument("--model", required=True, help="a .keras file that training has saved")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the pictures")
    parser.add_argument("--class-name", help="the class to explain (the video's best)")
    options = parser.parse_args()
    command_line.escape_output()
    with errors.in_one_line():
        model = keras_seattn.evaluation.load_model(options.model)
        prediction = keras_seattn.explain.explain_video(
            model, options.video, options.output, class_name=options.class_name
        )
    print(prediction)
    print(f"Pictures of what the model looks at are in {options.output}")


if __name__ == "__main__":
    main()
