"""Recognises the actions in videos with a trained model.

keras-seattn predict video.mp4 --model runs/demo/model.keras
keras-seattn predict videos/ --model model.keras --json > predictions.json
keras-seattn predict video.mp4 --model model.xml  # exported; .onnx, .tflite and others too
keras-seattn predict video.mp4 --model model.keras --output annotated.mp4
keras-seattn predict v4l2:/dev/video0 --model model.keras  # a camera, until Ctrl-C
"""

import contextlib
import json
import sys

from keras_seattn.commands import flags

DRAWN = 3  # classes on a frame of --output


def add_flags(parser):
    parser.add_argument(
        "videos",
        nargs="+",
        metavar="VIDEO",
        help="files; folders, with all videos in them or of frames; both also at s3://... "
        "(tensorflow-io); addresses (http://..., rtsp://...); or a camera: v4l2:/dev/video0 "
        "(Linux), avfoundation:0 (macOS), dshow:video=NAME (Windows)",
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


def run(options):
    from keras_seattn import data
    from keras_seattn.data.encoding import VideoWriter
    from keras_seattn.errors import InputError

    predictions, failed = [], []
    model = flags.load_model(options.model)
    videos = [
        path
        for source in options.videos
        for path in (data.find_videos(source) if _is_folder(source) else [source])
    ]
    if options.output and len(videos) > 1:
        raise InputError(f"--output takes one video. Received: {len(videos)} videos")
    output = VideoWriter(options.output) if options.output else contextlib.nullcontext()
    for path in videos:
        try:
            with output as writer:
                found = _recognize(model, path, options, writer)
        except data.VideoError as error:
            print(f"error: {error}", file=sys.stderr)
            failed.append({"path": path, "error": str(error)})
            continue
        predictions.append(found)
        if not options.json:
            print(found, flush=True)
    if options.json:
        _print_json([*(prediction.to_dict() for prediction in predictions), *failed])
    elif options.output and predictions:
        print(f"Wrote {options.output}")
    return 1 if failed else 0


def _recognize(model, source, options, writer):
    """The prediction for a video; Ctrl-C or SIGTERM ends a stream."""
    from keras_seattn.data.pixels import Scaler, picture_shape
    from keras_seattn.data.streams import is_endless, is_stream
    from keras_seattn.prediction import draw_scores, predict_clips, summarize
    from keras_seattn.progress import progress_bar
    from keras_seattn.stopping import StopRequest

    live, scale = is_stream(source), Scaler()
    progress = progress_bar(
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


def _is_folder(source):
    from keras_seattn.data import storage
    from keras_seattn.data.streams import is_stream

    return not is_stream(source) and storage.is_folder(source)


def _print_json(content):
    """Prints JSON in UTF-8, whatever the terminal has; other bytes in names are escaped."""
    if hasattr(sys.stdout, "reconfigure"):
        # Half of a surrogate pair becomes \udc80 and the like, which is what JSON has for it.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(json.dumps(content, indent=1, ensure_ascii=False))
