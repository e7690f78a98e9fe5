"""Memory that is shared by all who decode, so that many small files together cannot take it all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from moodlens.errors import BusyError

_CHEAP_PARTS = 20
"""What costs no more than this part of the whole is cheap."""
_KEPT_PARTS = 5
"""This part of the whole is kept for what is cheap."""


class Budget:
    """Bytes of memory. Who needs many waits until so many are free; who needs few hardly ever does.

    Args:
        total: bytes.
        patience: seconds to wait at most.
        most_waiting: more are refused at once; each holds a file and a thread.
    """

    def __init__(self, total: int, *, patience: float = 12.0, most_waiting: int = 12) -> None:
        self._total = total
        self._cheap = total // _CHEAP_PARTS
        self._for_dear = total - total // _KEPT_PARTS
        self._patience = patience
        self._most_waiting = most_waiting
        self._held = 0
        self._held_by_dear = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def lease(self) -> Iterator[Lease]:
        """What is taken in the block is free again after it."""
        lease = Lease(self)
        try:
            yield lease
        finally:
            lease.end()

    def take(self, cost: int) -> int:
        """Wait for so many bytes, and return how many to give back.

        Raises:
            BusyError: they were not free in time, or too many wait already.
        """
        ticket = object()
        with self._changed:
            if self.is_cheap(cost):
                self._wait_until(lambda: self._held + cost <= self._total)
                self._held += cost
                return cost
            cost = min(cost, self._for_dear)  # the dearest is decoded alone
            if len(self._queue) >= self._most_waiting:
                raise _busy()
            self._queue.append(ticket)
            try:
                self._wait_until(
                    lambda: (
                        self._queue[0] is ticket
                        and self._held_by_dear + cost <= self._for_dear
                        and self._held + cost <= self._total
                    )
                )
                self._held += cost
                self._held_by_dear += cost
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
            return cost

    def is_cheap(self, cost: int) -> bool:
        """Whether so few bytes are hardly ever waited for."""
        return cost <= self._cheap

    def give_back(self, cost: int) -> None:
        """Make so many bytes free for others."""
        with self._changed:
            self._held -= cost
            if not self.is_cheap(cost):
                self._held_by_dear -= cost
            self._changed.notify_all()

    def _wait_until(self, free: Callable[[], bool]) -> None:
        if not self._changed.wait_for(free, self._patience):
            raise _busy()


class Lease:
    """What one caller has taken of a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._taken: list[int] = []

    def take(self, cost: int) -> bool:
        """Wait for so many bytes, and say whether they are few.

        Raises:
            BusyError: they were not free in time, or too many wait already.
        """
        self._taken.append(self._budget.take(cost))
        return self._budget.is_cheap(cost)

    def end(self) -> None:
        """Give everything back."""
        while self._taken:
            self._budget.give_back(self._taken.pop())


def _busy() -> BusyError:
    return BusyError(
        "MoodLens is decoding other large pictures; please try again in a few seconds.", 5
    )
