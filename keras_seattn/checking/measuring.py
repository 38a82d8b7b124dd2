"""The videos of a catalog, measured: lengths, rates, sizes, and those that cannot be read."""

import collections
import dataclasses

import numpy as np

from keras_seattn.data.catalogs import Catalog
from keras_seattn.data.opening import VideoError
from keras_seattn.data.records.manifest import Records
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
        if isinstance(catalog, Records):
            first_frames = [catalog.rows(video)[1][0] for video in range(len(catalog))]
            sizes = [(int(row["width"]), int(row["height"])) for row in first_frames]
            unknown = np.zeros(len(catalog))
            return cls(catalog, {}, catalog.frames, unknown, unknown > 0, list(sizes))
        found = look_at_all(catalog)
        errors = {i: str(video) for i, video in enumerate(found) if isinstance(video, VideoError)}
        videos = [None if isinstance(video, VideoError) else video for video in found]
        return cls(
            catalog,
            errors,
            np.array([video.frames if video else 0 for video in videos]),
            np.array([video.rate if video else 0 for video in videos]),
            np.array([getattr(video, "times", None) is not None for video in videos]),
            [(video.shape[1], video.shape[0]) if video else None for video in videos],
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
