"""A table in the making: parts that are whole or not there, and what they were made of.

Beside ``scores.parquet`` lies ``scores.parquet.parts/`` while it grows, one file for each
``PART_ROWS`` pictures. What ends a run in the middle ends it between two parts. Once all are there
they become the table, and ``scores.parquet.run.json`` keeps what it was made of: without it nobody
could tell whether another run may go on with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, NamedTuple

from moodlens.errors import SettingsError
from moodlens.scoring.formats import Format, TableRow
from moodlens.scoring.shelf import Shelf, shelf_at
from moodlens.scoring.slots import BATCH

PART_ROWS = 64 * BATCH

_IDENTITY = "identity.json"
_NUMBER_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Identity:
    """What a table is made of and how; another one is another table.

    Attributes:
        schema: the version of its columns.
        model: which network answers.
        revision: with which weights.
        sources: where the pictures are, as they were named.
        options: what else changes the rows.
    """

    schema: int
    model: str
    revision: str
    sources: tuple[str, ...]
    options: tuple[str, ...] = ()

    def difference(self, other: dict[str, Any]) -> str | None:
        """What is not the same, as a word for people, or None."""
        mine = json.loads(json.dumps(asdict(self)))
        words = {
            "schema": "columns",
            "model": "model",
            "revision": "revision",
            "sources": "sources",
            "options": "options",
        }
        return next((word for key, word in words.items() if mine[key] != other.get(key)), None)


class PartFacts(NamedTuple):
    """What is known of a part without opening it.

    Attributes:
        names: digest of its pictures' names.
        rows: how many.
        problems: how many of them have no answer.
    """

    names: str
    rows: int
    problems: int


class Tally(NamedTuple):
    """Rows of a table, and how many of them have no answer."""

    rows: int
    problems: int


class GrowingTable:
    """The table of one run, found as an earlier run has left it.

    Args:
        out: where the table is to be, a path or an address.
        format: how it is written.
        identity: what it is made of.

    Raises:
        SettingsError: there is another table already, and what to do.
    """

    def __init__(self, out: str, format: Format, identity: Identity) -> None:
        folder, _, self.name = out.rpartition("/")
        self._format, self._identity = format, identity
        self._place = shelf_at(folder or ("/" if out.startswith("/") else "."))
        self._parts = shelf_at(f"{out}.parts")
        self._facts: dict[int, PartFacts] = {}
        self.is_finished = False
        try:
            self._begin_or_go_on(self._place.names(), self._parts.names())
        except SettingsError:
            self._parts.unlock()
            raise

    @property
    def _record(self) -> str:
        return f"{self.name}.run.json"

    def _begin_or_go_on(self, present: set[str], parts: set[str]) -> None:
        if _IDENTITY in parts:
            self._parts.lock()
            self._facts = self._noted(parts)
        if self._facts:
            self._admit(self._read(self._parts, _IDENTITY))
        elif self._record in present and self.name in present:
            record = self._read(self._place, self._record)
            self._admit(record["identity"])
            self._facts = {n: PartFacts(*facts) for n, facts in enumerate(record["parts"])}
            self.is_finished = True
        elif self.name in present:
            raise SettingsError(
                f"{self.name} is there already, and nothing says how it was made. "
                "Remove it or choose another --out."
            )
        else:
            self._start()

    def _noted(self, parts: set[str]) -> dict[int, PartFacts]:
        return {
            int(name.removesuffix(".json").split("-")[1]): PartFacts(*facts)
            for name in parts
            if name.startswith("part-") and name.endswith(".json")
            for facts in [self._read(self._parts, name)]
            if name.removesuffix(".json") + self._format.suffix in parts
        }

    def _start(self) -> None:
        self._parts.clear()  # what a run left that got nowhere, or was ended while it tidied up
        self._parts.unlock()
        self._parts.lock()
        self._parts.put(_IDENTITY, _writes(json.dumps(asdict(self._identity)).encode()))

    def _admit(self, other: dict[str, Any]) -> None:
        difference = self._identity.difference(other)
        if difference is not None:
            raise SettingsError(
                f"{self.name} was begun with other {difference}. Choose another --out, or remove "
                f"{self.name}, {self._record} and {self.name}.parts to begin anew."
            )

    @staticmethod
    def _read(shelf: Shelf, name: str) -> Any:
        try:
            with closing(shelf.open(name)) as file:
                return json.loads(file.read())
        except ValueError:
            raise SettingsError(f"{name} is damaged; remove it and the table beside it.") from None

    @property
    def has_parts(self) -> bool:
        """Whether an earlier run has left anything."""
        return bool(self._facts)

    def facts(self, number: int) -> PartFacts | None:
        """What is known of a part; None where it is not there."""
        return self._facts.get(number)

    def rows(self, number: int) -> list[TableRow]:
        """The rows of a part that is there."""
        with closing(self._parts.open(self._file(number))) as file:
            return list(self._format.rows(file))

    def put(self, number: int, names: str, rows: Sequence[TableRow]) -> None:
        """Write a part, or write it anew.

        Raises:
            MoodLensError: it cannot be written, and what to do.
        """
        problems = sum(1 for row in rows if row["problem"])
        facts = PartFacts(names, len(rows), problems)
        if number in self._facts:
            self._parts.remove(self._note(number))
        self._parts.put(self._file(number), _writes(self._format.part(rows)))
        self._parts.put(self._note(number), _writes(json.dumps(facts).encode()))
        self._facts[number] = facts

    def reopen(self) -> None:
        """Take a finished table apart again, so that parts of it can be made anew."""
        facts = [self._facts[number] for number in sorted(self._facts)]
        self._start()
        with closing(self._place.open(self.name)) as file:
            rows = self._format.rows(file)
            for number, fact in enumerate(facts):
                part = [row for _, row in zip(range(fact.rows), rows, strict=False)]
                self.put(number, fact.names, part)
        self.is_finished = False

    def finish(self, parts: int) -> None:
        """Make the table of so many parts, and remove them.

        Raises:
            MoodLensError: it cannot be written, and what to do.
        """
        facts = [self._facts[number] for number in range(parts)]
        record = {"identity": asdict(self._identity), "parts": facts}
        text = json.dumps(record, ensure_ascii=False).encode()
        self._place.put(self.name, lambda file: self._format.join(self._opened(parts), file))
        self._place.put(self._record, _writes(text))
        self._parts.remove(_IDENTITY)  # first: without it the rest means nothing
        self._parts.clear()
        self.is_finished = True

    def close(self) -> None:
        """Let another run at the table; of one that got nowhere nothing is left."""
        if not self._facts:
            self._parts.clear()
        self._parts.unlock()

    def tally(self, parts: int) -> Tally:
        """How many rows there are in so many parts, and in how many there is no answer."""
        facts = [self._facts[number] for number in range(parts) if number in self._facts]
        return Tally(sum(f.rows for f in facts), sum(f.problems for f in facts))

    def finished_rows(self) -> Iterator[TableRow]:
        """All rows of the finished table, a little at a time."""
        with closing(self._place.open(self.name)) as file:
            yield from self._format.rows(file)

    def _opened(self, parts: int) -> Iterator[BinaryIO]:
        for number in range(parts):
            with closing(self._parts.open(self._file(number))) as file:
                yield file

    def _file(self, number: int) -> str:
        return f"part-{number:0{_NUMBER_DIGITS}}{self._format.suffix}"

    def _note(self, number: int) -> str:
        return f"part-{number:0{_NUMBER_DIGITS}}.json"


def digest(names: Iterable[str]) -> str:
    """What tells one list of names from another."""
    found = hashlib.sha256()
    for name in names:
        found.update(name.encode() + b"\0")
    return found.hexdigest()[:32]


def _writes(data: bytes) -> Callable[[BinaryIO], object]:
    return lambda file: file.write(data)
