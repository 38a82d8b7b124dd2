"""A video explained: what a model looks at in it, as files to look at."""

import os

import keras
import numpy as np
from PIL import Image

from keras_seattn.applications.parts import is_network, parts_of
from keras_seattn.data.encoding import VideoWriter
from keras_seattn.data.pixels import Scaler, shown_size
from keras_seattn.data.sampling import View
from keras_seattn.errors import InputError
from keras_seattn.explain import inner
from keras_seattn.explain.attention import attention_map, attention_stages
from keras_seattn.explain.class_activation import class_activation_map
from keras_seattn.explain.excitation import excitations
from keras_seattn.explain.figures import (
    overlay,
    plot_attention,
    plot_contact_sheet,
    plot_sequence_gates,
)
from keras_seattn.files import replacing
from keras_seattn.prediction import VideoPrediction, class_names_of, predict, video_clips
from keras_seattn.prediction.annotation import draw_scores
from keras_seattn.preprocessing import clip_shape, preprocessing_of

_LEAST_SIDE, _MOST_SIDE = 240, 480  # pixels of the pictures
_GIF_FRAMES, _GIF_SIDE, _GIF_COLOURS = 32, 160, 64


def explain_video(
    model: keras.Model,
    path: str | os.PathLike,
    output_dir: str | os.PathLike,
    *,
    class_name: str | None = None,
) -> VideoPrediction:
    """Draws what a model looks at in a video.

    Writes to `output_dir`:

    - `overlay.mp4` and `overlay.gif` (its first frames): the class activation
      map over the part of the video that the model sees, with the score of
      each clip;
    - `contact_sheet.png`: frames above their maps, for the clip in which the
      class has its highest score;
    - `attention.png`: what the most active position of that clip attends to,
      stage by stage, where the model has self-attention;
    - `gates.png`: the gates of frames over time, where the model has
      squeeze-and-excitation.

    Args:
        model: `keras.Model`; see `class_activations` for its head.
        path: str, a video file.
        output_dir: str, a folder; made where missing.
        class_name: str, the class to explain; None means the video's best.

    Returns:
        The `evaluation.VideoPrediction`.

    Raises:
        data.VideoError: The video cannot be read; the message names it.
        ValueError: There is no such class, or the model has another head.
        OSError: `output_dir` cannot be written to.

    Source:
        Anvarov, Kim, Song 2020, Section 5.3, Figures 9 and 10.

    Example:

    >>> keras_seattn.explain.explain_video(model, "video.mp4", "explained")
    """
    inner.head(model)  # refuses what has no class activation map, before anything is written
    names = list(class_names_of(model))
    if class_name is not None and class_name not in names:
        raise InputError(
            f"`class_name` must be one of {', '.join(names)}. Received: class_name={class_name!r}"
        )
    prediction = predict(model, path, top=3)
    class_name = class_name or prediction.top[0][0]
    class_index = names.index(class_name)
    scores = [clip.scores[class_index] for clip in prediction.clips]
    best_clip = int(np.argmax(scores))
    network = inner.levels_of(model)[-1].model
    has_gates = is_network(network) and bool(parts_of(network).gates)
    gates, animation, milliseconds = [], [], []
    view, scale = View.of(clip_shape(model)[1], preprocessing_of(model)), Scaler()
    os.makedirs(output_dir, exist_ok=True)

    with VideoWriter(os.path.join(output_dir, "overlay.mp4")) as writer:
        for number, (clip, timed) in enumerate(video_clips(model, path)):
            frames = np.stack([_part_seen(scale, each, view) for each in timed])
            heat = class_activation_map(model, clip, class_index)[: len(frames)]
            for picture, each in zip(overlay(frames, heat), timed, strict=True):
                picture = draw_scores(picture, [(class_name, scores[number])])
                writer.write(picture, each.start)
                if len(animation) < _GIF_FRAMES:
                    small = Image.fromarray(picture).resize((_GIF_SIDE, _GIF_SIDE))
                    # Without dithering, whose noise would fill most of the file.
                    animation.append(small.quantize(_GIF_COLOURS, dither=Image.Dither.NONE))
                    milliseconds.append(max(20, round(1000 * (each.end - each.start))))
            if has_gates:
                gates.append((timed[0].start, timed[-1].end, excitations(model, clip)))
            if number == best_clip:
                best = prediction.clips[number].top
                top = ", ".join(f"{name} {score:.0%}" for name, score in best)
                title = f"{os.path.basename(prediction.path)}, {timed[0].start:.1f} s: {top}"
                _explain_clip(model, clip, frames, heat, title, class_name, output_dir)

    with replacing(os.path.join(output_dir, "overlay.gif")) as partial:
        animation[0].save(
            partial, save_all=True, append_images=animation[1:], duration=milliseconds, loop=0
        )
    if gates:
        title = f"Gates of frames: {os.path.basename(prediction.path)}"
        plot_sequence_gates(os.path.join(output_dir, "gates.png"), gates, title=title)
    return prediction


def _explain_clip(model, clip, frames, heat, title, class_name, output_dir):
    sheet = os.path.join(output_dir, "contact_sheet.png")
    plot_contact_sheet(sheet, frames, heat, title=f"{title}\nclass activation map of {class_name}")
    stages = attention_stages(model)
    if stages:
        maps = {stage: attention_map(model, clip, stage) for stage in stages}
        file = os.path.join(output_dir, "attention.png")
        # The last clip of a video is looped: its later frames are its first ones again.
        frames = frames[np.arange(clip_shape(model)[0]) % len(frames)]
        title = f"{title}\nself-attention from the most active position"
        plot_attention(file, frames, maps, title=title)


def _part_seen(scale, timed, view):
    """The part of a frame that the model sees, in a size for people."""
    window = view.window(view.middle, *shown_size(timed.frame), timed.pixel_aspect)
    shown = round(min(max(window[2], _LEAST_SIDE), _MOST_SIDE))
    return scale(timed.frame, window, (shown, shown), filtered=view.filtered)
