"""Video-level accuracy: the mean of the scores of all clips of each video."""

import itertools
import os
import warnings

import keras
import numpy as np

from keras_seattn import stopping
from keras_seattn.data.catalogs import Catalog, match_classes
from keras_seattn.data.opening import VideoError
from keras_seattn.data.pipeline import test_clips
from keras_seattn.data.records.manifest import Records, opened
from keras_seattn.data.unreadable import DamageLog, too_many
from keras_seattn.description import class_names_of
from keras_seattn.errors import InputError
from keras_seattn.evaluation.result import EvaluationResult
from keras_seattn.export import ExportedModel
from keras_seattn.prediction.models import check_probabilities
from keras_seattn.preprocessing import clip_shape, preprocessing_of
from keras_seattn.progress import progress_bar


def evaluate(
    model: keras.Model | ExportedModel,
    catalog: Catalog | Records | str | os.PathLike,
    batch_size: int = 32,
    *,
    unreadable: str = "stop",
    progress: bool = True,
    clips_per_video: int | None = None,
    crops: int = 1,
) -> EvaluationResult:
    """Scores every video of a catalog by the mean softmax over all of its clips.

    Clips are those of `data.test_clips`: consecutive, the last one looped to
    length, centre crop, unless other views are asked for. Their length and size
    are those of the model's input. Clips that touch damaged frames are left out
    of the mean.

    Where the model knows the names of its classes, the catalog's are matched
    with them by name: their order may be another, and some of the model's may
    have no videos. Where it does not, they must be as many in the same order,
    and a warning says that nobody could tell.

    Args:
        model: a `keras.Model` from preprocessed clips to probabilities.
        catalog: `data.Catalog`; or the folder of TFRecord shards that
            `data.records.write_records` wrote, a pattern of these, or
            `data.records.Records`.
        batch_size: int, the number of clips scored at once.
        unreadable: `"stop"` raises if a video cannot be read, `"skip"` warns
            and leaves up to 1 % of the videos out; the result lists them.
        progress: bool, whether to show a progress bar.
        clips_per_video, crops: int, other views of each video; see
            `data.test_clips`. The result says which were scored.

    Returns:
        An `EvaluationResult`.

    Raises:
        ValueError: The model's input is not a clip of fixed size, or nobody
            said how it is preprocessed; the catalog has classes that the model
            does not have; or the model's outputs are not probabilities.
        data.VideoError: Videos cannot be read; the message lists them.

    Source:
        Hara et al. 2018, Section 3.2; Anvarov, Kim, Song 2020, Section 4.2.

    Example:

    >>> result = keras_seattn.evaluation.evaluate(model, test_catalog)
    >>> round(result.top1, 3), round(result.clip_top1, 3)
    (0.844, 0.793)
    """
    frames, size, data_format = clip_shape(model)
    catalog = opened(catalog, unreadable)
    preprocessing = preprocessing_of(model)
    class_names = class_names_of(model)
    classes = len(class_names or catalog.class_names)
    if model.output_shape[-1] != classes:
        raise InputError(
            f"`model` has {model.output_shape[-1]} outputs, but `catalog` has {classes} classes. "
            f"Build the model with classes={classes}."
        )
    if class_names is None:
        class_names = catalog.class_names
        warnings.warn(
            "The model does not know the names of its classes, so they could not be compared with "
            "those of the data: they are taken to be in the same order. Set model.class_names.",
            stacklevel=2,
        )
    places = match_classes(catalog, class_names, "the model")
    damage, titles = DamageLog(catalog), catalog.titles
    dataset = test_clips(
        catalog,
        frames,
        size,
        batch_size,
        unreadable=unreadable,
        data_format=data_format,
        preprocessing=preprocessing,
        damage=damage,
        clips_per_video=clips_per_video,
        crops=crops,
    )
    score_sums = np.zeros((len(catalog), classes))
    clip_counts = np.zeros(len(catalog), int)
    clips_right, clip_losses = np.zeros(len(catalog), int), np.zeros(len(catalog))
    with progress_bar(
        total=len(catalog), desc="Scoring videos", unit=" videos", disable=not progress
    ) as bar:
        for inputs, labels in dataset.as_numpy_iterator():
            stopping.check()
            labels = places[labels]
            scores = np.asarray(model.predict_on_batch(inputs["clip"]), "float64")
            check_probabilities(scores)
            likelihoods = np.maximum(scores[np.arange(len(labels)), labels], 1e-7)
            np.add.at(score_sums, inputs["video"], scores)
            np.add.at(clip_counts, inputs["video"], 1)
            np.add.at(clips_right, inputs["video"], scores.argmax(axis=1) == labels)
            np.add.at(clip_losses, inputs["video"], -np.log(likelihoods))
            bar.update(int(inputs["video"][-1]) + 1 - bar.n)

    skipped = (clip_counts == 0) | [title in damage.titles for title in titles]
    scored = ~skipped
    if too_many(skipped.sum(), len(catalog)):
        named = list(itertools.compress(titles, skipped))
        raise VideoError(
            f"{len(named)} of {len(catalog)} videos have no clip that can be scored, such as "
            f"{', '.join(named[:5])}. Check the data set."
        )
    return EvaluationResult(
        score_sums[scored] / clip_counts[scored, None],
        places[catalog.labels[scored]],
        list(class_names),
        paths=list(itertools.compress(catalog.paths, scored)),
        clip_counts=clip_counts[scored],
        clips_right=clips_right[scored],
        loss=float(clip_losses[scored].sum() / clip_counts[scored].sum()),
        skipped=list(itertools.compress(titles, skipped)),
        clips_left_out=damage.clips,
        views=_views(preprocessing.sampling, clips_per_video, crops),
        spans=list(itertools.compress(catalog.spans, scored)) if catalog.spans else None,
        groups=list(itertools.compress(catalog.groups or (), scored)),
    )


def _views(sampling, clips_per_video, crops):
    """Which clips of a video are scored, in words."""
    clips = f"{clips_per_video} clips" if clips_per_video else "all clips"
    if sampling.frames == "spread" and not clips_per_video:
        clips = "1 clip"
    return f"{clips} of frames {sampling}, {'centre crop' if crops == 1 else f'{crops} crops'}"
