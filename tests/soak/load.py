"""Many clients at once on the real app, watched from outside."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

import moodlens
from tests.soak.clients import Tally, by_page, by_queue, by_rest, drive
from tests.support.running_app import RunningApp

_WARM_UP = 1 / 3
"""Share of the time after which memory should no longer grow."""
_LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What came of it.

    Attributes:
        endings: of all requests.
        fairness: for each way in, the fewest and the most answers that a client got.
        slowest: seconds.
        peak_memory: MB.
        slope: MB a minute after the warm-up, by least squares.
        problems: some of the answers that should not have come.
    """

    endings: Counter[str]
    fairness: dict[str, tuple[int, int]]
    slowest: float
    peak_memory: float
    slope: float
    problems: list[str]

    @property
    def lost(self) -> int:
        """Requests that got neither their own answer nor an honest "busy"."""
        return self.endings["wrong"] + self.endings["failed"]


def load(folder: Path, *, clients: int, seconds: float) -> LoadReport:
    """A third of the clients each ask by REST, through Gradio's queue, and as the page does.

    Args:
        folder: for what the app writes.
        clients: threads, each with connections of its own.
        seconds: how long.
    """
    examples = sorted((Path(moodlens.__file__).parent / "examples").glob("*.jpg"))
    pictures = {path.stem: path.read_bytes() for path in examples}
    with RunningApp(folder) as app:
        app.wait_until_ready()
        alone = {
            name: app.predict(data).json()["prediction"]["probability_distribution"]
            for name, data in pictures.items()
        }
        ways = {"REST": by_rest, "Gradio": by_queue, "the page": by_page}
        each = max(1, clients // len(ways))
        asking = [(way, make(app.url, pictures)) for way, make in ways.items() for _ in range(each)]
        names = list(pictures)
        memory: list[tuple[float, float]] = []
        stop = threading.Event()
        assert app.process is not None
        watcher = threading.Thread(target=_watch, args=[app.process.pid, memory, stop])
        watcher.start()
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(len(asking)) as pool:
            futures = [
                pool.submit(
                    drive, ask, names[i % len(names) :] + names[: i % len(names)], alone, until
                )
                for i, (_, ask) in enumerate(asking)
            ]
            tallies = [future.result() for future in futures]
        stop.set()
        watcher.join()
    return _report([way for way, _ in asking], tallies, memory, seconds)


def _report(
    ways: Sequence[str],
    tallies: Sequence[Tally],
    memory: Sequence[tuple[float, float]],
    seconds: float,
) -> LoadReport:
    endings: Counter[str] = Counter()
    answered: dict[str, list[int]] = {}
    for way, tally in zip(ways, tallies, strict=True):
        endings.update(tally.endings)
        answered.setdefault(way, []).append(tally.endings["answered"])
    moments, sizes = np.array(memory).T
    warm = moments > moments[0] + _WARM_UP * seconds
    slope = float(np.polyfit(moments[warm] / 60, sizes[warm], 1)[0])
    return LoadReport(
        endings,
        {way: (min(counts), max(counts)) for way, counts in answered.items()},
        max(tally.slowest for tally in tallies),
        float(sizes.max()),
        slope,
        [problem for tally in tallies for problem in tally.problems],
    )


def _watch(pid: int, memory: list[tuple[float, float]], stop: threading.Event) -> None:
    process = psutil.Process(pid)
    while not stop.wait(_LOOK_EVERY):
        memory.append((time.monotonic(), process.memory_info().rss / 1e6))
