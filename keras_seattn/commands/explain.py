"""Shows what a model looks at in a video: activation maps, attention, gates.

keras-seattn explain video.mp4 --model runs/demo/model.keras --output explained
"""

from keras_seattn.commands import flags


def add_flags(parser):
    parser.add_argument("video", metavar="VIDEO", help="a video file")
    parser.add_argument("--model", required=True, help="a .keras file that training has saved")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the pictures")
    parser.add_argument("--class-name", help="the class to explain (the video's best)")


def run(options):
    from keras_seattn import explain

    model = flags.load_model(options.model)
    shown = explain.explain_video(
        model, options.video, options.output, class_name=options.class_name
    )
    print(shown)
    print(f"Pictures of what the model looks at are in {options.output}")
