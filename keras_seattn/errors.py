"""Errors that are meant for who uses the package: their message says what is wrong and what to do.

Commands print these in one line. Whatever else is raised is a fault of a program, and keeps its
traceback. Each is also one of Python's own, by which it may be caught.
"""

import contextlib
import sys
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


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
    """Ends a command with one line for what its user can mend; faults keep their traceback."""
    try:
        yield
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # of the system, which names the file
        if error.filename is None:
            raise
        sys.exit(f"error: {error.filename}: {error.strerror}")
