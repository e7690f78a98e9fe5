"""Memory for decoding: the dear wait for each other, the cheap for nobody."""

from __future__ import annotations

import threading
import time

import pytest

from moodlens.errors import BusyError
from moodlens.pictures.budget import Budget


def test_the_dear_take_turns() -> None:
    budget = Budget(1000)
    held, most = 0, 0
    lock = threading.Lock()

    def decode() -> None:
        nonlocal held, most
        with budget.lease() as lease:
            lease.take(500)
            with lock:
                held += 1
                most = max(most, held)
            time.sleep(0.05)
            with lock:
                held -= 1

    threads = [threading.Thread(target=decode) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert budget.take(800) == 800  # all is free again


def test_the_cheap_wait_for_nobody() -> None:
    budget = Budget(1000, patience=5)
    budget.take(800)
    waiting = threading.Thread(target=lambda: budget.give_back(budget.take(700)))
    waiting.start()
    start = time.monotonic()
    for _ in range(4):
        budget.take(50)
    assert time.monotonic() - start < 1
    budget.give_back(800)
    waiting.join(5)
    assert not waiting.is_alive()


def test_the_dearest_is_decoded_alone_and_not_refused() -> None:
    budget = Budget(1000, patience=0.05)
    assert budget.take(10**12) == 800
    with pytest.raises(BusyError, match="other large pictures"):
        budget.take(51)


def test_who_waits_too_long_is_told_when_to_come_back() -> None:
    budget = Budget(1000, patience=0.05)
    budget.take(800)
    with pytest.raises(BusyError) as told:
        budget.take(800)
    assert told.value.retry_after >= 1
    budget.give_back(800)
    assert budget.take(800) == 800  # who gave up holds up nobody


def test_no_more_than_a_few_wait() -> None:
    budget = Budget(1000, patience=5, most_waiting=1)
    budget.take(800)
    waiting = threading.Thread(target=lambda: budget.give_back(budget.take(800)))
    waiting.start()
    time.sleep(0.1)
    start = time.monotonic()
    with pytest.raises(BusyError):
        budget.take(800)
    assert time.monotonic() - start < 1
    budget.give_back(800)
    waiting.join(5)
