"""Threads of REST's own: those of the server are all taken while thousands load the page."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from moodlens.errors import BusyError

_THREADS = 32

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class Lane:
    """Calls functions that take their time, each in a thread.

    Args:
        most_waiting: calls that may wait for a thread; more are refused.
    """

    def __init__(self, most_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, "moodlens-rest")
        self._most = _THREADS + most_waiting
        self._running = 0

    async def __call__(self, function: Callable[[Given], Answer], given: Given) -> Answer:
        """What the function answers.

        Raises:
            BusyError: too many wait already.
        """
        if self._running >= self._most:
            raise BusyError(
                "MoodLens is busy with other pictures; please try again in a few seconds.", 2
            )
        self._running += 1
        try:
            # With the request's context, by which a Space knows whose share of its GPU to use.
            call = functools.partial(contextvars.copy_context().run, function, given)
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        finally:
            self._running -= 1
