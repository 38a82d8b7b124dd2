"""Recognises the actions in videos with a trained model.

python examples/predict.py video.mp4 --model runs/demo/model.keras
python examples/predict.py videos/ --model model.keras --json > predictions.json
python examples/predict.py video.mp4 --model model.xml  # exported; .onnx, .tflite and others too
python examples/predict.py video.mp4 --model model.keras --output annotated.mp4
python examples/predict.py v4l2:/dev/video0 --model model.keras  # a camera, until Ctrl-C
"""

import argparse
import contextlib
import json
import os
import sys

import tqdm

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels
from keras_seattn import data
from keras_seattn.data.decoding import frame_pixels
from keras_seattn.data.encoding import VideoWriter
from keras_seattn.data.streams import is_stream
from keras_seattn.evaluation import draw_scores, load_model, predict_clips, summarize

DRAWN = 3  # classes on a frame of --output


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="files; folders, with all videos in them; addresses (http://..., rtsp://...); or a "
        "camera: v4l2:/dev/video0 (Linux), avfoundation:0 (macOS), dshow:video=NAME (Windows)",
    )
    parser.add_argument("--model", required=True, help="a .keras file, or an exported model")
    parser.add_argument("--top", type=int, default=5, help="how many classes to name (5)")
    parser.add_argument("--json", action="store_true", help="print JSON, with the scores of clips")
    parser.add_argument(
        "--output", metavar="MP4", help=f"write the video with the top {DRAWN} of each clip on it"
    )
    return parser.parse_args()


def recognize(model, source, options, writer):
    """The prediction for a video; Ctrl-C ends a stream."""
    live = is_stream(source)
    clips = []
    progress = tqdm.tqdm(
        predict_clips(model, source, max(options.top, DRAWN)),
        desc=source,
        unit=" clips",
        delay=2,
        leave=False,
        disable=live,
    )
    try:
        for clip, frames in progress:
            clips.append(clip)
            if live:
                best = ", ".join(f"{name} {score:.0%}" for name, score in clip.top[:DRAWN])
                print(f"{clip.start:8.1f} s  {best}", file=sys.stderr)
            for start, _, frame in frames if writer else ():
                image = draw_scores(frame_pixels(frame), clip.top[:DRAWN])
                writer.write(image, start)
    except KeyboardInterrupt:
        if not live:
            raise
    clips = [clip._replace(top=clip.top[: options.top]) for clip in clips]
    return summarize(source, clips, model, options.top)


def main():
    options = parse_arguments()
    predictions, failed = [], []
    try:
        model = load_model(options.model)
        videos = [
            path
            for source in options.videos
            for path in (data.find_videos(source) if os.path.isdir(source) else [source])
        ]
        if options.output and len(videos) > 1:
            raise ValueError(f"--output takes one video. Received: {len(videos)} videos")
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
    except (ValueError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")
    if options.json:
        content = [*(prediction.to_dict() for prediction in predictions), *failed]
        print(json.dumps(content, indent=1, ensure_ascii=False))
    elif options.output and predictions:
        print(f"Wrote {options.output}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
