"""Bytes that decoding processes cannot reach themselves, brought here before their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from moodlens.errors import PictureError
from moodlens.scoring.sources.entries import Blob, Entry, InMemory, Passing, broken
from moodlens.scoring.sources.fetching import WebFile
from moodlens.scoring.sources.remote import RemoteFile

_FETCHES_AT_ONCE = 16

Key = TypeVar("Key")


def brought(entries: Iterable[tuple[Key, Entry]], most: int) -> Iterator[tuple[Key, Entry]]:
    """The same entries in the same order, those from afar and from archives with their bytes.

    A store answers slowly and many at a time, so some are asked before their turn.

    Args:
        entries: each with whatever its receiver tells it by.
        most: bytes that are read of one picture.
    """
    waiting: deque[tuple[Key, Entry | Future[Entry]]] = deque()
    with ThreadPoolExecutor(_FETCHES_AT_ONCE, thread_name_prefix="moodlens-fetch") as pool:
        for key, entry in entries:
            blob = entry.blob
            if isinstance(blob, RemoteFile | WebFile):
                waiting.append((key, pool.submit(with_bytes, entry, blob, most)))
            else:
                here = with_bytes(entry, blob, most) if isinstance(blob, Passing) else entry
                waiting.append((key, here))
            far = any(isinstance(other, Future) for _, other in waiting)
            while waiting and (not far or len(waiting) > _FETCHES_AT_ONCE):
                yield _settled(waiting.popleft())
        while waiting:
            yield _settled(waiting.popleft())


def with_bytes(entry: Entry, blob: Blob, most: int) -> Entry:
    """The entry with its bytes in memory, or with the problem of getting them."""
    try:
        return replace(entry, blob=InMemory(blob.read(most)))
    except PictureError as error:
        return broken(entry.file, error.message)


def _settled(pair: tuple[Key, Entry | Future[Entry]]) -> tuple[Key, Entry]:
    key, entry = pair
    return key, entry.result() if isinstance(entry, Future) else entry
