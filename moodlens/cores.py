"""The processor's threads, divided among the batches that run at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedCores:
    """A batch that runs alone computes with all threads; several share them out.

    Threads that wait for each other at every layer lose most of their time where more of them run
    than there are cores. Batches beside each other, each on its own core, have nothing to wait for.

    Args:
        threads: of the processor, for MoodLens.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._running = 0
        self._lock = threading.Lock()

    @contextmanager
    def share(self) -> Iterator[int]:
        """Give the calling thread its share for the length of the block: so many threads."""
        import torch

        with self._lock:
            self._running += 1
            threads = max(1, self._threads // self._running)
            torch.set_num_threads(threads)  # which OpenMP keeps apart for every calling thread
        try:
            yield threads
        finally:
            with self._lock:
                self._running -= 1
