"""Recognises the actions in videos with a trained model.

python examples/predict.py video.mp4 --model runs/demo/model.keras
python examples/predict.py videos/ --model model.keras --json > predictions.json
python examples/predict.py video.mp4 --model model.xml  # exported; .onnx, .tflite and others too
python examples/predict.py video.mp4 --model model.keras --output annotated.mp4
python examples/predict.py v4l2:/dev/video0 --model model.keras  # a camera, until Ctrl-C
"""

import argparse
import contextlib
import sys

import tqdm

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels
from keras_seattn import command_line, data, errors
from keras_seattn.data import storage
from keras_seattn.data.encoding import VideoWriter
from keras_seattn.data.pixels import Scaler, picture_shape
from keras_seattn.data.streams import is_endless, is_stream
from keras_seattn.errors import InputError
from keras_seattn.evaluation import draw_scores, load_model, predict_clips, summarize
from keras_seattn.stopping import StopRequest

DRAWN = 3  # classes on a frame of --output


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="files; folders, with all videos in them; both also at s3://... (tensorflow-io); "
        "addresses (http://..., rtsp://...); or a camera: v4l2:/dev/video0 (Linux), "
        "avfoundation:0 (macOS), dshow:video=NAME (Windows)",
    )
    parser.add_argument("--model", required=True, help="a .keras file, or an exported model")
    parser.add_argument("--top", type=int, default=5, help="how many classes to name (5)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON, with the scores of clips where the video has an end",
    )
    parser.add_argument(
        "--output", metavar="MP4", help=f"write the video with the top {DRAWN} of each clip on it"
    )
    return parser.parse_args()


def recognize(model, source, options, writer):
    """The prediction for a video; Ctrl-C or SIGTERM ends a stream."""
    live, scale = is_stream(source), Scaler()
    progress = tqdm.tqdm(
        predict_clips(model, source, top=max(options.top, DRAWN)),
        desc=source,
        unit=" clips",
        delay=2,
        leave=False,
        disable=live,
    )

    def shown(stop):
        for clip, frames in progress:
            if live:
                best = ", ".join(f"{name} {score:.0%}" for name, score in clip.top[:DRAWN])
                print(f"{clip.start:8.1f} s  {best}", file=sys.stderr)
            for timed in frames if writer else ():
                shape = picture_shape(timed.frame, timed.pixel_aspect)
                image = draw_scores(scale(timed.frame, size=shape), clip.top[:DRAWN])
                writer.write(image, timed.start)
            yield clip._replace(top=clip.top[: options.top])
            if stop and stop.made:
                return

    with StopRequest() if live else contextlib.nullcontext() as stop:
        return summarize(
            source, shown(stop), model, top=options.top, keep_clips=not is_endless(source)
        )


def is_folder(source):
    return not is_stream(source) and storage.is_folder(source)


def main():
    options = parse_arguments()
    command_line.escape_output()
    predictions, failed = [], []
    with errors.in_one_line():
        model = load_model(options.model)
        videos = [
            path
            for source in options.videos
            for path in (data.find_videos(source) if is_folder(source) else [source])
        ]
        if options.output and len(videos) > 1:
            raise InputError(f"--output takes one video. Received: {len(videos)} videos")
        output = VideoWriter(options.output) if options.output else contextlib.nullcontext()
        for path in videos:
            try:
                with output as writer:
                    prediction = recognize(model, path, options, writer)
            except keras_seattn.data.VideoError as error:
                print(f"error: {error}", file=sys.stderr)
                failed.append({"path": path, "error": str(error)})
                continue
            predictions.append(prediction)
            if not options.json:
                print(prediction, flush=True)
    if options.json:
        content = [*(prediction.to_dict() for prediction in predictions), *failed]
        command_line.print_json(content)
    elif options.output and predictions:
        print(f"Wrote {options.output}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
