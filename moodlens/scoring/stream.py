"""Rows of pictures that a program hands over one by one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from moodlens.pictures.reading import PictureLimits
from moodlens.scoring.answering import Weights
from moodlens.scoring.engine import Answered, Engine, in_batches
from moodlens.scoring.run import rows_of
from moodlens.scoring.slots import BATCH
from moodlens.scoring.sources.entries import Entry, InMemory, LocalFile
from moodlens.telling.table_schema import Row


def stream_rows(
    pictures: Iterable[str | os.PathLike[str] | bytes], weights: Weights, limits: PictureLimits
) -> Iterator[Row]:
    """A row for each, in order; the processes begin with the first row and end with the last.

    Args:
        pictures: paths, or the bytes of picture files, whose name in the table is their number.
        weights: which network answers.
        limits: what a picture may cost.
    """
    engine = Engine(weights, limits=limits)
    try:
        entries = (_entry(number, picture) for number, picture in enumerate(pictures))
        waiting: dict[int, Answered] = {}
        following = 0
        for answered in engine.run(in_batches(enumerate(entries))):
            waiting[answered.batch.first] = answered
            while following in waiting:
                yield from rows_of(waiting.pop(following))
                following += BATCH
    finally:
        engine.close()


def _entry(number: int, picture: str | os.PathLike[str] | bytes) -> Entry:
    if isinstance(picture, bytes):
        return Entry(str(number), InMemory(picture))
    path = os.fspath(picture)
    return Entry(path, LocalFile(path))
