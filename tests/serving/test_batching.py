import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from moodlens.errors import BusyError, PictureError
from moodlens.serving.batching import Batcher


class Gate:
    """Doubles numbers, once it is opened; remembers the batches it got."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.entered.set()
        assert self.open.wait(10)
        return [2 * number for number in numbers]


def wait_until_waiting(batcher: Batcher[int, int], count: int) -> None:
    for _ in range(1000):
        if batcher.waiting() == count:
            return
        threading.Event().wait(0.005)
    raise AssertionError(f"{batcher.waiting()} wait instead of {count}")


def test_what_waits_becomes_the_next_batch_and_everyone_gets_their_own() -> None:
    gate = Gate()
    batcher = Batcher(gate, max_batch=4, max_waiting=10)
    with ThreadPoolExecutor(7) as pool:
        first = pool.submit(batcher, 0)
        assert gate.entered.wait(10)
        others = [pool.submit(batcher, number) for number in range(1, 7)]
        wait_until_waiting(batcher, 6)
        gate.open.set()
        assert [future.result(10) for future in (first, *others)] == [0, 2, 4, 6, 8, 10, 12]

    assert [len(batch) for batch in gate.batches] == [1, 4, 2]
    batcher.close()


def test_one_too_many_is_told_that_it_is_busy() -> None:
    gate = Gate()
    batcher = Batcher(gate, max_waiting=2)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(batcher, 0)]
        assert gate.entered.wait(10)
        running += [pool.submit(batcher, number) for number in (1, 2)]
        wait_until_waiting(batcher, 2)
        with pytest.raises(BusyError) as caught:
            batcher(3)
        gate.open.set()
        assert [future.result(10) for future in running] == [0, 2, 4]

    assert caught.value.retry_after > 0
    batcher.close()


def test_an_error_reaches_its_callers_and_the_worker_goes_on() -> None:
    def run(numbers: Sequence[int]) -> list[int]:
        if 0 in numbers:
            raise PictureError("no.")
        return list(numbers)

    batcher = Batcher(run)
    with pytest.raises(PictureError, match="no"):
        batcher(0)
    assert batcher(1) == 1
    batcher.close()


def test_closing_answers_what_waits_and_refuses_the_rest() -> None:
    gate = Gate()
    batcher = Batcher(gate)
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(batcher, 1)]
        assert gate.entered.wait(10)
        running.append(pool.submit(batcher, 2))
        wait_until_waiting(batcher, 1)
        closing = pool.submit(batcher.close)
        gate.open.set()
        closing.result(10)
        assert [future.result(10) for future in running] == [2, 4]
    with pytest.raises(BusyError, match="shutting down"):
        batcher(3)


def test_nobody_waits_for_ever_who_comes_while_it_closes() -> None:
    def ask_until_refused(batcher: Batcher[int, int]) -> None:
        with suppress(BusyError):
            while True:
                assert batcher(1) == 2

    def double(numbers: Sequence[int]) -> list[int]:
        return [2 * number for number in numbers]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns as often as they can
    try:
        for _ in range(100):
            batcher = Batcher(double)
            asking = [
                threading.Thread(target=ask_until_refused, args=[batcher], daemon=True)
                for _ in range(8)
            ]
            for thread in asking:
                thread.start()
            batcher.close()
            for thread in asking:
                thread.join(10)
                assert not thread.is_alive()
    finally:
        sys.setswitchinterval(interval)
