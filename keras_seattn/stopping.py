"""Ctrl-C and SIGTERM as a request that a loop looks at, so that it ends where it can."""

import os
import signal
import socket
import threading

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether Ctrl-C was pressed or SIGTERM came, as a context in the main thread.

    An exception in their place may be raised where nothing passes it on. A
    second one ends the process at once, whatever it does.

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
        self.made = False

    def __enter__(self):
        # What Python writes to this socket tells of a signal even while the main thread waits for
        # a camera and runs no Python.
        self._numbers, self._told = socket.socketpair()
        self._told.setblocking(False)
        self._told_before = signal.set_wakeup_fd(self._told.fileno())
        self._handlers_before = {
            number: signal.signal(number, lambda *_: None) for number in _SIGNALS
        }
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def _watch(self):
        while number := self._numbers.recv(1):
            if number[0] in _SIGNALS:
                if self.made:
                    os._exit(128 + number[0])
                self.made = True
        self._numbers.close()

    def __exit__(self, *_):
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._told_before)
        self._told.close()
