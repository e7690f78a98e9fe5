"""Where an answer's time goes, as a table and a picture: ``python -m tests.benchmarks.stages``.

The stages are timed one by one in this process; what the whole ``POST /predict`` takes beyond them
at one client is the framework's: HTTP, the form, the hand-over between threads.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image

from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.ensemble import EnsembleConfig
from moodlens.model.network import NetworkConfig
from moodlens.model.predictor import Predictor
from moodlens.model.preprocess import Crops
from moodlens.pictures.reading import read_picture
from moodlens.prediction import ModelInfo
from moodlens.weights.reference import locate_bundled
from tests.benchmarks.client import latencies
from tests.benchmarks.figures import percentile
from tests.benchmarks.pictures import phone_jpeg, small_jpeg
from tests.benchmarks.roofline import measure_roofline
from tests.benchmarks.services import OURS, running
from tests.benchmarks.timing import medians

Stages = Mapping[str, float]

_COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860")


def measure_stages(data: bytes, predictor: Predictor, folder: Path, *, rounds: int) -> Stages:
    """Milliseconds of each stage for one picture, without the framework."""
    file = folder / "picture.jpg"
    file.write_bytes(data)
    side, config = predictor.decode_side, predictor.config
    members = config.members if isinstance(config, EnsembleConfig) else (config,)
    picture = read_picture(data, short_side=side)
    (prediction,) = predictor.predict([picture])
    times = medians(
        {
            "read": file.read_bytes,
            "decode": lambda: read_picture(data, short_side=side),
            "resize": lambda: _crop(picture, members),
            "answer": lambda: predictor.predict([picture]),
            "JSON": lambda: json.dumps(prediction.to_json()),
        },
        rounds=rounds,
    )
    file.unlink()
    forward = times["answer"] - times["resize"]  # with the normalisation and the softmax
    return {
        "read": times["read"],
        "decode": times["decode"],
        "resize": times["resize"],
        "forward": forward,
        "JSON": times["JSON"],
    }


def _crop(picture: Image.Image, members: Sequence[NetworkConfig]) -> None:
    crops = Crops([picture])
    for member in members:
        crops.for_network(member)


def draw(stages: Mapping[str, Stages], path: Path) -> None:
    """One bar for each picture, divided into its stages."""
    figure = Figure(figsize=(9, 2.6), layout="constrained")
    axes = figure.add_subplot()
    for row, (title, times) in enumerate(stages.items()):
        left = 0.0
        for (name, milliseconds), colour in zip(times.items(), _COLOURS, strict=False):
            width = max(milliseconds, 0.0)
            axes.barh(row, width, 0.6, left=left, color=colour, label=name if row == 0 else None)
            left += width
        axes.text(left, row, f" {left:.1f} ms", va="center")
        axes.text(0, row + 0.33, title, va="bottom")
    axes.set(yticks=[], xlabel="milliseconds", ylim=(-0.6, len(stages)))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.margins(x=0.12)
    figure.legend(loc="outside upper center", ncols=len(_COLOURS), frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print the table and the distance to the limit, and write the picture."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stages")
    parser.add_argument("--out", type=Path, default=Path("stages.png"))
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(min(torch.get_num_threads(), 4))  # as the app does
    checkpoint = load_checkpoint(locate_bundled().folder)
    predictor = Predictor(checkpoint, ModelInfo("", "", "bundled"))
    pictures = {"640x480": small_jpeg(), "12 MP": phone_jpeg()}
    stages: dict[str, dict[str, float]] = {}
    with running(OURS, pictures["640x480"]) as service:
        for title, data in pictures.items():
            latencies(service.port, data, 5)
            whole = percentile(latencies(service.port, data, arguments.rounds), 50)
            times = measure_stages(data, predictor, arguments.out.parent, rounds=arguments.rounds)
            stages[title] = {**times, "framework": whole - sum(times.values())}
    print(f"{'ms':<12}" + "".join(f"{title:>12}" for title in stages))
    for name in next(iter(stages.values())):
        print(f"{name:<12}" + "".join(f"{times[name]:>12.2f}" for times in stages.values()))
    print(f"{'in all':<12}" + "".join(f"{sum(times.values()):>12.2f}" for times in stages.values()))
    print(f"\n{measure_roofline(checkpoint, rounds=arguments.rounds)}")
    draw(stages, arguments.out)
    print(f"\nWritten: {arguments.out}")


if __name__ == "__main__":
    main()
