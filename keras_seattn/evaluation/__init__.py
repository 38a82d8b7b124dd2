"""Clip scores -> video scores -> metrics and figures."""

from keras_seattn.evaluation.figures import plot_confusion_matrix, plot_history, plot_videos
from keras_seattn.evaluation.video_accuracy import EvaluationResult, evaluate

__all__ = [
    "EvaluationResult",
    "evaluate",
    "plot_confusion_matrix",
    "plot_history",
    "plot_videos",
]
