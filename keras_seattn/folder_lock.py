"""A folder that one process at a time writes to, on this machine or on others that share it."""

import contextlib
import json
import os
import tempfile
import threading

import filelock

from keras_seattn.errors import InputError, StorageError
from keras_seattn.processes import Process, this_process

NAME = "lock.json"
HEARTBEAT, SILENCE = 10.0, 60.0  # seconds: a holder elsewhere is dead that was silent for so long


class FolderInUseError(InputError):
    """Another process holds a folder."""


class FolderLock:
    """Claims a folder for this process, as a context.

    The lock is a file, `lock.json`, that says who holds it, and is touched while
    its holder lives. One whose holder is dead is taken over.

    Args:
        folder: str; made where missing.
        purpose: str, what is done in it, such as `"training"`.

    Raises:
        ValueError: Another process holds the folder; the message names it.
        OSError: The folder cannot be written to.

    Example:

    >>> with FolderLock("runs/first", "training"):
    ...     print("Nobody else writes here.")
    Nobody else writes here.
    """

    def __init__(self, folder: str | os.PathLike, purpose: str):
        self.folder, self.purpose = os.fspath(folder), purpose
        self.path = os.path.join(self.folder, NAME)
        self._released = threading.Event()

    def __enter__(self) -> "FolderLock":
        try:
            os.makedirs(self.folder, exist_ok=True)
            with self._guard():
                with contextlib.suppress(FileNotFoundError):  # nobody holds it
                    self._refuse_if_held()
                    os.remove(self.path)
                self._create()
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}.") from error
        self._released.clear()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._released.set()
        with contextlib.suppress(OSError):
            if self._content().get("started") == this_process().started:
                os.remove(self.path)

    @contextlib.contextmanager
    def _guard(self):
        """Nobody else looks at the lock meanwhile, where the file system can do that."""
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError, NotImplementedError):
                guard = filelock.FileLock(os.path.join(self.folder, f".{NAME}.guard"), timeout=10)
                stack.enter_context(guard)
            yield

    def _create(self):
        try:
            # Where there is no guard, one of two that come here at once makes it.
            with open(self.path, "x", encoding="utf-8") as file:
                json.dump({**this_process()._asdict(), "purpose": self.purpose}, file)
        except FileExistsError as error:
            raise FolderInUseError(f"Another process has just claimed {self.folder}.") from error
        os.utime(self.path)  # by the clock of the disk

    def _beat(self):
        while not self._released.wait(HEARTBEAT):
            with contextlib.suppress(OSError):  # It may be well again the next time.
                if self._content().get("started") != this_process().started:
                    return  # Another took it over while this process was suspended.
                os.utime(self.path)

    def _content(self):
        """What the lock says; nothing for one that is being made."""
        with open(self.path, encoding="utf-8") as file:
            try:
                return dict(json.load(file))
            except (ValueError, TypeError):
                return {}

    def _refuse_if_held(self):
        """Raises a `FolderInUseError` if a process that lives holds the folder."""
        content, silence = self._content(), self._silence()
        holder = Process(*(content.get(name, "") for name in Process._fields))
        running = holder.is_running()
        if running is None:  # It runs elsewhere.
            running = silence < SILENCE
        if running:
            raise FolderInUseError(
                f"{self.folder} is in use for {content.get('purpose')} by process {holder.number} "
                f"on {holder.host}, which gave a sign of life {max(0, silence):.0f} seconds ago. "
                "Wait for it, end it, or name another folder."
            )

    def _silence(self):
        """For how many seconds the holder gave no sign of life, by the clock of the disk."""
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".clock-") as now:
            os.utime(now.name)
            return os.stat(now.name).st_mtime - os.stat(self.path).st_mtime
