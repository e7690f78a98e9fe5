"""One picture of a source: its name in the table, and where its bytes lie.

Nothing is read before a worker asks, and never more than one byte beyond the limit. No member of
an archive is ever written to the disk, so its name is a label and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from moodlens.errors import PictureError


class Blob(Protocol):
    """Where the bytes of one picture lie. Can be sent to another process."""

    def read(self, most: int) -> bytes:
        """At most so many bytes from the beginning.

        Raises:
            PictureError: they cannot be had, and why.
        """


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file, or a part of one, such as a member of a tar archive.

    Attributes:
        path: of the file.
        start: where the part begins.
        size: of the part; None for the whole file.
    """

    path: str
    start: int = 0
    size: int | None = None

    def read(self, most: int) -> bytes:
        path = Path(self.path)
        try:
            if not path.is_file():  # a pipe or a device would never end
                raise PictureError("This is not a file." if path.exists() else "No such file.")
            with path.open("rb") as file:
                file.seek(self.start)
                return file.read(most if self.size is None else min(most, self.size))
        except PermissionError:
            raise PictureError("This file may not be read.") from None
        except (OSError, ValueError):
            raise PictureError("This file cannot be read.") from None


@dataclass(frozen=True, slots=True)
class InMemory:
    """Bytes that were read already."""

    data: bytes

    def read(self, most: int) -> bytes:
        return self.data[:most]


@dataclass(frozen=True, slots=True)
class Passing:
    """Bytes that lie where the source has just got to; gone once its next entry is asked for.

    Attributes:
        take: reads at most so many of them.
        again: the same bytes for those who come later, or to another machine.
    """

    take: Callable[[int], bytes]
    again: Blob | None = None

    def read(self, most: int) -> bytes:
        return self.take(most)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to be.

    Attributes:
        file: the picture's name, stable from run to run.
        blob: its bytes; None where there is a problem.
        problem: why its bytes cannot be had, as of an archive that is damaged.
        seconds: of a film, from its start.
    """

    file: str
    blob: Blob | None
    problem: str = ""
    seconds: float | None = None


def broken(file: str, problem: str) -> Entry:
    """A row that can only say what is wrong."""
    return Entry(file, None, problem)
