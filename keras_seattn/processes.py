"""Which process something belongs to, whether it still runs, and what memory this one keeps."""

import contextlib
import ctypes
import functools
import os
import socket
import typing


class Process(typing.NamedTuple):
    """A process, told from those that had its number before and from those of other machines.

    Attributes:
        host: str, the name of its machine, for people.
        number: int.
        started: str, when it was started and on which machine; empty where the system does not say.
    """

    host: str
    number: int
    started: str

    def is_running(self) -> bool | None:
        """Whether it runs; None where that cannot be seen from here."""
        machine = _machine()
        if not machine or self.started.partition(".")[0] != machine:
            return None
        return _started(self.number) == self.started


def this_process() -> Process:
    """The process that calls."""
    number = os.getpid()
    return Process(socket.gethostname(), number, _started(number))


def release_memory() -> None:
    """Gives memory back to the system that is free, where the C library can (glibc).

    Where buffers of many sizes come and go, as in decoders, its heap falls into pieces: it grew by
    1.1 kB for each clip of a video file, without an end, and all of that was free.
    """
    with contextlib.suppress(AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _started(number):
    """Machine and clock ticks from its start to the process's; empty for one that has ended."""
    try:
        with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()  # The name before may hold anything.
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{_machine()}.{fields[19]}"


@functools.cache
def _machine():
    """What two processes that see each other's numbers have in common; empty without /proc."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            boot = file.read().strip().replace("-", "")[:16]
        return (
            f"{boot}{os.stat('/proc/self/ns/pid').st_ino}"  # containers have numbers of their own
        )
    except OSError:
        return ""
