"""Errors that are meant for who uses the package: their message says what is wrong and what to do.

Commands print these in one line. Whatever else is raised is a fault of a program, and keeps its
traceback. Each is also one of Python's own, by which it may be caught.
"""

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator


class UserError(Exception):
    """Any of these."""


class InputError(UserError, ValueError):
    """An argument or the content of a file that cannot be used."""


class DivergedError(InputError):
    """A training ended in numbers that are not finite."""


class MissingFileError(UserError, FileNotFoundError):
    """A file or a folder that is not there."""


class ExistingFileError(UserError, FileExistsError):
    """A file or a folder that is there and would be overwritten."""


class StorageError(UserError, OSError):
    """A file or a folder that cannot be read or written."""


class MissingPackageError(UserError, ImportError):
    """A package that is needed and not installed, or does not work."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command as Ctrl-C does."""

    status = 128 + signal.SIGTERM


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
    """Ends a command with one line for what its user can mend; faults keep their traceback.

    Ctrl-C and SIGTERM end it so too, with the status that shells give for them. Warnings for its
    user are one line each, without the line of the program that gave them.
    """

    def terminate(*_):
        raise Terminated

    def one_line(message, category, *rest):
        shown = issubclass(category, UserWarning)
        return f"warning: {message}\n" if shown else format_warning(message, category, *rest)

    format_warning, warnings.formatwarning = warnings.formatwarning, one_line
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, terminate) if in_main_thread else None
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt as error:
        print(f"\n{error}" if error.args else "\nStopped.", file=sys.stderr)
        sys.exit(getattr(error, "status", 128 + signal.SIGINT))
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.filename is not None:  # of the system, which names the file
            sys.exit(f"error: {error.filename}: {error.strerror}")
        _end_without_output()
        raise
    finally:
        warnings.formatwarning = format_warning
        if in_main_thread:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _end_without_output():
    """Ends the process if what it prints cannot be written: who reads has gone, or a disk is full.

    Quietly in the first case, as `head` wants it.
    """
    try:
        print(flush=True)  # Python forgets what it could not write.
    except OSError as error:
        # Python would try again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(141)  # as of a program that SIGPIPE ended
        sys.exit(f"error: the output could not be written: {error.strerror}")
