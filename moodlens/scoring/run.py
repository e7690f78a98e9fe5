"""Sources in, a table out; what an earlier run has done already is not done again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from moodlens.errors import MoodLensError, SettingsError
from moodlens.pictures.reading import DEFAULT_LIMITS, PictureLimits
from moodlens.prediction import ModelInfo
from moodlens.scoring.answering import Introduction, Weights
from moodlens.scoring.engine import Answered, Crew
from moodlens.scoring.formats import TableRow, format_of, with_features
from moodlens.scoring.parts import PART_ROWS, GrowingTable, Identity, digest
from moodlens.scoring.progress import Progress
from moodlens.scoring.sources.entries import Entry
from moodlens.scoring.sources.listing import Sources
from moodlens.telling.table_schema import SCHEMA_VERSION, complete, schema


class Answering(Protocol):
    """What answers for pictures: the processes of this machine, or a cluster."""

    introduction: Introduction

    def answer(self, entries: Iterable[tuple[int, Entry]]) -> Iterator[Answered]:
        """Answer for numbered pictures, in the order in which they are done."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done.

    Attributes:
        sources: where the pictures are.
        out: the table's path or address; its suffix says which kind.
        weights: which network answers.
        limits: what a picture may cost.
        crew: how many processes; by default what suits this machine.
        embeddings: whether each row gets the pooled features too.
        maps: a folder for pictures of where answers come from.
        retry: whether to ask again about pictures that had a problem.
        strict: whether to end at the first problem.
    """

    sources: Sources
    out: str
    weights: Weights
    limits: PictureLimits = DEFAULT_LIMITS
    crew: Crew | None = None
    embeddings: bool = False
    maps: Path | None = None
    retry: bool = False
    strict: bool = False

    def identity(self, model: ModelInfo) -> Identity:
        """What another run of the same command has in common with this one."""
        options = ["embeddings"] if self.embeddings else []
        if self.sources.every is not None:
            options.append(f"every {self.sources.every:g} s")
        sources = (*self.sources.named, *(f"--list {name}" for name in self.sources.lists))
        return Identity(SCHEMA_VERSION, model.name, model.revision, sources, tuple(options))


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a run.

    Attributes:
        rows: in the table.
        problems: rows without an answer.
        scored: pictures that were asked about in this run; the other rows were there.
    """

    rows: int
    problems: int
    scored: int


class StrictError(MoodLensError):
    """A picture had a problem, and no problem was to be tolerated."""


def score(job: Job, engine: Answering, progress: Progress) -> Summary:
    """Make the table, or what is missing of it.

    Raises:
        SettingsError: a source is not there, or the table belongs to another run.
        StrictError: with ``strict``, at the first problem; what is done is kept.
        MoodLensError: the table cannot be written, and what to do.
    """
    introduction = engine.introduction
    features = introduction.features if job.embeddings else 0
    kind = format_of(job.out, features=features, films=job.sources.every is not None)
    table = GrowingTable(job.out, kind, job.identity(introduction.model))
    with closing(table):
        return _fill(table, job, engine, progress)


def _fill(table: GrowingTable, job: Job, engine: Answering, progress: Progress) -> Summary:
    plan = _Plan(job, table, progress)
    if table.is_finished:
        if plan.is_all_there():
            rows, problems = table.tally(plan.parts)
            return Summary(rows, problems, 0)
        table.reopen()
    films = job.sources.every is not None
    done = problems = 0
    for answered in engine.answer(plan.asked()):
        made = list(_table_rows(answered, films=films, embeddings=job.embeddings))
        broken = [row for _, row in made if row["problem"]]
        if broken and job.strict:
            raise StrictError(f"{broken[0]['file']}: {broken[0]['problem']}")
        plan.take(made)
        done, problems = done + len(made), problems + len(broken)
        progress.advance(done, problems)
    plan.end()
    if not plan.parts:
        raise SettingsError("There are no pictures in these sources.")
    table.finish(plan.parts)
    tally = table.tally(plan.parts)
    return Summary(tally.rows, tally.problems, done)


def rows_of(answered: Answered, *, embeddings: bool = False) -> list[TableRow]:
    """The complete rows of a batch, in its order."""
    return [row for _, row in _table_rows(answered, films=False, embeddings=embeddings)]


def _table_rows(
    answered: Answered, *, films: bool, embeddings: bool
) -> Iterator[tuple[int, TableRow]]:
    for place, cells in enumerate(answered.rows):
        if cells is None:
            continue
        row: TableRow = complete(cells, schema(films=films))
        if embeddings:
            features = None if answered.features is None else answered.features[place]
            row = with_features(row, features)
        yield answered.batch.first + place, row


@dataclass(slots=True)
class _Part:
    """A part on its way: its names as far as they are known, and its rows."""

    names: list[str] = field(default_factory=list)
    rows: dict[int, TableRow] = field(default_factory=dict)
    closed: bool = False
    """Whether all names are known."""
    untouched: bool = True
    """Whether nothing of it was asked about in this run."""

    @property
    def is_complete(self) -> bool:
        return self.closed and len(self.rows) == len(self.names)


class _Plan:
    """Which pictures are to be asked about, and the parts that their rows go to.

    Names come in by the thread that feeds the engine, rows by the one that empties it.
    """

    def __init__(self, job: Job, table: GrowingTable, progress: Progress) -> None:
        self._sources, self._retry, self._table = job.sources, job.retry, table
        self._progress = progress
        self._lock = threading.Lock()
        self._open: dict[int, _Part] = {}
        self.parts = 0
        self._digests: list[str] | None = None
        if table.has_parts:
            # Names alone tell what is there already, so they are listed once beforehand.
            self._digests = [digest(names) for names in _chunks(self._names())]
            self.parts = len(self._digests)
        elif job.sources.are_near:
            threading.Thread(target=self._count, name="moodlens-count", daemon=True).start()

    def is_all_there(self) -> bool:
        """Whether no part has to be made."""
        numbers = range(self.parts)
        beyond = self._table.facts(self.parts) is not None
        return bool(self.parts) and not beyond and all(map(self._is_kept, numbers))

    def asked(self) -> Iterator[tuple[int, Entry]]:
        """The pictures to ask about, each with its number among all."""
        number = -1
        for number, entry in enumerate(self._sources.entries()):
            index, place = divmod(number, PART_ROWS)
            if place == 0 and index:
                self._close(index - 1)
            if self._is_kept(index):
                if place == 0:
                    self._reuse(index)
                continue
            with self._lock:
                part = self._open.get(index) or self._begin(index)
                part.names.append(entry.file)
                wanted = number not in part.rows
            if wanted:
                yield number, entry
        if number >= 0:
            self._close(number // PART_ROWS)
        self.parts = number // PART_ROWS + 1

    def take(self, rows: Iterable[tuple[int, TableRow]]) -> None:
        """Rows of this run; parts that are complete with them are written."""
        with self._lock:
            for number, row in rows:
                part = self._open[number // PART_ROWS]
                part.rows[number] = row
                part.untouched = False
            complete_parts = [index for index, part in self._open.items() if part.is_complete]
            ready = [(index, self._open.pop(index)) for index in complete_parts]
        for index, part in ready:
            if part.untouched and self._table.facts(index) is not None:
                continue
            ordered = [part.rows[number] for number in sorted(part.rows)]
            self._table.put(index, digest(part.names), ordered)

    def end(self) -> None:
        """Write what is complete since the last rows came."""
        self.take([])

    def _is_kept(self, index: int) -> bool:
        facts = self._table.facts(index)
        if facts is None or (self._retry and facts.problems):
            return False
        digests = self._digests or []
        return index < len(digests) and facts.names == digests[index]

    def _begin(self, index: int) -> _Part:
        """A new part, with the rows that an earlier run has given it where they still count."""
        part = self._open[index] = _Part()
        facts, digests = self._table.facts(index), self._digests or []
        if facts is not None and index < len(digests) and facts.names == digests[index]:
            for place, row in enumerate(self._table.rows(index)):
                if not row["problem"]:
                    part.rows[index * PART_ROWS + place] = row
            self._progress.reused += len(part.rows)
        return part

    def _reuse(self, index: int) -> None:
        facts = self._table.facts(index)
        if facts is not None:
            self._progress.reused += facts.rows

    def _close(self, index: int) -> None:
        with self._lock:
            if index in self._open:
                self._open[index].closed = True

    def _names(self) -> Iterator[str]:
        total = 0
        for entry in self._sources.entries():
            total += 1
            yield entry.file
        self._progress.total = total

    def _count(self) -> None:
        try:
            self._progress.total = sum(1 for _ in self._sources.entries())
        except MoodLensError:
            return  # the run itself says it


def _chunks(names: Iterator[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for name in names:
        chunk.append(name)
        if len(chunk) == PART_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
