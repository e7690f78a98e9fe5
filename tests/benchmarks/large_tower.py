"""What a large tower costs its server: ``python -m tests.benchmarks.large_tower [--recipe clip]``.

A checkpoint of the recipe's own backbone at its full depth, from random weights, which take the
time and room of trained ones; then the app with it, as a process of its own, asked by one client.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from moodlens.model.checkpoint import WEIGHTS, save_checkpoint
from tests.benchmarks.client import latencies
from tests.benchmarks.figures import Row, percentile, table
from tests.benchmarks.pictures import phone_jpeg, small_jpeg
from tests.benchmarks.services import OURS, Setup, running
from training.learning.backbones import pretrained_network
from training.learning.config import load_config
from training.learning.learn import STORAGE


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.large_tower")
    parser.add_argument("--recipe", default="clip", help="whose backbone, of training's recipes")
    parser.add_argument("--requests", type=int, default=20, help="for each size of picture")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(table(measure(Path(folder), args.recipe, args.requests)))


def measure(folder: Path, recipe: str, requests: int) -> list[Row]:
    """Make the checkpoint in a folder, serve it, ask it.

    Args:
        folder: an empty one.
        recipe: whose backbone.
        requests: for each size of picture.
    """
    config = load_config(recipe=recipe, overrides={"pretrained": "none"})
    network = pretrained_network(config)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    save_checkpoint(folder, network, name=recipe, training={}, storage=STORAGE[config.storage])
    del network
    rows = [
        Row("parameters", "million", parameters / 1e6),
        Row(f"weights as {config.storage}", "MB", (folder / WEIGHTS).stat().st_size / 1e6),
    ]
    pictures = {"640x480": small_jpeg(), "12 megapixels": phone_jpeg()}
    with running(OURS, pictures["640x480"], Setup(checkpoint=str(folder))) as service:
        rows.append(Row("start to first answer", "s", service.seconds_to_answer))
        for size, picture in pictures.items():
            times = latencies(service.port, picture, requests)
            rows.append(Row(f"latency p50, {size}", "ms", percentile(times, 50)))
            rows.append(Row(f"latency p95, {size}", "ms", percentile(times, 95)))
        rows.append(Row("peak memory", "MB", service.peak_memory()))
    return rows


if __name__ == "__main__":
    main()
