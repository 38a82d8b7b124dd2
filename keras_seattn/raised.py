"""Errors raised inside data sets arrive as they are, where TensorFlow wraps them in its own."""

import collections
import contextlib
import itertools
import re
import threading
from collections.abc import Callable, Hashable, Iterator

# How the number of an error that is kept stands in that of TensorFlow.
MARK = "keras_seattn error"
_MARKED = re.compile(rf"\[{MARK}\] \[(\d+)\]")
_MOST_KEPT = 100
# What TensorFlow raises when a file that it reads is not there or not whole.
_OF_FILES = ("DataLossError", "NotFoundError", "PermissionDeniedError", "UnavailableError")

_kept, _numbers, _lock = collections.OrderedDict(), itertools.count(1), threading.Lock()
_explanations = {}


def keep(error: Exception) -> int:
    """Keeps an error that cannot be passed on, and returns the number that stands for it."""
    number = next(_numbers)
    with _lock:
        _kept[number] = error
        while len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return number


def explain_with(key: Hashable, function: Callable[[], Exception | None]) -> None:
    """Notes a function that may know why files cannot be read.

    Args:
        key: what it knows about; a later function for the same replaces it.
        function: takes nothing and returns an exception, or None.
    """
    _explanations.pop(key, None)
    _explanations[key] = function


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
        own = _own(error)
        if own is None:
            raise
        raise own from None


def _own(error):
    """The error of this package that another stands for; None if there is none."""
    marked = _MARKED.search(str(error))
    if marked:
        return _kept.get(int(marked[1]))
    if type(error).__name__ in _OF_FILES and type(error).__module__.startswith("tensorflow."):
        found = (explain() for explain in reversed(list(_explanations.values())))
        return next((own for own in found if own is not None), None)
    return None
