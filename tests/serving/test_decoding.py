"""Dear pictures are decoded beside the others, a few at a time, and let them go first."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from moodlens.serving.decoding import DecodingRoom

CHEAP, DEAR = 10, 100
TOTAL = 1000


@pytest.fixture
def room() -> Iterator[DecodingRoom]:
    found = DecodingRoom(TOTAL, 2)
    yield found
    found.close()


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def decode(room: DecodingRoom, cost: int) -> dict[str, int]:
    """Who decodes, and how many beside it."""
    found: dict[str, int] = {}

    def load() -> Image.Image:
        found.update(thread=threading.get_ident(), niceness=niceness())
        return Image.new("L", (1, 1))

    with room.place() as within:
        within(cost, load)
    return found


def test_the_cheap_are_decoded_where_they_are_asked_for(room: DecodingRoom) -> None:
    assert decode(room, CHEAP) == {"thread": threading.get_ident(), "niceness": niceness()}


def test_the_dear_let_others_go_first(room: DecodingRoom) -> None:
    found = decode(room, DEAR)
    assert found["thread"] != threading.get_ident()
    if sys.platform == "linux":
        assert found["niceness"] > niceness()


def test_no_more_of_the_dear_at_once_than_there_are_threads(room: DecodingRoom) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def load() -> Image.Image:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return Image.new("L", (1, 1))

    def ask(_: int) -> None:
        with room.place() as within:
            within(DEAR, load)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert most == 2


def test_what_goes_wrong_is_told_and_takes_no_memory_for_ever(room: DecodingRoom) -> None:
    def fail() -> Image.Image:
        raise OSError("broken data stream")

    for _ in range(20):
        with pytest.raises(OSError, match="broken data"), room.place() as within:
            within(TOTAL, fail)
    assert decode(room, TOTAL)
