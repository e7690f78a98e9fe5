"""Medians of calls that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Work = Callable[[], object]


def medians(works: Mapping[str, Work], *, rounds: int = 30) -> dict[str, float]:
    """Milliseconds of one call of each, all in turn, so that a noisy machine disturbs all alike.

    The first two rounds, which warm up, do not count.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 2):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn >= 2:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}
