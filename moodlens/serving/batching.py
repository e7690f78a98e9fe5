"""Many callers, one worker: what waits while a batch runs becomes the next batch."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from moodlens.errors import BusyError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_STOP = object()


class Batcher(Generic[Item, Answer]):
    """Run a batch function in a single thread, on whatever has gathered since its last run.

    A lone caller never waits for company: its item starts at once. Under load the batches grow by
    themselves, which is where a convolutional network gains most on few cores.

    Args:
        run: answers a batch, item by item and in order.
        max_batch: items in one run; beyond four a convolutional network on few cores gains nothing
            more, and its memory grows with each.
        max_waiting: items that may wait; more are refused.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        max_batch: int = 4,
        max_waiting: int = 64,
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._waiting: queue.Queue[tuple[Item, Future[Answer]] | object] = queue.Queue(max_waiting)
        self._coming = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="moodlens-batcher", daemon=True)
        self._thread.start()

    def __call__(self, item: Item) -> Answer:
        """Wait for the answer to one item.

        Raises:
            BusyError: as many items as allowed are waiting, or the app is shutting down.
        """
        future: Future[Answer] = Future()
        with self._coming:
            if self._closed:
                raise BusyError("MoodLens is shutting down; please try again in a moment.", 5)
            try:
                self._waiting.put_nowait((item, future))
            except queue.Full:
                raise BusyError(
                    "MoodLens is busy with other pictures; please try again in a few seconds.", 2
                ) from None
        return future.result()

    def waiting(self) -> int:
        """How many items wait right now."""
        return self._waiting.qsize()

    def close(self) -> None:
        """Refuse new items, answer those that wait, and stop."""
        with self._coming:  # so that nothing comes behind the sign to stop
            first, self._closed = not self._closed, True
        if first:
            self._waiting.put(_STOP)
        self._thread.join()

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch: list[tuple[Item, Future[Answer]]] = []
            entry = self._waiting.get()
            while True:
                if isinstance(entry, tuple):
                    batch.append(entry)
                else:
                    stopping = True
                if len(batch) >= self._max_batch:
                    break
                try:
                    entry = self._waiting.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._answer(batch)

    def _answer(self, batch: list[tuple[Item, Future[Answer]]]) -> None:
        try:
            answers = self._run([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            future.set_result(answer)
