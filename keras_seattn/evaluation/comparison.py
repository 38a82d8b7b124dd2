"""Two results on the same videos: which model is better, and whether that may be chance."""

import collections
import dataclasses
import functools
import os
from collections.abc import Sequence

import numpy as np
import scipy.stats

from keras_seattn.data.catalogs import with_blanks
from keras_seattn.data.groups import group_numbers
from keras_seattn.errors import InputError
from keras_seattn.evaluation.intervals import difference_interval
from keras_seattn.evaluation.result import EvaluationResult
from keras_seattn.files import write_json

_MOST = 5


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """What two models made of the same videos; see `compare`.

    Differences are those of the first less the second, shares from -1 to 1.

    Args:
        names: list of str, the videos that both scored.
        labels: int array, `(videos,)`: their classes.
        class_names: list of str.
        right: bool array, `(2, videos)`: which are right in the first result, and in
            the second.
        groups: list of str, the group of each video; empty if nobody knows.
        only_first, only_second: list of str, the videos that only one scored; they
            are left out.
        views: `(first, second)`, which clips of a video each has scored, as
            `EvaluationResult.views`.

    Attributes:
        top1: `(first, second)`, the video accuracies, two floats.
        difference: float, that of the two.
        interval: `(low, high)`, its 95 % interval, to be cited: by group where
            some group has several videos, else by video.
        video_interval: `(low, high)`, likewise, by video in any case.
        group_numbers: as of `EvaluationResult`.
        first_right, second_right: int, how many videos are right in one alone.
        p_value: float, of McNemar's exact test: how probable so uneven a pair of
            these two numbers is, or a more uneven one, if both models are as
            good. It takes videos as independent; where there are groups, trust
            the interval.
        per_class: list of dict, `class_name`, `videos`, `first`, `second` and
            `difference` of each class that has videos, those most gained first.
    """

    names: Sequence[str]
    labels: np.ndarray
    class_names: Sequence[str]
    right: np.ndarray
    groups: Sequence[str] = ()
    only_first: Sequence[str] = ()
    only_second: Sequence[str] = ()
    views: tuple[str, str] = ("", "")

    @functools.cached_property
    def group_numbers(self) -> np.ndarray | None:
        return group_numbers(self.groups, self.labels, self.names)

    @property
    def top1(self) -> tuple[float, float]:
        first, second = np.mean(self.right, axis=1)
        return float(first), float(second)

    @property
    def _differences(self):
        return self.right[0].astype(int) - self.right[1]

    @property
    def difference(self) -> float:
        return float(np.mean(self._differences))

    @property
    def interval(self) -> tuple[float, float]:
        return difference_interval(self._differences, self.group_numbers)

    @property
    def video_interval(self) -> tuple[float, float]:
        return difference_interval(self._differences)

    @property
    def first_right(self) -> int:
        return int(np.sum(self._differences == 1))

    @property
    def second_right(self) -> int:
        return int(np.sum(self._differences == -1))

    @property
    def p_value(self) -> float:
        differing = self.first_right + self.second_right
        if not differing:
            return 1.0
        return float(scipy.stats.binomtest(self.first_right, differing).pvalue)

    @functools.cached_property
    def per_class(self) -> list[dict]:
        rows = []
        for label in np.unique(self.labels):
            first, second = self.right[:, self.labels == label].mean(axis=1)
            rows.append(
                {
                    "class_name": self.class_names[label],
                    "videos": int(np.sum(self.labels == label)),
                    "first": float(first),
                    "second": float(second),
                    "difference": float(first - second),
                }
            )
        return sorted(rows, key=lambda row: -row["difference"])

    def save(self, path: str | os.PathLike) -> None:
        """Writes all of it but the videos in common as JSON."""
        content = {
            "videos": len(self.names),
            "top1": self.top1,
            "difference": self.difference,
            "interval_95": self.interval,
            "interval_95_by": "video" if self.group_numbers is None else "group",
            "interval_95_by_video": self.video_interval,
            "first_right": self.first_right,
            "second_right": self.second_right,
            "mcnemar_exact_p": self.p_value,
            "per_class": self.per_class,
            "only_first": list(self.only_first),
            "only_second": list(self.only_second),
            "views": self.views,
        }
        write_json(path, content)

    def __str__(self):
        by_video = "{:+.4f} to {:+.4f}".format(*self.video_interval)
        if self.group_numbers is None:
            interval = by_video
        else:
            interval = "{:+.4f} to {:+.4f} by group, to cite; ".format(*self.interval)
            interval += f"{by_video} by video"
        lines = [
            "top-1 {:.4f} against {:.4f}".format(*self.top1)
            + f" of the same {len(self.names)} videos: {self.difference:+.4f} "
            f"(95 %: {interval})",
            f"only the first right: {self.first_right} videos, only the second: "
            f"{self.second_right}; McNemar's exact test, by video: p = {self.p_value:.2g}",
        ]
        gained = [row for row in self.per_class if row["difference"] > 0]
        lost = [row for row in reversed(self.per_class) if row["difference"] < 0]
        for word, rows in (("gained", gained), ("lost", lost)):
            if rows:
                named = (f"{row['class_name']} {row['difference']:+.2f}" for row in rows[:_MOST])
                lines.append(f"{word} most: {', '.join(named)}")
        if self.views[0] != self.views[1]:
            lines.append("scored otherwise: the first {}; the second {}".format(*self.views))
        for word, names in (("first", self.only_first), ("second", self.only_second)):
            if names:
                lines.append(f"left out: {_some(names)}, in the {word} alone")
        return "\n".join(lines)


def compare(first: EvaluationResult, second: EvaluationResult) -> Comparison:
    """Compares two models on the videos that both have scored.

    Videos are matched by name, `<class>/<file>`, wherever they are kept, or by path
    where several have one name; classes by name, whatever their order.

    Args:
        first, second: `EvaluationResult`, such as `evaluate` returns and
            `load_result` reads.

    Returns:
        A `Comparison`.

    Raises:
        ValueError: The results have other classes, or no video in common; a
            video is of another class in one of them; or videos have no names,
            or the same.

    Source:
        McNemar 1947; Bonett, Price 2012.

    Example:

    >>> base = keras_seattn.evaluation.load_result("runs/base")
    >>> attention = keras_seattn.evaluation.load_result("runs/attention")
    >>> print(keras_seattn.evaluation.compare(attention, base).difference)
    0.25
    """
    names = _names(first, second)
    places = [{name: place for place, name in enumerate(own)} for own in names]
    alike = [[with_blanks(name) for name in result.class_names] for result in (first, second)]
    if set(alike[0]) != set(alike[1]):
        odd = sorted(set(alike[0]) ^ set(alike[1]))
        raise InputError(
            f"`first` has {len(alike[0])} classes, `second` {len(alike[1])}, and only one of them "
            f"has {_some(odd)}. Compare models of the same classes."
        )
    common = [name for name in names[0] if name in places[1]]
    if not common:
        raise InputError(
            f"`first` and `second` have no video in common: {names[0][0]} and "
            f"{names[1][0]}, for example. Evaluate both models on the same videos."
        )
    rows = [[place[name] for name in common] for place in places]
    labels = first.labels[rows[0]]
    others = np.array([alike[0].index(name) for name in alike[1]])[second.labels[rows[1]]]
    different = [common[i] for i in np.flatnonzero(labels != others)]
    if different:
        raise InputError(
            f"The class of {_some(different)} is another in `second` than in `first`. Evaluate "
            "both models with the same labels."
        )
    results = zip((first, second), rows, strict=True)
    return Comparison(
        common,
        labels,
        first.class_names,
        np.array([(result.predicted == result.labels)[own] for result, own in results]),
        [first.groups[i] for i in rows[0]] if len(first.groups) else [],
        [name for name in names[0] if name not in places[1]],
        [name for name in names[1] if name not in places[0]],
        (first.views, second.views),
    )


def _names(first, second):
    """What the videos of two results are called: by name, or by path where some names are alike."""
    results = {"first": first, "second": second}
    for word, result in results.items():
        if not len(result.names):
            raise InputError(
                f"The videos of `{word}` have no names, so they cannot be found in the other "
                "result. Give it `paths`."
            )
    for names in ((first.names, second.names), (first.titles, second.titles)):
        counted = [collections.Counter(own) for own in names]
        if all(max(count.values()) == 1 for count in counted):
            return names
    word, twice = next(
        (word, [name for name, times in count.items() if times > 1])
        for word, count in zip(results, counted, strict=True)
        if max(count.values()) > 1
    )
    raise InputError(
        f"Several videos of `{word}` are called {_some(twice)}, so they cannot be told apart. "
        "Rename them."
    )


def _some(names):
    """A few of many names."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
