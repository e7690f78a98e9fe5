"""Medians of calls that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Work = Callable[[], object]
Clock = Callable[[], float]


def medians(
    works: Mapping[str, Work], *, rounds: int = 30, clock: Clock = time.perf_counter
) -> dict[str, float]:
    """Milliseconds of one call of each, all in turn, so that a noisy machine disturbs all alike.

    The first two rounds, which warm up, do not count.

    Args:
        works: what to call, by name.
        rounds: that count.
        clock: ``time.process_time`` gives the processor's time, which other programs do not take.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 2):
        for name, work in works.items():
            start = clock()
            work()
            if turn >= 2:
                times[name].append(1000 * (clock() - start))
    return {name: statistics.median(values) for name, values in times.items()}
