"""How far a loop is: a bar on a terminal; elsewhere, in a log, a line a minute."""

import concurrent.futures
import sys
import time
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence

import tqdm

MINUTE = 60.0  # seconds


class Lines:
    """What of `tqdm.tqdm` is used here, as lines without control characters.

    Nothing is said of what takes less than a minute.
    """

    def __init__(
        self,
        iterable: Iterable | None = None,
        *,
        desc: str,
        total: int | None = None,
        disable: bool = False,
        **_: typing.Any,
    ):
        self.iterable, self.desc, self.total, self.disable = iterable, desc, total, disable
        self.n = 0
        self._last = time.monotonic()

    def update(self, n: int = 1) -> None:
        self.n += n
        now = time.monotonic()
        if now - self._last >= MINUTE and not self.disable and sys.stderr is not None:
            self._last = now
            of = f" of {self.total:,}" if self.total else ""
            print(f"{self.desc}: {self.n:,}{of}", file=sys.stderr, flush=True)

    def __iter__(self) -> Iterator:
        for item in self.iterable or ():
            yield item
            self.update()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_):
        pass


def progress_bar(iterable: Iterable | None = None, **options: typing.Any) -> tqdm.tqdm | Lines:
    """As `tqdm.tqdm`, whose options it takes; `Lines` where there is no terminal."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    return (tqdm.tqdm if terminal else Lines)(iterable, **options)


def in_threads(function: Callable, items: Sequence, desc: str, unit: str) -> Iterator:
    """Yields `function(item)` for each item, in order, with a bar if that takes over 2 seconds.

    Args:
        function: called in threads, for several items at once.
        items: sequence.
        desc: str, what is being done, such as `"Checking videos"`.
        unit: str, what the items are, such as `"videos"`.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        results = pool.map(function, items)
        yield from progress_bar(results, total=len(items), desc=desc, unit=f" {unit}", delay=2)
