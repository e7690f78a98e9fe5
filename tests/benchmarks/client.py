"""The client that drives both services: plain HTTP over kept-open connections.

It shares the processor with the service it measures, so the request's bytes are made once and
nothing but the status and the JSON is looked at.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

_TIMEOUT = 120.0
_BOUNDARY = "moodlens-benchmark"


class Sender:
    """One connection that sends one picture, again and again.

    Args:
        port: of a service on 127.0.0.1.
        picture: the JPEG.
    """

    def __init__(self, port: int, picture: bytes) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
        self._body = multipart(picture)
        self._headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def send(self) -> dict[str, Any]:
        """The answer to one ``POST /predict``.

        Raises:
            RuntimeError: the status is not 200.
            OSError: nobody listens.
        """
        self._connection.request("POST", "/predict", self._body, self._headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"status {response.status}: {body[:200]!r}")
        answer: dict[str, Any] = json.loads(body)
        return answer


def multipart(picture: bytes) -> bytes:
    """The body of a form with one file."""
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    return head.encode() + picture + f"\r\n--{_BOUNDARY}--\r\n".encode()


def latencies(port: int, picture: bytes, count: int) -> list[float]:
    """Milliseconds of each of so many requests, one after the other."""
    times = []
    with closing(Sender(port, picture)) as sender:
        for _ in range(count):
            start = time.perf_counter()
            sender.send()
            times.append(1000 * (time.perf_counter() - start))
    return times


def throughput(port: int, picture: bytes, *, clients: int, seconds: float) -> float:
    """Answers per second while so many clients each wait for one answer before the next request.

    Answers count from the moment all clients are connected until the time is over.
    """
    together = threading.Barrier(clients)

    def drive() -> Sequence[float]:
        with closing(Sender(port, picture)) as sender:
            sender.send()
            together.wait()
            start = time.perf_counter()
            ended: list[float] = []
            while not ended or ended[-1] < seconds:
                sender.send()
                ended.append(time.perf_counter() - start)
            return ended

    with ThreadPoolExecutor(clients) as pool:
        runs = [future.result() for future in [pool.submit(drive) for _ in range(clients)]]
    return sum(moment < seconds for run in runs for moment in run) / seconds
