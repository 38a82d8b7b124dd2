"""Holds the subsets of a data set against each other: what is wrong, and what is worth knowing."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_seattn.checking.contents import entries, same_contents
from keras_seattn.checking.measuring import Subset
from keras_seattn.data.catalogs import Catalog, with_blanks
from keras_seattn.data.groups import group_name
from keras_seattn.data.records.manifest import Records
from keras_seattn.settings import NetworkSettings

FEW = 10  # training videos of a class
_MOST_NAMED, _MOST_VALUES = 100, 5


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that was found of a data set.

    Attributes:
        kind: str, a word or two for it, such as `"unreadable"`.
        text: str, a sentence.
        wrong: bool, whether it must be mended; else it is only told.
        named: list of str, all videos, groups or classes that it is about.
    """

    kind: str
    text: str
    wrong: bool = False
    named: Sequence[str] = ()

    def __str__(self):
        lines = [self.text, *(f"  {name}" for name in self.named[:_MOST_NAMED])]
        if len(self.named) > _MOST_NAMED:
            lines.append(f"  ... and {len(self.named) - _MOST_NAMED} more")
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class DataCheck:
    """What a data set holds, and what was found.

    Attributes:
        subsets: dict of str to `measuring.Subset`: `"training"`, and `"test"`
            if there is one.
        findings: list of `Finding`, what is wrong first.
        passed: bool, whether nothing is wrong.
    """

    subsets: dict[str, Subset]
    findings: list[Finding]

    @property
    def passed(self) -> bool:
        return not any(finding.wrong for finding in self.findings)

    def as_json(self) -> dict:
        """All of it, as JSON takes it."""
        return {
            "passed": self.passed,
            "subsets": {name: subset.as_json() for name, subset in self.subsets.items()},
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }

    def __str__(self):
        lines = [line for name, subset in self.subsets.items() for line in _told(name, subset)]
        for title, wrong in (("Wrong", True), ("Worth knowing", False)):
            chosen = [finding for finding in self.findings if finding.wrong == wrong]
            if chosen:
                lines += ["", f"{title}:", *map(str, chosen)]
        return "\n".join([*lines, *(["", "Nothing is wrong."] if self.passed else [])])


def _told(name, subset):
    """What a subset holds, in lines."""
    known = subset.as_json()
    yield f"{name}: {known['videos']:,} videos of {len(known['classes'])} classes"
    for unit in ("frames", "seconds"):
        if spread := known[unit]:
            yield (
                f"  {unit}: {spread['0 %']:.6g} ({spread['shortest']}) to "
                f"{spread['100 %']:.6g} ({spread['longest']}), median {spread['50 %']:.6g}"
            )
    for unit in ("frames a second", "pixels"):
        counts = [f"{value} ({count:,})" for value, count in known[unit].items()]
        more = f" and {len(counts) - _MOST_VALUES} others" if len(counts) > _MOST_VALUES else ""
        yield f"  {unit}: {', '.join(counts[:_MOST_VALUES])}{more}"


def check_data(
    training: Catalog | Records,
    test: Catalog | Records | None = None,
) -> DataCheck:
    """Opens all videos of a data set, and says what is wrong with it.

    These are wrong: videos that cannot be read; the same content with different
    labels; the same content in training and test; a group of a class, whose
    videos share people and scene, in both; classes without training videos.

    These are only told: other videos that are there twice, parts of files that
    overlap and have different labels, groups in both subsets in different
    classes, names in both subsets of videos that differ, classes with few
    training videos, with one group or without test videos, videos that are
    shorter than a clip or of variable rate.

    Args:
        training: `data.Catalog` or `data.records.Records`. Files are hashed
            where another one has the same size.
        test: likewise; or None.

    Returns:
        A `DataCheck`.

    Raises:
        ValueError: A catalog is empty.

    Example:

    >>> check = keras_seattn.checking.check_data(train_catalog, test_catalog)
    >>> check.passed
    True
    """
    catalogs = {"training": training, "test": test}
    subsets = {name: Subset.of(c) for name, c in catalogs.items() if c is not None}
    found = [*_of_videos(subsets), *_of_classes(subsets), *_of_both(subsets)]
    return DataCheck(subsets, sorted(found, key=lambda finding: not finding.wrong))


def _of_videos(subsets):
    """What is odd about single videos."""
    frames = NetworkSettings().frames
    for name, subset in subsets.items():
        names, total = np.array(subset.catalog.names, object), len(subset.catalog)
        title, errors = f"{name.capitalize()} videos", list(subset.errors.values())
        short = names[subset.readable & (subset.frames < frames)]
        varying = names[subset.variable]
        yield from _found("unreadable", f"{title} that cannot be read", errors, total, wrong=True)
        yield from _found("short", f"{title} of fewer than {frames} frames, looped", short, total)
        yield from _found("variable rate", f"{title} of variable frame rate", varying, total)


def _of_classes(subsets):
    """Which classes lack videos. Blanks and underscores in names are alike."""
    every = [name for subset in subsets.values() for name in subset.catalog.class_names]
    names = {with_blanks(name): name for name in every}
    total = len(names)
    counts = {
        name: collections.Counter(map(with_blanks, subset.class_names))
        for name, subset in subsets.items()
    }
    training, test = counts["training"], counts.get("test", names)
    groups = collections.defaultdict(set)
    for entry in entries({"training": subsets["training"]}):
        groups[with_blanks(entry.class_name)].add(entry.group)
    untrained = [name for key, name in names.items() if not training[key]]
    untested = [name for key, name in names.items() if training[key] and key not in test]
    few = [f"{name}: {training[key]}" for key, name in names.items() if 0 < training[key] < FEW]
    one = [name for key, name in names.items() if len(groups[key]) == 1]
    title = "Classes without training videos"
    yield from _found("no training videos", title, untrained, total, wrong=True)
    yield from _found("no test videos", "Classes without test videos", untested, total)
    yield from _found("few videos", f"Classes of fewer than {FEW} training videos", few, total)
    title = "Classes with training videos of one group, of which none can be held out"
    yield from _found("one group", title, one, total)


def _of_both(subsets):
    """Which videos are the same, and which groups are in both subsets."""
    labels, parts, both, doubled, known = [], [], [], [], set()
    for same in same_contents(subsets):
        text = " = ".join(map(str, same))
        differ = len({with_blanks(entry.class_name) for entry in same}) > 1
        if differ:
            (parts if all(entry.span for entry in same) else labels).append(text)
        if len({entry.subset for entry in same}) > 1:
            both.append(text)
            known |= {entry.name for entry in same}
        elif not differ:
            doubled.append(text)
    names, groups, shared = (collections.defaultdict(set) for _ in range(3))
    for entry in entries(subsets):
        names[entry.name].add(entry.subset)
        if entry.has_group:
            groups[entry.class_name, entry.group].add(entry.subset)
            shared[group_name(entry.group, entry.class_name, entry.name)].add(entry.subset)
    split = [of for of, where in groups.items() if len(where) > 1]
    told = {group for _, group in split}
    across = [
        group
        for group, where in shared.items()
        if len(where) > 1 and group not in told and group not in map(": ".join, split)
    ]
    called = [name for name, where in names.items() if len(where) > 1 and name not in known]
    title = "Videos of the same content and different labels"
    yield from _found("different labels", title, labels, wrong=True)
    yield from _found("in both", "Videos in training and test at once", both, wrong=True)
    title = "Groups of a class, which share people and scene, in training and test at once"
    yield from _found("split groups", title, [": ".join(of) for of in split], wrong=True)
    title = "Groups in training and test at once, in different classes"
    yield from _found("shared groups", title, across)
    title = "Parts of files that overlap and have different labels"
    yield from _found("overlapping parts", title, parts)
    yield from _found("doubled", "Videos that are there more than once", doubled)
    title = "Names that are in training and test, of videos that differ"
    yield from _found("same names", title, called)


def _found(kind, title, named, total=None, *, wrong=False):
    """A `Finding`, if something is named."""
    if len(named):
        of = f" of {total}" if total else ""
        yield Finding(kind, f"{title}: {len(named)}{of}", wrong, list(named))
