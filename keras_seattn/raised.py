"""Errors raised inside data sets arrive as they are, where TensorFlow wraps them in its own."""

import collections
import contextlib
import itertools
import re
import threading
from collections.abc import Iterator

# How the number of an error that is kept stands in that of TensorFlow.
MARK = "keras_seattn error"
_MARKED = re.compile(rf"\[{MARK}\] \[(\d+)\]")
_MOST_KEPT = 100

_kept, _numbers, _lock = collections.OrderedDict(), itertools.count(1), threading.Lock()


def keep(error: Exception) -> int:
    """Keeps an error that cannot be passed on, and returns the number that stands for it."""
    number = next(_numbers)
    with _lock:
        _kept[number] = error
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return number


@contextlib.contextmanager
def as_raised() -> Iterator[None]:
    """A context in which errors of this package's data sets arrive as they were raised.

    TensorFlow wraps what is raised in a data set in an error of its own, with
    the text of its graph around it. `keras_seattn`'s networks and functions
    look through that by themselves; around `fit` of another model:

    >>> with keras_seattn.data.as_raised():
    ...     model.fit(clips)
    """
    try:
        yield
    except Exception as error:
        marked = _MARKED.search(str(error))
        own = _kept.get(int(marked[1])) if marked else None
        if own is None:
            raise
        raise own from None
