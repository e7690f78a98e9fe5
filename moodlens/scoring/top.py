"""The most joyful, frightening, disputed and unfamiliar pictures of a table."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from moodlens.emotions import EMOTIONS
from moodlens.scoring.formats import TableRow, format_of
from moodlens.scoring.sources.remote import file_system, is_remote


@dataclass(frozen=True, slots=True)
class Ranking:
    """One way to put pictures in order.

    Attributes:
        title: which pictures come first.
        column: by which it goes.
        smallest: whether the smallest comes first.
    """

    title: str
    column: str
    smallest: bool = False


RANKINGS: tuple[Ranking, ...] = (
    *(Ranking(f"most {name}", name) for name in EMOTIONS),
    Ranking("most disputed", "ambiguity"),
    Ranking("least familiar", "familiarity", smallest=True),
)


class Rankings:
    """The first rows of each ranking, as rows come by.

    Args:
        count: how many rows each one keeps.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._heaps: dict[Ranking, list[tuple[float, int, TableRow]]] = {r: [] for r in RANKINGS}

    def add(self, row: TableRow) -> None:
        """One more row; of two that are equal the earlier one comes first."""
        self._seen += 1
        for ranking, heap in self._heaps.items():
            value = row.get(ranking.column)
            if value is None:
                continue
            key = (-value if ranking.smallest else value, -self._seen)
            if len(heap) < self._count:
                heapq.heappush(heap, (*key, row))
            elif key > heap[0][:2]:
                heapq.heapreplace(heap, (*key, row))

    def rows(self) -> dict[Ranking, list[TableRow]]:
        """Of each ranking its rows, in order; none where no row has the figure."""
        return {
            ranking: [row for *_, row in sorted(heap, key=lambda item: item[:2], reverse=True)]
            for ranking, heap in self._heaps.items()
        }


def table_rows(table: str) -> Iterator[TableRow]:
    """All rows of a finished table, a few at a time."""
    kind = format_of(table)
    if is_remote(table):
        system, path = file_system(table)
        with system.open(path, "rb") as file:
            yield from kind.rows(file)
    else:
        with open(table, "rb") as file:  # noqa: PTH123
            yield from kind.rows(file)


def top_lines(table: str, count: int) -> Iterator[str]:
    """The rankings as lines for a terminal."""
    rankings = Rankings(count)
    for row in table_rows(table):
        rankings.add(row)
    for ranking, rows in rankings.rows().items():
        if rows:
            yield ranking.title
            yield from (f"  {row[ranking.column]:.3f}  {row['file']}" for row in rows)
