"""What a training left behind, compared with what another did."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from moodlens.model.checkpoint import load_checkpoint
from training import train

Weights = Mapping[str, torch.Tensor]


def learned(data: Path, folder: Path, name: str, *options: str) -> Weights:
    """Train into ``folder/name``, with the cache ``folder/cache``; the weights that came of it."""
    where = ["--data", str(data), "--out", str(folder / name), "--cache", str(folder / "cache")]
    assert train.main([*where, *options]) == 0
    return weights_in(folder / name)


def weights_in(checkpoint: Path) -> Weights:
    """Every tensor of a checkpoint folder by its name."""
    return load_checkpoint(checkpoint).network.state_dict()


def largest_difference(a: Weights, b: Weights) -> float:
    """Of any two numbers at the same place."""
    return max(float((a[key].double() - b[key].double()).abs().max()) for key in a)
