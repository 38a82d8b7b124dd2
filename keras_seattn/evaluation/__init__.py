"""Clip scores -> video scores -> metrics and figures."""

from keras_seattn.errors import DivergedError
from keras_seattn.evaluation.comparison import Comparison, compare
from keras_seattn.evaluation.figures import plot_confusion_matrix, plot_history, plot_videos
from keras_seattn.evaluation.report import write_report
from keras_seattn.evaluation.result import EvaluationResult
from keras_seattn.evaluation.saving import load_result
from keras_seattn.evaluation.video_accuracy import evaluate

# Where these were before `prediction` had a place of its own.
from keras_seattn.prediction import (
    ClipPrediction,
    VideoPrediction,
    class_names_of,
    draw_scores,
    load_model,
    predict,
    predict_clips,
    summarize,
    video_clips,
)

__all__ = [
    "ClipPrediction",
    "Comparison",
    "DivergedError",
    "EvaluationResult",
    "VideoPrediction",
    "class_names_of",
    "compare",
    "draw_scores",
    "evaluate",
    "load_model",
    "load_result",
    "plot_confusion_matrix",
    "plot_history",
    "plot_videos",
    "predict",
    "predict_clips",
    "summarize",
    "video_clips",
    "write_report",
]
