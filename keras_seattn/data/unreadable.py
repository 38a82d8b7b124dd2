"""Videos that cannot be read: found before training, survived during it, always named."""

import concurrent.futures
import threading
import warnings

import tqdm

from keras_seattn import arguments
from keras_seattn.data.decoding import VideoError, scan_video

# More than this share of a catalog unreadable means that something is wrong with the data set.
MAXIMUM_SHARE = 0.01
_MOST_NAMED = 100


def scan_catalog(catalog, unreadable="stop"):
    """Opens every video of a catalog, before anything depends on it.

    Args:
        catalog: `Catalog`.
        unreadable: `"stop"` raises if any video cannot be read; `"skip"` warns
            and leaves them out, unless they are more than 1 %.

    Returns:
        list of `Video`, one per path of the catalog; None in place of those
        that cannot be read.

    Raises:
        VideoError: Videos cannot be read; the message counts and lists them.
        ValueError: The catalog is empty, or `unreadable` is neither of the two.
    """
    arguments.one_of(unreadable, ("stop", "skip"), "unreadable")
    if not len(catalog):
        raise ValueError("`catalog` holds no videos.")
    errors = {}

    def scan(path):
        try:
            return scan_video(path)
        except VideoError as error:
            errors[path] = str(error)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        videos = list(
            tqdm.tqdm(
                pool.map(scan, catalog.paths),
                total=len(catalog),
                desc="Checking videos",
                unit=" videos",
                delay=2,
            )
        )
    if errors:
        messages = [errors[path] for path in catalog.paths if path in errors]
        if unreadable == "stop":
            raise VideoError(
                _listing(messages, len(catalog))
                + '\nRepair or remove them, or pass unreadable="skip" to leave out up to '
                f"{MAXIMUM_SHARE:.0%}."
            )
        _stop_if_too_many(messages, len(catalog))
        warnings.warn(_listing(messages, len(catalog)) + "\nThey are left out.", stacklevel=2)
    return videos


class DamageLog:
    """Notes videos that opened well but fail later, and stops when they are too many.

    Args:
        videos: int, the number of videos that it watches.
    """

    def __init__(self, videos):
        self.videos = videos
        self._messages = {}
        self._lock = threading.Lock()

    @property
    def paths(self):
        """set of str: the videos that have failed so far."""
        return set(self._messages)

    def note(self, error, path):
        """Notes that reading `path` failed with `error`: a warning the first time.

        Raises:
            VideoError: More than 1 % of the videos have failed; it lists them.
        """
        with self._lock:
            if path in self._messages:
                return
            self._messages[path] = str(error)
            messages = list(self._messages.values())
        _stop_if_too_many(messages, self.videos)
        warnings.warn(
            f"{error} ({len(messages)} of {self.videos} videos so far.)",
            stacklevel=2,
        )


def _listing(messages, total):
    named = "\n".join(messages[:_MOST_NAMED])
    if len(messages) > _MOST_NAMED:
        named += f"\n... and {len(messages) - _MOST_NAMED} more"
    return f"{len(messages)} of {total} videos cannot be read:\n{named}"


def _stop_if_too_many(messages, total):
    if len(messages) > MAXIMUM_SHARE * total:
        raise VideoError(
            _listing(messages, total)
            + f"\nThat is more than {MAXIMUM_SHARE:.0%}. Check the data set, then start again."
        )
