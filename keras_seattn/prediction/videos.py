"""A video -> the classes it most likely shows, and when: clip scores averaged over the video."""

import collections
import itertools
import os
import typing
import warnings
from collections.abc import Iterable, Iterator

import keras
import numpy as np

from keras_seattn import arguments
from keras_seattn.data.opening import VideoError
from keras_seattn.data.pixels import Scaler, shown_size
from keras_seattn.data.sampling import ROUNDING, ClipRule, Timeline, View
from keras_seattn.data.scanning import scan_video
from keras_seattn.data.sources import check_times
from keras_seattn.data.streams import TimedFrame, is_stream, stream_frames
from keras_seattn.errors import InputError
from keras_seattn.export import ExportedModel
from keras_seattn.labels import decode_predictions
from keras_seattn.prediction.models import check_probabilities, class_names_of, load_model
from keras_seattn.preprocessing import clip_shape, preprocess_input, preprocessing_of


class ClipPrediction(typing.NamedTuple):
    """What a model takes a clip for.

    Attributes:
        start: float, the time of its first frame, in seconds from the video's.
        end: float, when its last frame ends, likewise.
        top: list of `(class name, score)`, the highest score first.
        scores: float array, `(classes,)`.
    """

    start: float
    end: float
    top: list[tuple[str, float]]
    scores: np.ndarray


class VideoPrediction(typing.NamedTuple):
    """What a model takes a video for.

    Attributes:
        path: str.
        top: list of `(class name, score)`, the highest score first.
        clips: list of `ClipPrediction`, in their order; empty if they were not
            kept.
        scores: float array, `(classes,)`: the mean over the clips.
    """

    path: str
    top: list[tuple[str, float]]
    clips: list[ClipPrediction]
    scores: np.ndarray

    def to_dict(self) -> dict:
        """The prediction without `scores`, as JSON holds it."""
        return {
            "path": self.path,
            "top": _named(self.top),
            "clips": [
                {
                    "start": round(clip.start, 3),
                    "end": round(clip.end, 3),
                    "top": _named(clip.top),
                }
                for clip in self.clips
            ],
        }

    def __str__(self):
        lines = [f"{score:7.1%}  {name}" for name, score in self.top]
        return "\n".join([self.path, *lines])


def predict(
    model: keras.Model | ExportedModel | str | os.PathLike, path: str | os.PathLike, *, top: int = 5
) -> VideoPrediction:
    """Recognises the action in a video.

    The video is scored as `evaluate` scores it: cut into consecutive clips,
    the last one looped to length, each scaled, cropped at the centre and
    preprocessed as the model was trained; the scores of a video are the mean
    over its clips.

    Args:
        model: a `keras.Model` from preprocessed clips to probabilities, an
            `export.ExportedModel`, or the path of one; see `load_model`.
        path: str, a video file, a folder of frames, or an address of a video
            that ends.
        top: int, how many classes to name.

    Returns:
        A `VideoPrediction`. Classes are called as `model.class_names` says,
        `class 0`, `class 1`, ... where it says nothing.

    Raises:
        data.VideoError: The video cannot be read; the message names it.
        ValueError: The model's file cannot be loaded, its input is not a clip
            of fixed size, or its outputs are not probabilities.
        FileNotFoundError: The model's file does not exist.

    Source:
        Hara et al. 2018, Section 3.2 (testing).

    Example:

    >>> prediction = keras_seattn.predict("model.keras", "v_Archery_g01_c01.avi")
    >>> prediction.top[0]
    ('Archery', 0.93)
    """
    model = load_model(model) if isinstance(model, (str, os.PathLike)) else model
    clips = (clip for clip, _ in predict_clips(model, path, top=top))
    return summarize(path, clips, model, top=top)


def predict_clips(
    model: keras.Model | ExportedModel, source: str | os.PathLike, *, top: int = 5
) -> Iterator[tuple[ClipPrediction, list[TimedFrame]]]:
    """Scores a video clip by clip, while it is read.

    Args:
        model: a `keras.Model` from preprocessed clips to probabilities.
        source: str, a file, an address or a camera; see
            `data.streams.stream_frames`.
        top: int, how many classes to name.

    Yields:
        `(ClipPrediction, list of data.streams.TimedFrame)`: what the clip is
        taken for, and its frames as they came.

    Raises:
        ValueError, VideoError: As `predict`.
    """
    arguments.positive_integer(top, "top")
    for clip, frames in video_clips(model, source):
        scores = np.asarray(model.predict_on_batch(clip[None]), "float64")
        check_probabilities(scores)
        best = decode_predictions(scores, top, class_names_of(model))[0]
        yield ClipPrediction(frames[0].start, frames[-1].end, best, scores[0]), frames


def video_clips(
    model: keras.Model | ExportedModel, source: str | os.PathLike
) -> Iterator[tuple[np.ndarray, list[TimedFrame]]]:
    """Cuts a video up into the clips that `evaluate` scores, while it is read.

    Which frames a clip has is as the model was trained: its sampling.

    Clips that touch frames that cannot be decoded are left out; a warning says
    how many.

    Args:
        model, source: as for `predict_clips`.

    Yields:
        `(clip, list of data.streams.TimedFrame)`: a float32 array in the shape
        of the model's input, without the batch axis, and its frames, which are
        fewer for the last clip of a video.

    Raises:
        ValueError, VideoError: As `predict`.
    """
    length, size, data_format = clip_shape(model)
    preprocessing = preprocessing_of(model)
    view, scale, rule = (
        View.of(size, preprocessing),
        Scaler(),
        ClipRule(length, preprocessing.sampling),
    )

    def pixels(timed):
        window = view.window(view.middle, *shown_size(timed.frame), timed.pixel_aspect)
        return scale(timed.frame, window, (size, size), filtered=view.filtered)

    clips = _clips_of_stream if is_stream(source) else _clips_of_file
    for taken in clips(source, rule, pixels):
        timed, images = zip(*taken, strict=True)
        clip = preprocess_input(rule.looped(np.stack(images)), "channels_last", preprocessing)
        clip = np.moveaxis(clip, -1, 0) if data_format == "channels_first" else clip
        yield clip, _one_after_the_other(timed)


def _clips_of_file(path, rule, pixels):
    """Yields the clips of a file, lists of `(TimedFrame, pixels)`, while it is read."""
    timeline = Timeline.of(scan_video(path))
    check_times([os.fspath(path)], [timeline], rule.sampling)
    clips = collections.deque(
        rule.taken(timeline, number).tolist() for number in range(rule.count(timeline))
    )
    total, whole, kept = len(clips), 0, {}
    wanted = {number for clip in clips for number in clip}
    for timed in stream_frames(path):
        if timed.number in wanted:
            kept[timed.number] = timed, pixels(timed)
        while clips and clips[0][-1] <= timed.number:
            numbers = clips.popleft()
            if kept.keys() >= set(numbers):
                whole += 1
                yield [kept[number] for number in numbers]
            kept = {number: kept[number] for number in kept if clips and number >= clips[0][0]}
    if total - whole:
        warnings.warn(
            f"{path}: {total - whole} clips are left out, for some of their frames are damaged.",
            stacklevel=3,
        )


def _clips_of_stream(source, rule, pixels):
    """As `_clips_of_file`, of what has no known end."""
    if rule.sampling.frames == "spread":
        raise InputError(
            f"{source}: the model's clips are spread over whole videos, and a stream has no end "
            "that could be known. Record it, and give the file."
        )
    taken = []
    for timed in _taken_of_stream(stream_frames(source), rule.sampling):
        same = taken and taken[-1][0] is timed
        taken.append((timed, taken[-1][1] if same else pixels(timed)))
        if len(taken) == rule.frames:
            yield taken
            taken = []
    if taken:
        yield taken


def _taken_of_stream(frames, sampling):
    """The frames of a stream that `sampling` takes, when it is known that they are."""
    if not sampling.frame_rate:
        yield from (timed for timed in frames if timed.number % sampling.frame_stride == 0)
        return
    shown, count = None, 0
    for timed in itertools.chain(frames, [None]):
        until = shown and (timed.start if timed else shown.end)
        while shown and count / sampling.frame_rate < until - ROUNDING:
            yield shown
            count += 1
        shown = timed


def _one_after_the_other(frames):
    """Frames that come several times in a row share the time that they are shown."""
    times = []
    for _, same in itertools.groupby(frames, lambda timed: timed.number):
        same = list(same)
        first, length = same[0], (same[0].end - same[0].start) / len(same)
        times += [
            first._replace(start=first.start + i * length, end=first.start + (i + 1) * length)
            for i in range(len(same))
        ]
    return times


def summarize(
    path: str | os.PathLike,
    clips: Iterable[ClipPrediction],
    model: keras.Model | ExportedModel,
    *,
    top: int = 5,
    keep_clips: bool = True,
) -> VideoPrediction:
    """The prediction for a video from those for its clips.

    Args:
        path: str, what the video is called.
        clips: iterable of `ClipPrediction`, taken one after the other.
        model: as for `predict_clips`.
        top: int, how many classes to name.
        keep_clips: bool, whether the result holds the clips; those of a stream
            without an end would fill the memory.

    Returns:
        A `VideoPrediction`.

    Raises:
        data.VideoError: There are no clips. The message names the video.
    """
    kept, total, count = [], 0.0, 0
    for clip in clips:
        total, count = total + clip.scores, count + 1
        if keep_clips:
            kept.append(clip)
    if not count:
        raise VideoError(f"{path}: no whole clip came from it: its frames are damaged, or none.")
    scores = np.asarray(total) / count
    best = decode_predictions(scores[None], top, class_names_of(model))[0]
    return VideoPrediction(os.fspath(path), best, kept, scores)


def _named(top):
    return [{"class_name": name, "score": round(score, 6)} for name, score in top]
