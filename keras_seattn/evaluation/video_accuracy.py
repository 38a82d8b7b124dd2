"""Video-level accuracy: the mean of the scores of all clips of each video."""

import dataclasses
import json
import math

import numpy as np
import sklearn.metrics
import tqdm

from keras_seattn.data.pipeline import test_clips
from keras_seattn.data.unreadable import DamageLog
from keras_seattn.preprocessing import clip_shape, preprocessing_of


@dataclasses.dataclass(frozen=True)
class EvaluationResult:
    """How well a model recognises the videos of a catalog.

    All accuracies are shares from 0 to 1.

    Attributes:
        top1: float, the share of videos whose highest mean score is that of
            their class: the accuracy that papers report.
        top5: float, the share of videos whose class is among the five highest
            (among all, where there are fewer than five classes).
        clip_top1: float, the share of single clips that are right; usually
            points lower than `top1`.
        balanced_accuracy: float, the mean over classes of the share of each
            class's videos that are right.
        loss: float, the mean cross-entropy of single clips, in nats.
        videos: int, the number of videos scored.
        clips: int, the number of their clips.
        skipped: list of str, the videos that could not be read.
        class_names: list of str.
        confusion_matrix: int array, `(classes, classes)`, videos; rows are the
            true classes, columns the predicted ones.
        per_class: list of dict, `class_name`, `precision`, `recall` and
            `support` (the number of videos) of each class. The precision of a
            class that is never predicted and the recall of one that has no
            videos are NaN.
        scores: float array, `(videos, classes)`: the mean scores of each
            video of the catalog that is not skipped, in its order.
        labels: int array, `(videos,)`: the true classes of the same.
    """

    top1: float
    top5: float
    clip_top1: float
    balanced_accuracy: float
    loss: float
    videos: int
    clips: int
    skipped: list
    class_names: list
    confusion_matrix: np.ndarray
    per_class: list
    scores: np.ndarray
    labels: np.ndarray

    def save(self, path):
        """Writes everything but the scores as JSON; NaN becomes null."""
        content = {
            "video_top1": self.top1,
            "video_top5": self.top5,
            "clip_top1": self.clip_top1,
            "balanced_accuracy": self.balanced_accuracy,
            "clip_loss": self.loss,
            "videos": self.videos,
            "clips": self.clips,
            "skipped": self.skipped,
            "class_names": self.class_names,
            "per_class": [
                {k: None if v != v else v for k, v in row.items()} for row in self.per_class
            ],
            "confusion_matrix": self.confusion_matrix.tolist(),
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, ensure_ascii=False)

    def __str__(self):
        text = (
            f"video top-1 {self.top1:.4f}, top-5 {self.top5:.4f}, balanced accuracy "
            f"{self.balanced_accuracy:.4f} ({self.videos} videos); "
            f"clip top-1 {self.clip_top1:.4f} ({self.clips} clips)"
        )
        if self.skipped:
            text += f"; {len(self.skipped)} unreadable videos left out"
        return text


def evaluate(model, catalog, batch_size=32, unreadable="stop", progress=True):
    """Scores every video of a catalog by the mean softmax over all of its clips.

    Clips are those of `data.test_clips`: consecutive, the last one looped to
    length, centre crop. Their length and size are those of the model's input.

    Args:
        model: a `keras.Model` from preprocessed clips to probabilities.
        catalog: `data.Catalog`.
        batch_size: int, the number of clips scored at once.
        unreadable: `"stop"` raises if a video cannot be read, `"skip"` warns
            and leaves up to 1 % of the videos out; the result lists them.
        progress: bool, whether to show a progress bar.

    Returns:
        An `EvaluationResult`.

    Raises:
        ValueError: The model's input is not a clip of fixed size, it has
            another number of classes than the catalog, or its outputs are not
            probabilities.
        data.VideoError: Videos cannot be read; the message lists them.

    Source:
        Hara et al. 2018, Section 3.2; Anvarov, Kim, Song 2020, Section 4.2.

    Example:

    >>> result = keras_seattn.evaluation.evaluate(model, test_catalog)
    >>> print(result.top1, result.clip_top1)
    """
    frames, size, data_format = clip_shape(model)
    classes = len(catalog.class_names)
    if model.output_shape[-1] != classes:
        raise ValueError(
            f"`model` has {model.output_shape[-1]} outputs, but `catalog` has {classes} classes. "
            f"Build the model with classes={classes}."
        )
    damage = DamageLog(len(catalog))
    dataset = test_clips(
        catalog,
        frames,
        size,
        batch_size,
        unreadable,
        data_format,
        preprocessing_of(model),
        damage,
    )
    score_sums = np.zeros((len(catalog), classes))
    clip_counts = np.zeros(len(catalog), int)
    clips_right, clip_losses = np.zeros(len(catalog), int), np.zeros(len(catalog))
    with tqdm.tqdm(
        total=len(catalog), desc="Scoring videos", unit=" videos", disable=not progress
    ) as bar:
        for inputs, labels in dataset.as_numpy_iterator():
            scores = np.asarray(model.predict_on_batch(inputs["clip"]), "float64")
            check_probabilities(scores)
            likelihoods = np.maximum(scores[np.arange(len(labels)), labels], 1e-7)
            np.add.at(score_sums, inputs["video"], scores)
            np.add.at(clip_counts, inputs["video"], 1)
            np.add.at(clips_right, inputs["video"], scores.argmax(axis=1) == labels)
            np.add.at(clip_losses, inputs["video"], -np.log(likelihoods))
            bar.update(int(inputs["video"][-1]) + 1 - bar.n)

    damaged = damage.paths
    scored = (clip_counts > 0) & [path not in damaged for path in catalog.paths]
    clips = int(clip_counts[scored].sum())
    return _summary(
        score_sums[scored] / clip_counts[scored, None],
        catalog.labels[scored],
        list(catalog.class_names),
        clip_top1=float(clips_right[scored].sum() / clips),
        loss=float(clip_losses[scored].sum() / clips),
        clips=clips,
        skipped=[path for path, seen in zip(catalog.paths, scored, strict=True) if not seen],
    )


def check_probabilities(scores):
    """Raises a ValueError unless each row of an array is finite, not negative and sums to 1."""
    if not np.all(np.isfinite(scores)):
        raise ValueError(
            "`model` gives scores that are not finite numbers: its training diverged. Load an "
            "earlier checkpoint, or train again with a lower learning rate."
        )
    if scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=1e-2):
        raise ValueError(
            "`model` must give probabilities that sum to 1, for the scores of a video are the "
            'mean over its clips. Build it with classifier_activation="softmax", or put a '
            "keras.layers.Softmax behind it."
        )


def _summary(scores, labels, class_names, clip_top1, loss, clips, skipped):
    classes = np.arange(len(class_names))
    predicted = scores.argmax(axis=1)
    top5 = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    precision, recall, _, support = sklearn.metrics.precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=math.nan
    )
    return EvaluationResult(
        top1=float(np.mean(predicted == labels)),
        top5=float(np.mean(np.any(top5 == labels[:, None], axis=1))),
        clip_top1=clip_top1,
        # Over the classes that have videos; without a warning where others are predicted.
        balanced_accuracy=float(np.mean(recall[support > 0])),
        loss=loss,
        videos=len(labels),
        clips=clips,
        skipped=skipped,
        class_names=class_names,
        confusion_matrix=sklearn.metrics.confusion_matrix(labels, predicted, labels=classes),
        per_class=[
            {
                "class_name": name,
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "support": int(support[i]),
            }
            for i, name in enumerate(class_names)
        ],
        scores=scores,
        labels=labels,
    )
