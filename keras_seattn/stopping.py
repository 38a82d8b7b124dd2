"""Ctrl-C and SIGTERM as a request that a loop looks at, so that it ends where it can."""

import os
import signal
import socket
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_in_force: "StopRequest | None" = None


class Stopped(KeyboardInterrupt):
    """What was at work ended for a `StopRequest`, in order.

    Args:
        status: int, what the process is to exit with: 130 for Ctrl-C, 143 for SIGTERM.
        message: str, how to go on.
    """

    def __init__(self, status: int, message: str = "Stopped."):
        super().__init__(message)
        self.status = status


class StopRequest:
    """Whether Ctrl-C was pressed or SIGTERM came, as a context.

    An exception in their place may be raised where nothing passes it on. A
    second one ends the process at once, whatever it does. A context in another
    one is that one. Outside of the main thread, which alone hears of signals,
    none comes.

    Attributes:
        made: bool, whether one came.

    Example:

    >>> with StopRequest() as stop:
    ...     for clip in clips:
    ...         score(clip)
    ...         if stop.made:
    ...             break
    """

    def __init__(self):
        self.status: int | None = None  # what the process is to exit with

    @property
    def made(self) -> bool:
        return self.status is not None

    def __enter__(self):
        global _in_force
        self._listens = _in_force is None and threading.current_thread() is threading.main_thread()
        if not self._listens:
            return _in_force or self
        # What Python writes to this socket tells of a signal even while the main thread waits for
        # a camera and runs no Python.
        self._numbers, self._told = socket.socketpair()
        self._told.setblocking(False)
        self._told_before = signal.set_wakeup_fd(self._told.fileno())
        self._handlers_before = {
            number: signal.signal(number, lambda *_: None) for number in _SIGNALS
        }
        threading.Thread(target=self._watch, daemon=True).start()
        _in_force = self
        return self

    def _watch(self):
        while number := self._numbers.recv(1):
            if number[0] in _SIGNALS:
                if self.made:
                    os._exit(128 + number[0])
                self.status = 128 + number[0]
        self._numbers.close()

    def __exit__(self, *_):
        global _in_force
        if not self._listens:
            return
        _in_force = None
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._told_before)
        self._told.close()


def requested() -> bool:
    """Whether a stop was requested of the `StopRequest` around what runs, if there is one."""
    return _in_force is not None and _in_force.made


def check() -> None:
    """Raises `Stopped` if a stop was requested: for loops that can end where they are."""
    if _in_force is not None and _in_force.status is not None:
        raise Stopped(_in_force.status)
