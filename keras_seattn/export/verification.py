"""Whether an exported model scores as the model it came from, and how fast it is."""

import time
import typing

import keras
import numpy as np

from keras_seattn.export.exported_model import ExportedModel
from keras_seattn.export.writing import float32_copy
from keras_seattn.preprocessing import clip_shape, preprocess_input, preprocessing_of

_TOLERANCE = {"float32": 1e-4, "bfloat16": 0.05}


class Verification(typing.NamedTuple):
    """How an exported model compares with the model it came from.

    Attributes:
        error: float, the largest difference of a score.
        tolerance: float, the largest that is allowed.
        milliseconds: float, the median time for one clip in the runtime.
        keras_milliseconds: float, likewise, of the Keras model.
    """

    error: float
    tolerance: float
    milliseconds: float
    keras_milliseconds: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance


def verify(
    model: keras.Model,
    exported: ExportedModel,
    *,
    precision: str = "float32",
    clips: int = 4,
    repeats: int = 10,
) -> Verification:
    """Compares the scores of an exported model with those of its Keras model in float32.

    The clips are soft random patterns in motion and noise, preprocessed as the
    model wants. Times are of single clips, after one for warming up, on all cores.

    Args:
        model: `keras.Model`.
        exported: `ExportedModel` of it.
        precision: `"float32"` or `"bfloat16"`: what the scores may differ by.
        clips: int, how many to compare.
        repeats: int, how often to measure.

    Returns:
        A `Verification`.

    Example:

    >>> exported = keras_seattn.export.ExportedModel("model.xml")
    >>> keras_seattn.export.verify(model, exported).passed
    True
    """
    batches = [_clip(model, seed)[None] for seed in range(clips)]
    model = float32_copy(model)
    differences = [exported.predict_on_batch(x) - model.predict_on_batch(x) for x in batches]
    error = float(np.max(np.abs(differences)))
    times = [
        1000 * _median_time(lambda m=m: m.predict_on_batch(batches[0]), repeats)
        for m in (exported, model)
    ]
    # Scores that are no numbers differ by none.
    return Verification(np.inf if np.isnan(error) else error, _TOLERANCE[precision], *times)


def _clip(model, seed):
    generator = np.random.default_rng(seed)
    shape = model.input_shape[1:]
    places = np.meshgrid(*map(np.arange, shape), indexing="ij")
    phase = sum(p * w for p, w in zip(places, generator.uniform(-0.5, 0.5, 4), strict=True))
    values = 127 + 80 * np.sin(phase) + generator.normal(0, 15, shape)
    _, _, data_format = clip_shape(model)
    return preprocess_input(np.clip(values, 0, 255), data_format, preprocessing_of(model))


def _median_time(function, repeats):
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times))
