"""A folder in which files are whole or not there: on this machine, or in an object store."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from moodlens.errors import MoodLensError, SettingsError
from moodlens.scoring.sources.remote import file_system, is_remote


class Shelf(Protocol):
    """Files by name."""

    def names(self) -> set[str]:
        """What is there."""

    def open(self, name: str) -> BinaryIO:
        """A file to read."""

    def put(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        """Let ``write`` fill a file, which is there once all of it is.

        Raises:
            MoodLensError: it cannot be written, and what to do.
        """

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def clear(self) -> None:
        """Remove the folder with all that is in it."""

    def lock(self) -> None:
        """Keep a second run away from this folder, until :meth:`unlock` or the process's end.

        Raises:
            SettingsError: another one is at work.
        """

    def unlock(self) -> None:
        """Let others at the folder again."""


def shelf_at(place: str) -> Shelf:
    """The folder at a path or at an address such as ``hf://buckets/owner/name/folder``."""
    return StoreShelf(place) if is_remote(place) else LocalShelf(Path(place))


class LocalShelf:
    """A folder of this machine; made by the first file that is put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None

    def names(self) -> set[str]:
        if not self._folder.is_dir():
            return set()
        return {path.name for path in self._folder.iterdir() if path.is_file()}

    def open(self, name: str) -> BinaryIO:
        return (self._folder / name).open("rb")

    def put(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        # Always the same name: what a run leaves that is killed here, the next one writes over.
        partial = self._folder / f".{name}.partial"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._folder / name)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise MoodLensError(_sentence(error)) from error

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # not a Unix
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.unlock()
            raise SettingsError("Another run is writing this table already.") from None
        except OSError as error:
            raise MoodLensError(_sentence(error)) from error

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class StoreShelf:
    """A folder of an object store, where a file appears once all of it has arrived."""

    def __init__(self, url: str) -> None:
        self._system, self._path = file_system(url.rstrip("/"))

    def names(self) -> set[str]:
        with suppress(FileNotFoundError):
            self._system.invalidate_cache()
            return {path.rpartition("/")[2] for path in self._system.find(self._path, maxdepth=1)}
        return set()

    def open(self, name: str) -> BinaryIO:
        return cast("BinaryIO", self._system.open(f"{self._path}/{name}", "rb"))

    def put(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        try:
            with tempfile.NamedTemporaryFile() as file:
                write(cast("BinaryIO", file))
                file.flush()
                self._system.put_file(file.name, f"{self._path}/{name}")
        except OSError as error:
            raise MoodLensError(_sentence(error)) from error
        except Exception as error:  # each store has errors of its own
            raise MoodLensError("The store does not take the table.") from error

    def remove(self, name: str) -> None:
        if name in self.names():  # stores differ in what they say of a file that is not there
            self._system.rm_file(f"{self._path}/{name}")

    def clear(self) -> None:
        for name in self.names():
            self.remove(name)

    def lock(self) -> None:
        """A store has no locks; two runs write the same parts, each of them whole."""

    def unlock(self) -> None:
        """There is none to open."""


def _sentence(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full. Make room and run the same command again; it goes on from here."
    reason: Any = error.strerror or "unknown reason"
    return f"The table cannot be written: {reason}."
