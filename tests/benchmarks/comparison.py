"""MoodLens against the reference service, both in turn, so that a noisy machine disturbs both."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from gradio_client import Client, handle_file

from tests.benchmarks.client import latencies, throughput
from tests.benchmarks.figures import Goal, Row, percentile
from tests.benchmarks.pictures import phone_jpeg, small_jpeg
from tests.benchmarks.services import OURS, REFERENCE, USUAL, Service, Setup, running

SIDES = (OURS, REFERENCE)
CLIENTS = 16

_START = Goal(2.0)
_MEMORY = Goal(0.9)
_THROUGHPUT = Goal(4.0, "higher")
_LATENCY = {"640x480": Goal(0.40), "12 MP": Goal(0.35)}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        starts: of each service.
        rounds: in turn, for latency and for throughput.
        requests: of one client in a round.
        seconds: of 16 clients in a round.
    """

    starts: int = 5
    rounds: int = 8
    requests: int = 25
    seconds: float = 5.0


QUICK = Effort(starts=1, rounds=2, requests=10, seconds=2.0)


def compare(effort: Effort, setup: Setup = USUAL) -> Iterator[Row]:
    """Every figure of the report, as soon as it is known.

    The goals are those of the bundled weights where MoodLens computes by itself: elsewhere there
    are none.
    """
    for row in _rows(effort, setup):
        yield row if setup == USUAL else replace(row, goal=None)


def _rows(effort: Effort, setup: Setup) -> Iterator[Row]:
    small = small_jpeg()
    pictures = {"640x480": small, "12 MP": phone_jpeg()}
    starts: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(effort.starts - 1):
        for side in SIDES:
            with running(side, small, setup) as service:
                starts[side].append(service.seconds_to_answer)
    with ExitStack() as stack:
        services = {side: stack.enter_context(running(side, small, setup)) for side in SIDES}
        for side, service in services.items():
            starts[side].append(service.seconds_to_answer)
        seconds = {side: statistics.median(times) for side, times in starts.items()}
        yield _row("start to first answer", "s", seconds, _START)
        yield from _latency_rows(services, pictures, effort)
        yield from _throughput_rows(services, small, effort)
        peaks = {side: service.peak_memory() for side, service in services.items()}
        yield _row("peak memory", "MB", peaks, _MEMORY)
        yield from _gradio_rows(services[OURS], pictures, effort)


def _row(name: str, unit: str, figures: Mapping[str, float], goal: Goal | None) -> Row:
    return Row(name, unit, figures[OURS], figures[REFERENCE], goal)


def _latency_rows(
    services: Mapping[str, Service], pictures: Mapping[str, bytes], effort: Effort
) -> Iterator[Row]:
    for size, picture in pictures.items():
        times: dict[str, list[float]] = {side: [] for side in SIDES}
        for _ in range(effort.rounds):
            for side, service in services.items():
                latencies(service.port, picture, 2)  # its code and data come back to the caches
                times[side] += latencies(service.port, picture, effort.requests)
        for percent in (50, 95):
            figures = {side: percentile(values, percent) for side, values in times.items()}
            yield _row(f"latency p{percent}, 1 client, {size}", "ms", figures, _LATENCY[size])


def _throughput_rows(
    services: Mapping[str, Service], picture: bytes, effort: Effort
) -> Iterator[Row]:
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(effort.rounds):
        for side, service in services.items():
            rate = throughput(service.port, picture, clients=CLIENTS, seconds=effort.seconds)
            rates[side].append(rate)
    figures = {side: statistics.median(values) for side, values in rates.items()}
    name = f"throughput, {CLIENTS} clients, 640x480"
    yield _row(name, "answers/s", figures, _THROUGHPUT)


def _gradio_rows(service: Service, pictures: Mapping[str, bytes], effort: Effort) -> Iterator[Row]:
    """Our own page's endpoint, as a Python client calls it: upload, queue, answer."""
    client = Client(f"http://127.0.0.1:{service.port}", verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        for size, picture in pictures.items():
            photo = Path(folder) / f"{size}.jpg"
            photo.write_bytes(picture)
            times = []
            for _ in range(1 + effort.requests):
                start = time.perf_counter()
                client.predict(handle_file(photo), api_name="/predict")
                times.append(1000 * (time.perf_counter() - start))
            for percent in (50, 95):
                figure = percentile(times[1:], percent)
                yield Row(f"Gradio client p{percent}, {size}", "ms", figure)
