"""Lists of videos with their labels; `datasets/` makes them of data sets on disk."""

import dataclasses
import hashlib
import math
import os
import typing
from collections.abc import Sequence

import numpy as np

from keras_seattn.data.groups import video_group
from keras_seattn.errors import InputError

if typing.TYPE_CHECKING:
    from keras_seattn.data.records.manifest import Records


@dataclasses.dataclass(frozen=True)
class Catalog:
    """A list of videos with their labels.

    Attributes:
        paths: list of str, the video files.
        labels: int array of the length of `paths`: indices into `class_names`.
        class_names: list of str.
        spans: list of `(start, end)` in seconds, what counts of each file, None
            for a whole one; None where all are whole.
        groups: list of str, the group of each video: those of one share people
            and scene. None means that of its file's name; see `video_group`.
    """

    paths: Sequence[str]
    labels: typing.Any  # any sequence of int becomes an array
    class_names: Sequence[str]
    _: dataclasses.KW_ONLY
    spans: Sequence[tuple[float, float] | None] | None = None
    groups: Sequence[str] | None = None

    def __post_init__(self):
        object.__setattr__(self, "labels", np.asarray(self.labels, "int64"))
        if self.groups is None:
            object.__setattr__(self, "groups", [video_group(path) for path in self.paths])
        for name in ("spans", "groups"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.paths):
                raise InputError(
                    f"`{name}` must have one entry per path. Received: {len(values)} for "
                    f"{len(self.paths)} paths"
                )
        if len(self.paths) != len(self.labels):
            raise InputError(
                "`labels` must have one entry per path. Received: "
                f"{len(self.labels)} labels for {len(self.paths)} paths"
            )
        classes = len(self.class_names)
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < classes:
            raise InputError(
                f"`labels` must be from 0 to {classes - 1}, for there are {classes} class names. "
                f"Received: labels from {self.labels.min()} to {self.labels.max()}"
            )
        for name in self.class_names:
            if (shown := str(name).encode(errors="backslashreplace").decode()) != name:
                raise InputError(
                    f"The name of a class is not text in UTF-8: {shown}. Files of models and "
                    "records could not hold it. Rename its folder."
                )

    def __len__(self):
        return len(self.paths)

    @property
    def names(self) -> list[str]:
        """What the videos are called wherever they are kept: `<class>/<file>`, and their spans."""
        return self._with_spans(map(video_name, self.paths))

    @property
    def titles(self) -> list[str]:
        """The paths of the videos, and their spans."""
        return self._with_spans(self.paths)

    def _with_spans(self, names):
        spans = self.spans or [None] * len(self)
        return [
            f"{name} {span[0]:.10g}-{_end(span[1])} s" if span else name
            for name, span in zip(names, spans, strict=True)
        ]

    def part(self, chosen: Sequence[bool] | np.ndarray) -> "Catalog":
        """A catalog of the videos where a mask is true, in their order."""
        kept = np.flatnonzero(np.asarray(chosen, bool))

        def of(values):
            return values and [values[i] for i in kept]

        return Catalog(
            of(self.paths),
            self.labels[kept],
            self.class_names,
            spans=of(self.spans),
            groups=of(self.groups),
        )


def _end(seconds):
    """When a span ends, as text; nothing for the end of the file."""
    return "" if seconds == math.inf else f"{seconds:.10g}"


def match_classes(
    catalog: "Catalog | Records", class_names: Sequence[str], whose: str
) -> np.ndarray:
    """Finds the classes of a catalog among those of a model or of another catalog, by name.

    Blanks and underscores in names are alike.

    Args:
        catalog: `Catalog`, or `data.records.Records`.
        class_names: sequence of str.
        whose: str, what has them, for the message.

    Returns:
        int array, the place among `class_names` of each class of `catalog`.

    Raises:
        ValueError: Some are not there; the message lists them.
    """
    alike = {with_blanks(name): place for place, name in enumerate(class_names)}
    exact = {name: place for place, name in enumerate(class_names)}
    places = [exact.get(name, alike.get(with_blanks(name))) for name in catalog.class_names]
    if None in places:
        unknown = [
            name for name, place in zip(catalog.class_names, places, strict=True) if place is None
        ]
        unused = [name for place, name in enumerate(class_names) if place not in places]
        raise InputError(
            f"These classes of the data are none of {whose}: {', '.join(unknown)}. These classes "
            f"of {whose} have no data: {', '.join(unused) or 'none'}. They are matched by name: "
            "correct those that differ, or leave the others out."
        )
    return np.array(places, "int64")


def with_blanks(name: str) -> str:
    """A class's name with blanks for underscores, which are alike."""
    return name.replace("_", " ")


def video_name(path: str) -> str:
    """A video's name wherever it is kept, its last folder and its file: `<class>/<file>`."""
    return "/".join(path.replace(os.sep, "/").split("/")[-2:])


def summary(catalog: "Catalog | Records") -> str:
    """The number of videos of a catalog, and a digest of their names and classes, a str."""
    names = sorted(
        f"{name} {catalog.class_names[label]}\n"
        for name, label in zip(catalog.names, catalog.labels, strict=True)
    )
    digest = hashlib.sha256("".join(names).encode(errors="surrogateescape"))
    return f"{len(catalog)}, digest {digest.hexdigest()[:16]}"
