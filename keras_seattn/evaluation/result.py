"""The scores of videos, and every number that follows from them."""

import dataclasses
import functools
import math
import os
from collections.abc import Sequence

import numpy as np
import sklearn.metrics

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.groups import group_numbers
from keras_seattn.errors import DivergedError, InputError
from keras_seattn.evaluation.intervals import as_text, share_interval
from keras_seattn.files import write_csv, write_json

METRICS = ("top1", "top5", "clip_top1", "balanced_accuracy")


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluationResult:
    """How well a model recognises videos.

    All accuracies are shares from 0 to 1.

    Args:
        scores: float32 array, `(videos, classes)`: the mean scores of each video.
        labels: int array, `(videos,)`: the true classes.
        class_names: list of str.
        paths: list of str, the videos; empty if they are not at hand.
        clip_counts: int array, `(videos,)`: the number of clips of each video;
            None means one each.
        clips_right: int array, likewise: how many of them are right by
            themselves; None means as the videos are.
        loss: float, the mean cross-entropy of single clips, in nats.
        skipped: list of str, the videos that could not be read.
        clips_left_out: int, how many clips of videos that can be read were
            left out, for they touch damaged frames.
        views: str, which clips of a video were scored; "" if nobody said.
        spans: list, which parts of their files the videos are, as those of a
            `data.Catalog`.
        groups: list of str, the group of each video, as `data.Catalog.groups`;
            empty if nobody knows.

    Attributes:
        top1: float, the share of videos whose highest mean score is that of
            their class: the accuracy that papers report.
        top5: float, the share of videos whose class is among the five highest
            (among all, where there are fewer than five classes).
        clip_top1: float, the share of single clips that are right; usually
            points lower than `top1`.
        balanced_accuracy: float, the mean over classes of the share of each
            class's videos that are right.
        intervals: dict of str to `(low, high)`: the 95 % interval of each of
            these four, to be cited: by group where some group has several
            videos, else by video. See `docs/results.md`.
        video_intervals: dict, likewise: by video in any case.
        group_numbers: int array, `(videos,)`: the group of each video, from 0;
            None where no group has several.
        names: list of str, what the videos are called wherever they are kept, as
            `data.Catalog.names`; empty where `paths` is.
        videos: int, the number of videos scored.
        clips: int, the number of their clips.
        predicted: int array, `(videos,)`: the classes of the highest scores.
        confusion_matrix: int array, `(classes, classes)`, videos; rows are the
            true classes, columns the predicted ones.
        per_class: list of dict, `class_name`, `precision`, `recall`, `f1`,
            `support` (the number of videos), and `recall_low` and
            `recall_high`, the interval of the recall, of each class. The
            precision of a class that is never predicted and the recall of one
            that has no videos are NaN.

    Raises:
        ValueError: There are no videos, scores that are not finite, labels
            outside of the classes, or shapes that do not go together.
    """

    scores: np.ndarray
    labels: np.ndarray
    class_names: Sequence[str]
    paths: Sequence[str] = ()
    clip_counts: np.ndarray = None  # type: ignore[assignment]
    clips_right: np.ndarray = None  # type: ignore[assignment]
    loss: float = math.nan
    skipped: Sequence[str] = ()
    clips_left_out: int = 0
    views: str = ""
    spans: Sequence[tuple[float, float] | None] | None = None
    groups: Sequence[str] = ()

    def __post_init__(self):
        def put(name, value):
            object.__setattr__(self, name, value)

        put("scores", np.asarray(self.scores, "float32"))
        put("labels", np.asarray(self.labels))
        put("class_names", [str(name) for name in self.class_names])
        shape = (len(self.labels), len(self.class_names))
        if not len(self.labels):
            raise InputError("`labels` is empty: there is no video to evaluate.")
        if self.scores.shape != shape:
            raise InputError(
                f"`scores` must have the shape (videos, classes), {shape} for these `labels` and "
                f"`class_names`. Received: {self.scores.shape}"
            )
        finite = np.isfinite(self.scores).all(axis=1)
        if not finite.all():
            raise DivergedError(
                f"`scores` must be finite numbers. Those of {self._videos_where(~finite)} are not: "
                "the training diverged."
            )
        outside = (self.labels < 0) | (self.labels >= shape[1])
        if outside.any():
            raise InputError(
                f"`labels` must be from 0 to {shape[1] - 1}. Those of "
                f"{self._videos_where(outside)} are not: {self.labels[outside][:5].tolist()}"
            )
        for name in ("paths", "groups"):
            if len(getattr(self, name)) not in (0, self.videos):
                raise InputError(
                    f"`{name}` must have one entry for each of the {self.videos} `labels`. "
                    f"Received: {len(getattr(self, name))}"
                )
        if self.clip_counts is None:
            put("clip_counts", np.ones(shape[0], int))
        if self.clips_right is None:
            put("clips_right", self.clip_counts * (self.predicted == self.labels))

    @functools.cached_property
    def names(self) -> list[str]:
        if not len(self.paths):
            return []
        return Catalog(self.paths, self.labels, self.class_names, spans=self.spans).names

    @property
    def titles(self) -> list[str]:
        """The paths of the videos and their spans, as `data.Catalog.titles`."""
        if not len(self.paths):
            return []
        return Catalog(self.paths, self.labels, self.class_names, spans=self.spans).titles

    def _videos_where(self, mask):
        numbers = np.flatnonzero(mask)
        named = [self.paths[i] if len(self.paths) else f"video {i}" for i in numbers[:5]]
        return ", ".join(named) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")

    @functools.cached_property
    def predicted(self) -> np.ndarray:
        return self.scores.argmax(axis=1)

    @functools.cached_property
    def _in_top5(self):
        best = np.argsort(-self.scores, axis=1, kind="stable")[:, :5]
        return np.any(best == self.labels[:, None], axis=1)

    @property
    def top1(self) -> float:
        return float(np.mean(self.predicted == self.labels))

    @property
    def top5(self) -> float:
        return float(np.mean(self._in_top5))

    @property
    def clip_top1(self) -> float:
        return float(np.sum(self.clips_right) / self.clips)

    @property
    def balanced_accuracy(self) -> float:
        support = self.confusion_matrix.sum(axis=1)
        present = support > 0
        return float(np.mean(self.confusion_matrix.diagonal()[present] / support[present]))

    @functools.cached_property
    def group_numbers(self) -> np.ndarray | None:
        return group_numbers(self.groups, self.labels, self.names)

    @functools.cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        return self._intervals(self.group_numbers)

    @functools.cached_property
    def video_intervals(self) -> dict[str, tuple[float, float]]:
        return self._intervals(None)

    def _intervals(self, groups):
        right = self.predicted == self.labels
        weights = 1 / np.bincount(self.labels)[self.labels]  # each class counts the same
        return {
            "top1": share_interval(right, groups=groups),
            "top5": share_interval(self._in_top5, groups=groups),
            "clip_top1": share_interval(self.clips_right, self.clip_counts, groups),
            "balanced_accuracy": share_interval(weights * right, weights, groups),
        }

    @property
    def videos(self) -> int:
        return len(self.labels)

    @property
    def clips(self) -> int:
        return int(np.sum(self.clip_counts))

    @functools.cached_property
    def confusion_matrix(self) -> np.ndarray:
        classes = len(self.class_names)
        pairs = np.bincount(classes * self.labels + self.predicted, minlength=classes**2)
        return pairs.reshape(classes, classes)

    @functools.cached_property
    def per_class(self) -> list[dict]:
        precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(
            self.labels,
            self.predicted,
            labels=np.arange(len(self.class_names)),
            zero_division=math.nan,
        )
        intervals = [self._recall_interval(label) for label in range(len(self.class_names))]
        return [
            {
                "class_name": name,
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "support": int(support[i]),
                "recall_low": intervals[i][0],
                "recall_high": intervals[i][1],
            }
            for i, name in enumerate(self.class_names)
        ]

    def _recall_interval(self, label):
        own = self.labels == label
        if not own.any():
            return math.nan, math.nan
        groups = None if self.group_numbers is None else self.group_numbers[own]
        return share_interval(self.predicted[own] == label, groups=groups)

    @property
    def left_out(self) -> str:
        """What was left out, as the end of a sentence; "" if nothing was."""
        text = f"; {len(self.skipped)} unreadable videos left out" if self.skipped else ""
        if self.clips_left_out:
            text += f"; {self.clips_left_out} clips with damaged frames left out"
        return text

    @property
    def headline(self) -> str:
        """The video accuracy in a few words, such as `"84.4% (81.2% to 87.2%) of 336 videos"`."""
        return f"{self.top1:.1%} ({as_text(self.intervals['top1'])}) of {self.videos} videos"

    def save(self, path: str | os.PathLike, validation: str | None = None) -> None:
        """Writes the numbers that follow from the scores as JSON; NaN becomes null.

        Args:
            path: str, the file.
            validation: str, what the training was validated on, or None.
        """
        content = {
            "video_top1": self.top1,
            "video_top5": self.top5,
            "clip_top1": self.clip_top1,
            "balanced_accuracy": self.balanced_accuracy,
            "intervals_95": self.intervals,
            "intervals_95_by": "video" if self.group_numbers is None else "group",
            "intervals_95_by_video": self.video_intervals,
            "clip_loss": self.loss,
            "videos": self.videos,
            "clips": self.clips,
            "validated_on": validation,
            "skipped": list(self.skipped),
            "clips_left_out": self.clips_left_out,
            "views": self.views,
            "class_names": self.class_names,
            "per_class": self.per_class,
            "confusion_matrix": self.confusion_matrix.tolist(),
        }
        write_json(path, _without_nan(content))

    def save_per_class(self, path: str | os.PathLike) -> None:
        """Writes `per_class` as CSV; NaN becomes an empty cell."""
        rows = [{k: "" if v != v else v for k, v in row.items()} for row in self.per_class]
        write_csv(path, list(rows[0]), rows)

    def __str__(self):
        top1, top5, clip_top1, balanced = (
            "{:.4f} ({:.4f} to {:.4f})".format(getattr(self, name), *self.intervals[name])
            for name in METRICS
        )
        text = (
            f"video top-1 {top1}, top-5 {top5}, balanced accuracy {balanced}, {self.videos} "
            f"videos; clip top-1 {clip_top1}, {self.clips} clips"
        )
        if self.group_numbers is not None:
            low, high = self.video_intervals["top1"]
            text += (
                "; 95 % intervals by group of videos, those to cite (by video, which is too "
                f"narrow, top-1 has {low:.4f} to {high:.4f})"
            )
        return text + (f"; {self.views}" if self.views else "") + self.left_out


def _without_nan(content):
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_nan(value) for value in content]
    return None if content != content else content
