"""What the app did: counted for Prometheus, and one line of log for each picture asked about.

Neither names a file, an address or a person.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from moodlens.errors import BusyError, MoodLensError
from moodlens.prediction import ModelInfo

logger = logging.getLogger(__name__)

Kind = Literal["rest", "client", "page", "upload"]
"""REST, Gradio's clients, the page; and what the page and the clients send ahead of asking."""

Outcome = Literal["answered", "busy", "refused", "failed"]

_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Telemetry:
    """One per service.

    Args:
        waiting: how many predictions wait right now.
        model: which weights answer; None while there are none.
    """

    def __init__(
        self, *, waiting: Callable[[], int], model: Callable[[], ModelInfo | None]
    ) -> None:
        self._model = model
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "moodlens_requests",
            "Pictures asked about, by way in and outcome.",
            ["kind", "outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "moodlens_request_seconds",
            "From the picture's arrival to its answer.",
            ["kind"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        Gauge(
            "moodlens_waiting", "Predictions that wait for a worker.", registry=self._registry
        ).set_function(waiting)
        self._info = Gauge(
            "moodlens_model",
            "1 for the weights that answer.",
            ["name", "revision", "source"],
            registry=self._registry,
        )

    @contextmanager
    def request(self, kind: Kind) -> Iterator[None]:
        """Time and count what happens in the block, by the exception that leaves it if any."""
        start = time.perf_counter()
        outcome: Outcome = "failed"
        try:
            yield
            outcome = "answered"
        except MoodLensError as error:
            outcome = _outcome(error)
            raise
        finally:
            seconds = time.perf_counter() - start
            self._seconds.labels(kind).observe(seconds)
            self._count(kind, outcome, seconds)

    def turned_away(self, kind: Kind, error: MoodLensError) -> None:
        """Count a request that was refused before its body was read."""
        self._count(kind, _outcome(error), 0.0)

    def _count(self, kind: Kind, outcome: Outcome, seconds: float) -> None:
        self._requests.labels(kind, outcome).inc()
        logger.info(
            "request",
            extra={"kind": kind, "outcome": outcome, "milliseconds": round(1000 * seconds)},
        )

    def exposition(self) -> bytes:
        """Everything in Prometheus's text format, version 0.0.4."""
        self._info.clear()
        model = self._model()
        if model is not None:
            self._info.labels(model.name, model.revision, model.source).set(1)
        return generate_latest(self._registry)


def _outcome(error: MoodLensError) -> Outcome:
    if isinstance(error, BusyError):
        return "busy"
    return "refused" if error.status < 500 else "failed"
