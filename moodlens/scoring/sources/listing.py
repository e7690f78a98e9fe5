"""What a person names -> the pictures that lie there, in an order that never changes.

A further kind of source is a module beside this one that yields entries, and a line in
:func:`_contained` or :func:`_one`.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from moodlens.errors import PictureError, SettingsError
from moodlens.scoring.sources.archives import tar_entries, zip_entries
from moodlens.scoring.sources.entries import Entry, LocalFile, Passing, broken
from moodlens.scoring.sources.fetching import WebFile
from moodlens.scoring.sources.films import film_entries
from moodlens.scoring.sources.folders import walk
from moodlens.scoring.sources.names import (
    TABLES,
    TARS,
    ZIPS,
    is_container,
    is_film,
    prefixes,
    printable,
)
from moodlens.scoring.sources.remote import RemoteFile, is_remote, is_web, listed, opened
from moodlens.scoring.sources.tables import table_entries


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to look.

    Attributes:
        named: folders, globs, files, archives, Parquet files, addresses.
        lists: files with one such name a line.
        fetch: whether ``http`` addresses may be asked.
        every: seconds between two frames of a film; None leaves films out.
    """

    named: Sequence[str] = ()
    lists: Sequence[str] = ()
    fetch: bool = False
    every: float | None = None

    def entries(self) -> Iterator[Entry]:
        """Every picture, in order.

        Raises:
            SettingsError: a source that is not there or not allowed, and what to do.
        """
        for source, prefix in zip(self.named, prefixes(self.named), strict=True):
            yield from self._source(source, prefix)
        for path in self.lists:
            for line in _lines(path):
                yield from self._line(line)

    @property
    def are_near(self) -> bool:
        """Whether the pictures can be counted beforehand at no cost."""
        far = (".gz", ".tgz", *TABLES)
        return not self.lists and not any(
            is_remote(name) or name.lower().endswith(far) for name in self.named
        )

    def _source(self, source: str, prefix: str) -> Iterator[Entry]:
        if is_web(source):
            yield self._web(source)
        elif is_remote(source):
            for name, url in listed(source):
                yield from self._one(f"{prefix}{name}", url)
        elif Path(source).is_dir():
            for name in walk(source, films=self.every is not None):
                path = os.path.join(source, name)  # noqa: PTH118
                yield from self._one(f"{prefix}{printable(name)}", path)
        elif Path(source).exists():
            yield from self._one(_own_name(source), source)
        elif found := sorted(glob.glob(source, recursive=True)):  # noqa: PTH207
            for path in found:
                yield from self._source(path, f"{_own_name(path)}/")
        else:
            raise SettingsError(f"There is nothing at {printable(source)}.")

    def _line(self, line: str) -> Iterator[Entry]:
        try:
            if is_remote(line) and not is_container(line):
                yield Entry(printable(line), RemoteFile(line))
            else:
                yield from self._source(line, f"{line.rstrip('/')}/")
        except SettingsError as error:  # one of many: a row, and on with the next
            yield broken(printable(line), error.message)

    def _one(self, name: str, place: str) -> Iterator[Entry]:
        """A single file: a picture, or one that holds many."""
        if is_container(place):
            for number, entry in enumerate(contained(name, place)):
                if isinstance(entry.blob, Passing):
                    again = Member(place, number)
                    yield replace(entry, blob=replace(entry.blob, again=again))
                else:
                    yield entry
        elif is_film(place):
            yield from self._film(name, place)
        else:
            yield Entry(name, RemoteFile(place) if is_remote(place) else LocalFile(place))

    def _film(self, name: str, place: str) -> Iterator[Entry]:
        if self.every is None:
            yield broken(name, "This is a film: say how often to look, as in --every 0.5.")
        elif is_remote(place):
            yield broken(name, "Films are read from this machine's own disks only.")
        else:
            yield from film_entries(name, place, self.every)

    def _web(self, url: str) -> Entry:
        if not self.fetch:
            raise SettingsError("Addresses of the web are asked only with --fetch.")
        return Entry(printable(url), WebFile(url))


def _own_name(path: str) -> str:
    """As given, but relative to the working directory where that is possible."""
    if Path(path).is_absolute():
        with suppress(ValueError):
            path = str(Path(path).relative_to(Path.cwd()))
    return printable(str(Path(path)))


def _lines(path: str) -> Iterator[str]:
    try:
        with Path(path).open(encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                if name := line.rstrip("\r\n"):
                    yield name
    except OSError:
        raise SettingsError(f"The list {printable(path)} cannot be read.") from None


def contained(name: str, place: str) -> Iterator[Entry]:
    """The pictures in an archive or a Parquet file.

    Args:
        name: what it is called in the table.
        place: where it lies, a path or an address.
    """
    remote, kind = is_remote(place), place.lower()
    try:
        file: BinaryIO = opened(place) if remote else Path(place).open("rb")  # noqa: SIM115
    except OSError:
        yield broken(name, "This file cannot be read.")
        return
    with file:
        if kind.endswith(ZIPS):
            yield from zip_entries(file, name)
        elif kind.endswith(TARS):
            direct = None if remote or kind.endswith("gz") else place
            yield from tar_entries(file, name, path=direct)
        else:
            yield from table_entries(file, name)


@dataclass(frozen=True, slots=True)
class Member:
    """A picture in an archive or a Parquet file, found again by its number among them.

    Whoever asks for one after the other walks through the file once.
    """

    place: str
    number: int

    def read(self, most: int) -> bytes:
        walk, reached = _walks.pop(self.place, (None, 0))
        if walk is None or reached > self.number:
            walk, reached = contained("", self.place), 0
        entry = next(islice(walk, self.number - reached, None), None)
        _walks.clear()
        _walks[self.place] = (walk, self.number + 1)
        if entry is None or entry.blob is None:
            raise PictureError("This file cannot be read.")
        return entry.blob.read(most)


_walks: dict[str, tuple[Iterator[Entry], int]] = {}
"""The file that this process walks through, and how far it has come."""
