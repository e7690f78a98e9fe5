"""A film as the pictures of its seconds.

How long it is has to be known before the first row is, so that a run that was stopped finds its
place again. Only a file's own process looks into it: see ``film_reading``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from moodlens.errors import PictureError, SettingsError
from moodlens.scoring.processes import Worker
from moodlens.scoring.sources.entries import Entry, broken

MOST_FRAMES = 100_000
"""Of one film, since its own header says how many there are: 28 hours, once a second."""

_SECONDS_TO_MEASURE = 60.0
_MEASURED_FILMS = 256


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """What a film shows at a time; it is decoded where it is read.

    Attributes:
        path: of the film.
        seconds: from its start.
        before: seconds of the moment before this one; None for the first.
    """

    path: str
    seconds: float
    before: float | None = None

    def begins_shot(self) -> bool:
        """Whether this is another shot than the moment before.

        Raises:
            PictureError: this cannot be seen.
        """
        from moodlens.scoring.sources.film_reading import is_cut

        return self.before is None or is_cut(self.path, self.before, self.seconds)

    def read(self, most: int) -> bytes:
        from moodlens.scoring.sources.film_reading import frame_at

        return frame_at(self.path, self.seconds)[:most]


def check_films() -> None:
    """Say beforehand that films cannot be read here.

    Raises:
        SettingsError: PyAV is not installed.
    """
    if find_spec("av") is None:
        raise SettingsError("Films need PyAV; `pip install 'moodlens[film]'` does it.")


def film_entries(name: str, path: str, every: float) -> Iterator[Entry]:
    """What a film shows at 0, ``every``, 2 x ``every``, ... seconds, each named by its time.

    Args:
        name: what the film is called in the table.
        path: where it lies.
        every: seconds between two pictures.
    """
    try:
        facts = Path(path).stat()
        length = _length(path, facts.st_mtime_ns, facts.st_size)
    except OSError:
        yield broken(name, "This file cannot be read.")
        return
    except PictureError as error:
        yield broken(name, error.message)
        return
    if length / every > MOST_FRAMES:
        yield broken(name, f"This film gives more than {MOST_FRAMES:,} pictures; raise --every.")
        return
    number, seconds, before = 0, 0.0, None
    while number == 0 or seconds < length:
        yield Entry(f"{name}#t={seconds:g}", FilmFrame(path, seconds, before), seconds=seconds)
        number += 1
        seconds, before = round(number * every, 3), seconds


@lru_cache(_MEASURED_FILMS)
def _length(path: str, changed: int, size: int) -> float:
    """Seconds from a film's first frame to its end; a process of its own looks.

    Args:
        path: of the film.
        changed: when it was.
        size: in bytes.

    Raises:
        PictureError: it is no film, or none that can be read.
    """
    worker = Worker("measure", path)
    try:
        if not worker.connection.poll(_SECONDS_TO_MEASURE):
            raise PictureError("Finding out how long this film is takes too long.")
        said = worker.receive()
    except EOFError:
        raise PictureError("This film ended the process that looked into it.") from None
    finally:
        worker.kill()
    if isinstance(said, str):
        raise PictureError(said)
    return round(float(said), 3)
