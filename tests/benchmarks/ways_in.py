"""How long each client waits for an answer: ``python -m tests.benchmarks.ways_in``.

A 640x480 picture, the same app, one client, all ways in turn, medians. What the ways differ in is
what they do around the same answer: uploads, queues, polls, and new connections.
"""

from __future__ import annotations

import argparse
import base64
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client, handle_file

from tests.benchmarks.figures import Row, table
from tests.benchmarks.pictures import small_jpeg
from tests.benchmarks.services import OURS, running

_META = {"_type": "gradio.FileData"}


def ways_in(port: int, photo: Path) -> dict[str, Callable[[], object]]:
    """For each way a function that waits for one answer, and raises where none comes."""
    http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
    client = Client(f"http://127.0.0.1:{port}", verbose=False)
    picture = photo.read_bytes()
    address = f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"

    def posted(path: str, **body: Any) -> Any:
        return http.post(f"/gradio_api/{path}", **body).raise_for_status().json()

    def uploaded() -> dict[str, Any]:
        (path,) = posted("upload", files={"files": ("a.jpg", picture)})
        return {"path": path, "meta": _META}

    def at_once(sent: object) -> object:
        return posted("run/predict", json={"data": [sent]})["data"][0]["prediction"]

    def polled(sent: object) -> None:
        event = posted("call/v2/predict", json={"picture": sent})["event_id"]
        told = http.get(f"/gradio_api/call/predict/{event}").text
        assert "event: complete" in told, told

    return {
        "POST /predict": lambda: http.post("/predict", files={"file": picture}).raise_for_status(),
        "POST /gradio_api/run/predict, a data: URI": lambda: at_once(address),
        "upload, POST /gradio_api/run/predict": lambda: at_once(uploaded()),
        "POST /gradio_api/call/v2/predict and poll, a data: URI": lambda: polled(address),
        "upload, POST /gradio_api/call/v2/predict and poll": lambda: polled(uploaded()),
        "Gradio's Python client, a data: URI": lambda: client.predict(address, api_name="/predict"),
        "Gradio's Python client, handle_file": lambda: client.predict(
            handle_file(photo), api_name="/predict"
        ),
        "of which making its three HTTP clients": lambda: [httpx.Client() for _ in "abc"],
    }


def measure(rounds: int) -> list[Row]:
    """The median of each way."""
    picture = small_jpeg()
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, running(OURS, picture) as service:
        photo = Path(folder) / "photo.jpg"
        photo.write_bytes(picture)
        ways = ways_in(service.port, photo)
        for _ in range(rounds + 1):
            for name, ask in ways.items():
                start = time.perf_counter()
                ask()
                times.setdefault(name, []).append(1000 * (time.perf_counter() - start))
    return [Row(name, "ms", statistics.median(each[1:])) for name, each in times.items()]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ways_in")
    parser.add_argument("--rounds", type=int, default=40)
    print(table(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
