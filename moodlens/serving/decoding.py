"""Where pictures are decoded: the cheap at once, the dear in threads that let others go first.

A forward pass waits for all of its threads. Where each has to share its core with somebody who
decodes a large picture, an ordinary answer takes a hundred times as long.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from PIL import Image

from moodlens.pictures.budget import Budget

_NICENESS = 10
"""More than the others; on Linux a tenth of the share where both want the same core."""


class DecodingRoom:
    """Shared by all who decode.

    Args:
        total: bytes of memory for all of them.
        threads: for dear pictures.
    """

    def __init__(self, total: int, threads: int) -> None:
        self._budget = Budget(total)
        self._pool = ThreadPoolExecutor(threads, "moodlens-decoding", initializer=_stand_back)

    @contextmanager
    def place(self) -> Iterator[Callable[[int, Callable[[], Image.Image]], Image.Image]]:
        """For one picture: what to hand to ``read_picture`` as ``within``.

        The memory is free again after the block. What is handed out raises BusyError where there is
        none in time, or too many wait already.
        """
        with self._budget.lease() as lease:

            def within(cost: int, decode: Callable[[], Image.Image]) -> Image.Image:
                if lease.take(cost):
                    return decode()
                return self._pool.submit(decode).result()

            yield within

    def close(self) -> None:
        """Decode nothing more in threads of its own."""
        self._pool.shutdown(wait=False)


def _stand_back() -> None:
    if sys.platform == "linux":  # elsewhere all threads of a process are as nice
        this = threading.get_native_id()
        with suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, this)
            os.setpriority(os.PRIO_PROCESS, this, niceness + _NICENESS)
