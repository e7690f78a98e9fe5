"""The temperature of folds: fitted where a fold was not, judged where it was.

A temperature that was fitted on the pictures which judge it would flatter itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from moodlens.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from training.data.emotion6 import Emotion6
from training.data.ratings import Ratings
from training.data.ratings_file import read_ratings
from training.data.split import load_split
from training.judging.folds import gather, judge_fold
from training.judging.temperature import apply_temperature, fit_temperature

TEMPERATURE = "temperature"


def temper_folds(
    results: Mapping[str, Any], dataset: Emotion6, out: Path, storage: torch.dtype
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


def _temperature_of(said: Mapping[str, Ratings], parts: Mapping[str, Emotion6]) -> float:
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
