"""Errors that are meant for who uses the package: their message says what is wrong and what to do.

Commands print these in one line. Whatever else is raised is a fault of a program, and keeps its
traceback. Each is also one of Python's own, by which it may be caught.
"""


class UserError(Exception):
    """Any of these."""


class InputError(UserError, ValueError):
    """An argument or the content of a file that cannot be used."""


class MissingFileError(UserError, FileNotFoundError):
    """A file or a folder that is not there."""


class ExistingFileError(UserError, FileExistsError):
    """A file or a folder that is there and would be overwritten."""


class StorageError(UserError, OSError):
    """A file or a folder that cannot be read or written."""


class MissingPackageError(UserError, ImportError):
    """A package that is needed and not installed, or does not work."""
