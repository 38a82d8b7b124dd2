"""The paper's recipe, and a training run from catalogs to a saved, evaluated model."""

from keras_seattn.training.fitting import compile_model, fit
from keras_seattn.training.freezing import freeze_before, frozen_as_text
from keras_seattn.training.precision import automatic_policy
from keras_seattn.training.recipe import (
    Recipe,
    fine_tuning_recipe,
    make_recipe,
    paper_learning_rate,
    paper_recipe,
    quick_recipe,
)
from keras_seattn.training.run import check_output, train
from keras_seattn.training.verifying import Verification, verify
from keras_seattn.training.video_validation import VideoValidation

__all__ = [
    "Recipe",
    "Verification",
    "VideoValidation",
    "automatic_policy",
    "check_output",
    "compile_model",
    "fine_tuning_recipe",
    "fit",
    "freeze_before",
    "frozen_as_text",
    "make_recipe",
    "paper_learning_rate",
    "paper_recipe",
    "quick_recipe",
    "train",
    "verify",
]
