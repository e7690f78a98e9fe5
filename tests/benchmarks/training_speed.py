"""Learning against the plain loop: ``python -m tests.benchmarks.training_speed``.

The plain loop is how a frozen backbone is usually learned on: every epoch decodes every picture and
sends it through the whole network, of which only the head learns. MoodLens extracts the features of
both views once and fits the heads on those; and it fine-tunes with frozen norms folded, frozen
first stages and, where it is fast, bfloat16. Both use the same backbone, on made-up pictures of
Emotion6's size, both in turn. Some batches are timed and the rest is extrapolated.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from moodlens.emotions import EMOTIONS
from moodlens.model.network import EmotionNetwork
from moodlens.model.preprocess import normalise
from tests.benchmarks.figures import Goal, Row, table
from tests.support.emotion6_factory import make_emotion6
from training.data.emotion6 import Emotion6
from training.data.ratings import Ratings
from training.learning.augment import eval_preset, train_preset
from training.learning.backbones import pretrained_network
from training.learning.config import Config, load_config
from training.learning.engine import DEVICES, Engine
from training.learning.features import frozen_features
from training.learning.fit import Examples, fine_tune
from training.learning.heads import choose_heads

PICTURES = 1584
SAMPLE = 96
EPOCHS = 20

_BATCH = 32
_TUNED_BATCH = 16
_FROZEN_GOAL = Goal(0.1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.training_speed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", choices=DEVICES, default="auto")
    args = parser.parse_args()
    engine = Engine.start(args.device, "bf16")
    rows = measure(args.rounds, {}, engine)
    print(
        f"on {engine.device.type}, extrapolated from {args.rounds} x {SAMPLE} pictures; "
        f"plain frozen: {EPOCHS} epochs\n"
    )
    print(table(rows))


def measure(rounds: int, overrides: Mapping[str, Any], engine: Engine | None = None) -> list[Row]:
    """Time both sides in turn.

    Args:
        rounds: of each.
        overrides: hyper-parameters for both, such as a smaller backbone.
        engine: the device, in bf16; by default the processor.
    """
    engine = engine or Engine.start("cpu", "bf16")
    overrides = {"pretrained": "none", **overrides}
    config = load_config(overrides=overrides)
    tuned = load_config(recipe="gentle", overrides={**overrides, "finetune.epochs": 1})
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dataset = _dataset(folder / "emotion6")
        works: dict[str, Callable[[int], float]] = {
            "plain frozen": lambda _: _plain_frozen(
                pretrained_network(config), dataset, engine.device
            ),
            "extract": lambda turn: _extract(config, dataset, folder / f"cache{turn}", engine),
            "plain tuning": lambda _: _plain_tuning(
                pretrained_network(tuned), dataset, tuned, engine.device
            ),
            "tuning": lambda turn: _tune(tuned, dataset, folder / f"run{turn}", engine),
        }
        seconds: dict[str, list[float]] = {name: [] for name in works}
        for turn in range(rounds):
            for name, work in works.items():
                seconds[name].append(work(turn) / len(dataset))
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    fit = _fit(config, pretrained_network(config).num_features)
    ours = median["extract"] * PICTURES + fit
    plain = median["plain frozen"] * PICTURES * EPOCHS
    return [
        Row(f"frozen stage, {PICTURES} pictures", "s", ours, plain, _FROZEN_GOAL),
        Row("of which fitting the heads", "s", fit),
        Row("fine-tuning", "pictures/s", 1 / median["tuning"], 1 / median["plain tuning"]),
    ]


def _dataset(folder: Path) -> Emotion6:
    """Pictures of Emotion6's size: 320 x 240 JPEGs."""
    make_emotion6(folder, per_keyword=SAMPLE // len(EMOTIONS))
    for path in folder.glob("images/*/*.jpg"):
        Image.open(path).resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=90)
    return Emotion6.read(folder)


def _plain_frozen(network: EmotionNetwork, dataset: Emotion6, device: torch.device) -> float:
    """Seconds of one epoch of the head on the whole frozen network."""
    network = network.to(device).to(memory_format=torch.contiguous_format)
    preset = eval_preset(network.config)
    targets = torch.tensor(dataset.ratings.shares, dtype=torch.float32, device=device)
    optimizer = torch.optim.Adam(network.emotion_head.parameters(), lr=1e-3)
    start = time.perf_counter()
    for rows in _batches(len(dataset), _BATCH):
        pixels = _stack([preset(dataset.picture(row)) for row in rows], network)
        with torch.no_grad():
            features = network.pool(network.feature_maps(pixels))
        _step(optimizer, network.emotion_head(features), targets[rows])
    return time.perf_counter() - start


def _extract(config: Config, dataset: Emotion6, cache: Path, engine: Engine) -> float:
    """Seconds for both views of every picture."""
    network = pretrained_network(config)
    start = time.perf_counter()
    frozen_features(network, dataset, cache, engine=engine)
    return time.perf_counter() - start


def _fit(config: Config, num_features: int) -> float:
    """Seconds to choose and fit the heads on random features of as many pictures."""
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.normal(size=(2, PICTURES, num_features)).astype(np.float32))
    shares = rng.dirichlet(np.ones(7), PICTURES)
    affect = rng.uniform(1, 9, (2, PICTURES))
    start = time.perf_counter()
    choose_heads(features, Ratings.of(shares, *affect), config)
    return time.perf_counter() - start


def _plain_tuning(
    network: EmotionNetwork, dataset: Emotion6, config: Config, device: torch.device
) -> float:
    """Seconds of one epoch in which everything learns, in float32, norms as they are."""
    network = network.to(device).to(memory_format=torch.contiguous_format)
    preset = train_preset(network.config, config.augment)
    targets = torch.tensor(dataset.ratings.shares, dtype=torch.float32, device=device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    start = time.perf_counter()
    for rows in _batches(len(dataset), _TUNED_BATCH):
        pixels = _stack([preset(dataset.picture(row)) for row in rows], network)
        _step(optimizer, network(pixels).logits, targets[rows])
    return time.perf_counter() - start


def _tune(config: Config, dataset: Emotion6, run: Path, engine: Engine) -> float:
    """Seconds of one epoch of MoodLens's own fine-tuning, decoding included."""
    network = pretrained_network(config)
    run.mkdir()
    start = time.perf_counter()
    pictures = [dataset.picture(i) for i in range(len(dataset))]
    examples = Examples(pictures, dataset.ratings, range(len(dataset)))
    fine_tune(network, examples, config, run, engine=engine)
    return time.perf_counter() - start


def _batches(count: int, size: int) -> Iterator[list[int]]:
    return (list(range(i, min(i + size, count))) for i in range(0, count, size))


def _stack(crops: list[Tensor], network: EmotionNetwork) -> Tensor:
    device = network.emotion_head.weight.device
    return normalise(torch.stack(crops).to(device), network.config).contiguous()


def _step(optimizer: torch.optim.Optimizer, logits: Tensor, target: Tensor) -> None:
    optimizer.zero_grad()
    nn.functional.kl_div(logits.log_softmax(dim=1), target, reduction="batchmean").backward()
    optimizer.step()


if __name__ == "__main__":
    main()
