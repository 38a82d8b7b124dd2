"""A video -> the classes it most likely shows, and when: clip scores averaged over the video."""

import os
import typing
import warnings

import keras
import numpy as np

from keras_seattn import arguments, description
from keras_seattn.applications import untrusted
from keras_seattn.applications.labels import decode_predictions
from keras_seattn.data.opening import VideoError
from keras_seattn.data.pixels import Scaler, shown_size
from keras_seattn.data.sampling import Crop, consecutive_clip, count_consecutive_clips
from keras_seattn.data.scanning import scan_video
from keras_seattn.data.streams import is_stream, stream_frames
from keras_seattn.errors import InputError, MissingFileError
from keras_seattn.evaluation.video_accuracy import check_probabilities
from keras_seattn.export import ExportedModel, is_exported
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
    top: list
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
    top: list
    clips: list
    scores: np.ndarray

    def to_dict(self):
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


def predict(model, path, top=5):
    """Recognises the action in a video.

    The video is scored as `evaluate` scores it: cut into consecutive clips,
    the last one looped to length, each scaled, cropped at the centre and
    preprocessed as the model was trained; the scores of a video are the mean
    over its clips.

    Args:
        model: a `keras.Model` from preprocessed clips to probabilities, an
            `export.ExportedModel`, or the path of one; see `load_model`.
        path: str, a video file, or an address of one that ends.
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
    return summarize(path, (clip for clip, _ in predict_clips(model, path, top)), model, top)


def predict_clips(model, source, top=5):
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


def video_clips(model, source):
    """Cuts a video up into the clips that `evaluate` scores, while it is read.

    Clips that touch frames that cannot be decoded are left out; a warning says
    how many.

    Args:
        model, source: as for `predict_clips`.

    Yields:
        `(clip, list of data.streams.TimedFrame)`: a float32 array in the shape
        of the model's input, without the batch axis, and its frames as they
        came, which are fewer for the last clip of a video.

    Raises:
        ValueError, VideoError: As `predict`.
    """
    length, size, data_format = clip_shape(model)
    scale = Scaler()
    frames, images, number, clips = [], [], -1, 0

    def preprocess():
        looped = consecutive_clip(len(images), length, 0)
        clip = preprocess_input(np.stack(images)[looped], "channels_last", preprocessing_of(model))
        return np.moveaxis(clip, -1, 0) if data_format == "channels_first" else clip

    for timed in stream_frames(source):
        number = timed.number
        if number % length == 0:
            frames, images = [], []
        if number % length == len(frames):  # Else one before it is missing.
            window = Crop().window(*shown_size(timed.frame), timed.pixel_aspect)
            images.append(scale(timed.frame, window, (size, size)))
            frames.append(timed)
        if len(images) == length:
            clips += 1
            yield preprocess(), frames
            frames, images = [], []
    total = number + 1 if is_stream(source) else scan_video(source).frames
    if images and frames[-1].number == total - 1:
        clips += 1
        yield preprocess(), frames
    left_out = count_consecutive_clips(total, length) - clips
    if left_out:
        warnings.warn(
            f"{source}: {left_out} clips are left out, for some of their frames are damaged.",
            stacklevel=2,
        )


def summarize(path, clips, model, top=5, keep_clips=True):
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
    scores = total / count
    best = decode_predictions(scores[None], top, class_names_of(model))[0]
    return VideoPrediction(os.fspath(path), best, kept, scores)


def load_model(path):
    """Loads a model for `predict`: a `.keras` file, in Keras' safe mode, or an exported one.

    Args:
        path: str, a `.keras` file, or what `export.export_model` has written.

    Returns:
        A `keras.Model`, or an `export.ExportedModel`.

    Raises:
        ValueError: It is no such file, it is damaged, it asks for far more
            memory than it is large, or it holds code that safe mode refuses to
            run.
        FileNotFoundError: It does not exist.
        ImportError: The runtime of an exported model is not installed.
    """
    path = os.fspath(path)
    if is_exported(path):
        return ExportedModel(path)
    if not path.endswith(".keras"):
        raise InputError(
            "The model must be a .keras file, or exported: .xml, .onnx, .tflite or the folder of "
            f"a SavedModel. Received: {path}. A .pth file becomes one with: "
            f"python -m keras_seattn.applications.convert '{path}' model.keras"
        )
    if not os.path.isfile(path):
        raise MissingFileError(f"The model does not exist: {path}")
    with untrusted.reading(path, "cannot be loaded as a Keras model"):
        untrusted.check_model(path)
        return keras.models.load_model(path, compile=False, safe_mode=True)


def class_names_of(model):
    """The names of a model's classes: its own, or `class 0`, `class 1`, ..."""
    names = description.class_names_of(model)
    return names or tuple(f"class {number}" for number in range(model.output_shape[-1]))


def _named(top):
    return [{"class_name": name, "score": round(score, 6)} for name, score in top]
