"""How far a run has come: a line that renews itself on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

_ON_A_TERMINAL, _ELSEWHERE = 0.2, 60.0
_RATE_SECONDS = 30.0


class Progress:
    """Tells how many pictures are done, how many a second, and for how long it will go on.

    Args:
        stream: where to; standard error by default.
        now: the clock, in seconds.
        silent: tell nothing.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        now: Callable[[], float] = time.monotonic,
        *,
        silent: bool = False,
    ) -> None:
        self._silent = silent
        self._stream = stream or sys.stderr
        self._now = now
        self._terminal = self._stream.isatty()
        self._told = now()
        self._seen: deque[tuple[float, int]] = deque()
        self._width = 0
        self.total: int | None = None
        self.reused = 0
        """Rows that were there before."""

    def advance(self, done: int, problems: int) -> None:
        """Tell, if it is time to.

        Args:
            done: pictures answered in this run.
            problems: how many of them could not be.
        """
        now = self._now()
        if self._silent:
            return
        if now - self._told < (_ON_A_TERMINAL if self._terminal else _ELSEWHERE):
            return
        self._told = now
        self._seen.append((now, done))
        while self._seen[0][0] < now - _RATE_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        self._show(self._line(done, problems))

    def end(self) -> None:
        """Leave the terminal's line as it is and begin another."""
        if self._terminal and self._width:
            self._stream.write("\n")
            self._stream.flush()
            self._width = 0

    def _line(self, done: int, problems: int) -> str:
        ready = self.reused + done
        parts = [f"{ready:,} of {self.total:,} pictures" if self.total else f"{ready:,} pictures"]
        (since, before), (now, _) = self._seen[0], self._seen[-1]
        if now > since and done > before:
            rate = (done - before) / (now - since)
            parts.append(f"{rate:.0f} a second" if rate >= 10 else f"{rate:.1f} a second")
            if self.total and self.total > ready:
                parts.append(f"{duration((self.total - ready) / rate)} left")
        if problems:
            parts.append(f"{problems:,} with a problem")
        return ", ".join(parts)

    def _show(self, line: str) -> None:
        if self._terminal:
            self._stream.write(f"\r{line:<{self._width}}")
            self._width = len(line)
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
