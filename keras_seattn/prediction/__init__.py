"""A model and a video -> the classes it most likely shows, and when."""

from keras_seattn.prediction.annotation import draw_scores
from keras_seattn.prediction.models import class_names_of, load_model
from keras_seattn.prediction.videos import (
    ClipPrediction,
    VideoPrediction,
    predict,
    predict_clips,
    summarize,
    video_clips,
)

__all__ = [
    "ClipPrediction",
    "VideoPrediction",
    "class_names_of",
    "draw_scores",
    "load_model",
    "predict",
    "predict_clips",
    "summarize",
    "video_clips",
]
