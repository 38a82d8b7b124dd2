"""Keras Tuner searches over the reduction ratios r and d."""

from keras_seattn.settings import OBJECTIVES, TUNERS
from keras_seattn.tuning.cost import Cost, count_multiply_adds, measure_inference
from keras_seattn.tuning.hypermodel import ReductionHyperModel, build_model
from keras_seattn.tuning.reading import SearchError
from keras_seattn.tuning.result import SearchResult, TestResult, TrialResult
from keras_seattn.tuning.search import search_reductions
from keras_seattn.tuning.tuner import role

__all__ = [
    "OBJECTIVES",
    "TUNERS",
    "Cost",
    "ReductionHyperModel",
    "SearchError",
    "SearchResult",
    "TestResult",
    "TrialResult",
    "build_model",
    "count_multiply_adds",
    "measure_inference",
    "role",
    "search_reductions",
]
