"""The videos of a catalog, measured: lengths, rates, sizes, and those that cannot be read."""

import collections
import dataclasses

import numpy as np

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.opening import VideoError
from keras_seattn.data.records.manifest import Records
from keras_seattn.data.sampling import Timeline
from keras_seattn.data.unreadable import look_at_all

_PERCENTILES = (0, 5, 50, 95, 100)


@dataclasses.dataclass(frozen=True, eq=False)
class Subset:
    """The videos of a catalog, and what was found of each.

    Attributes:
        catalog: `data.Catalog` or `data.records.Records`.
        errors: dict of int to str, why a video cannot be read, by its place.
        frames: int array, the number of frames of each; 0 if it cannot be read.
        rates: float array, frames a second; 0 where nothing says it.
        variable: bool array, whether that is a mean of different ones.
        sizes: list of `(width, height)` in pixels, None if it cannot be read.
    """

    catalog: Catalog | Records
    errors: dict[int, str]
    frames: np.ndarray
    rates: np.ndarray
    variable: np.ndarray
    sizes: list[tuple[int, int] | None]

    @classmethod
    def of(cls, catalog: Catalog | Records) -> "Subset":
        """Opens the videos of a catalog; those of records were when these were written."""
        errors: dict[int, str] = {}
        timelines: list[Timeline] = []
        sizes: list[tuple[int, int] | None] = []
        if isinstance(catalog, Records):
            timelines = list(catalog.timelines)
            for video in range(len(catalog)):
                _, rows = catalog.rows(video)
                sizes.append((int(rows["width"][0]), int(rows["height"][0])))
        else:
            for number, found in enumerate(look_at_all(catalog)):
                if isinstance(found, VideoError):
                    errors[number] = str(found)
                    timelines.append(Timeline(0))
                    sizes.append(None)
                else:
                    timelines.append(Timeline.of(found))
                    sizes.append(found.shape[::-1])
        return cls(
            catalog,
            errors,
            np.array([timeline.frames for timeline in timelines]),
            np.array([timeline.rate for timeline in timelines]),
            np.array([timeline.times is not None for timeline in timelines]),
            sizes,
        )

    @property
    def class_names(self) -> list[str]:
        """The name of the class of each video."""
        return [self.catalog.class_names[label] for label in self.catalog.labels]

    @property
    def readable(self) -> np.ndarray:
        """Whether each video can be read, a bool array."""
        return self.frames > 0

    @property
    def seconds(self) -> np.ndarray:
        """How long each video lasts, a float array; NaN where nothing says it."""
        lasting = np.full(len(self.frames), np.nan)
        return np.divide(self.frames, self.rates, out=lasting, where=self.rates > 0)

    def as_json(self) -> dict:
        """What it comes to, as JSON takes it."""
        counts = collections.Counter(self.class_names)
        return {
            "videos": len(self.catalog),
            "readable": int(self.readable.sum()),
            "groups": len(set(self.catalog.groups or ())),
            "classes": {name: counts[name] for name in self.catalog.class_names},
            "frames": self._spread(self.frames),
            "seconds": self._spread(self.seconds),
            "frames a second": self._count(
                f"{round(rate, 2):g}" if rate else "unknown" for rate in self.rates
            ),
            "pixels": self._count(size and f"{size[0]} x {size[1]}" for size in self.sizes),
        }

    def _count(self, values):
        """How many readable videos have each value, the most frequent first."""
        kept = [value for value, readable in zip(values, self.readable, strict=True) if readable]
        return dict(collections.Counter(kept).most_common())

    def _spread(self, values):
        """Percentiles, by name, and the videos that have the least and the most."""
        known = np.flatnonzero(self.readable & np.isfinite(values))
        if not len(known):
            return None
        spread = {
            f"{percent} %": float(np.percentile(values[known], percent)) for percent in _PERCENTILES
        }
        ends = {"shortest": np.argmin(values[known]), "longest": np.argmax(values[known])}
        return spread | {name: self.catalog.names[known[place]] for name, place in ends.items()}
