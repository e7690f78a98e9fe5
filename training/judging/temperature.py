"""How sure a network should sound: one number that its logits are divided by.

Trained on crops that show things larger than the app's crop does, a network hesitates a little
more, or less, than its answers deserve. Guo, Pleiss, Sun, Weinberger: On Calibration of Modern
Neural Networks, ICML 2017. Folds are tempered by what suits the others: a temperature that was
fitted on the pictures which judge it would flatter itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from moodlens.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from moodlens.model.ensemble import Network, members_of
from training.data.ratings import Floats, Ratings
from training.data.ratings_file import read_ratings
from training.data.source import LabelledPictures
from training.data.split import load_split
from training.judging.folds import gather, judge_fold
from training.judging.metrics import kl_divergence

TEMPERATURE = "temperature"
"""Its name in results.json and in a checkpoint's facts."""

_RANGE = (0.5, 2.0)
_STEPS = 40
_SMALLEST_SHARE = 1e-9


def fit_temperature(said: Ratings, true: Ratings) -> float:
    """The temperature at which the seven shares have the least mean KL, from 0.5 to 2.

    Args:
        said: ratings of pictures that the network did not learn from.
        true: what their viewers said.
    """
    logs = np.log(said.shares.clip(_SMALLEST_SHARE))  # the logits, but for what softmax ignores

    def loss(coldness: float) -> float:
        return float(kl_divergence(true.shares, _softmax(coldness * logs)).mean())

    low, high = 1 / _RANGE[1], 1 / _RANGE[0]  # of 1 / temperature, in which the loss is convex
    for _ in range(_STEPS):
        first, second = low + (high - low) / 3, high - (high - low) / 3
        if loss(first) < loss(second):
            high = second
        else:
            low = first
    return 2 / (low + high)


@torch.no_grad()
def apply_temperature(network: Network, temperature: float) -> None:
    """Divide the logits, in place: maps that add up to them still do."""
    for member in members_of(network):
        member.emotion_head.weight.div_(temperature)
        member.emotion_head.bias.div_(temperature)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def temper_folds(
    results: Mapping[str, Any], dataset: LabelledPictures, out: Path, storage: torch.dtype
) -> dict[str, Any]:
    """Give each fold the temperature of the others, and judge again.

    Args:
        results: what :func:`training.judging.folds.gather` made of two folds or more.
        dataset: the whole data set.
        out: with the folds' checkpoints and ratings, which are replaced.
        storage: of the checkpoints' matrices.

    Returns:
        The new results, with the ``temperature`` that suits all folds.
    """
    parts = {name: dataset.subset(load_split(name, dataset).indices) for name in results["folds"]}
    said = {name: read_ratings(out / f"{name}.csv", part.names) for name, part in parts.items()}
    for name in tqdm(parts, desc="tempering", unit="fold", leave=False):
        others = {other: ratings for other, ratings in said.items() if other != name}
        checkpoint = load_checkpoint(out / name)
        _temper_and_save(out / name, checkpoint, _temperature_of(others, parts), storage)
        judge_fold(name, dataset, load_checkpoint(out / name), out)
    return gather(out, dataset, results["config"], **{TEMPERATURE: _temperature_of(said, parts)})


def _temperature_of(said: Mapping[str, Ratings], parts: Mapping[str, LabelledPictures]) -> float:
    together = Ratings.joined(list(said.values()))
    true = Ratings.joined([parts[name].ratings for name in said])
    return round(fit_temperature(together, true), 4)


def _temper_and_save(
    folder: Path, checkpoint: Checkpoint, temperature: float, storage: torch.dtype
) -> None:
    apply_temperature(checkpoint.network, temperature)
    facts = {**checkpoint.training, TEMPERATURE: temperature}
    save_checkpoint(
        folder, checkpoint.network, name=checkpoint.name, training=facts, storage=storage
    )
