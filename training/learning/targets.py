"""What the network should say about each picture: voters, or voters and teachers mixed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from moodlens.errors import SettingsError
from training.data.ratings import Floats, Ratings
from training.data.ratings_file import read_ratings
from training.data.source import LabelledPictures
from training.learning.config import DistillConfig


def targets(dataset: LabelledPictures, teachers: Sequence[Path], distill: DistillConfig) -> Ratings:
    """Targets for every picture of a data set.

    ``weight * teacher + (1 - weight) * voters``, after Hinton, Vinyals and Dean: Distilling the
    Knowledge in a Neural Network, 2015, at temperature 1. Several teachers count by their shares.

    Args:
        dataset: the pictures and what their viewers said.
        teachers: files of ratings, made without the pictures that will judge the network.
        distill: how much the teachers count.

    Raises:
        DatasetError: a teacher's file cannot be used or lacks pictures.
        SettingsError: not as many shares as teachers.
    """
    voters = dataset.ratings
    if not teachers:
        return voters
    shares = distill.shares or (1.0,) * len(teachers)
    if len(shares) != len(teachers):
        raise SettingsError(
            f"distill.shares has {len(shares)} values for {len(teachers)} teachers."
        )
    said = [read_ratings(path, dataset.names) for path in teachers]
    by_teacher = distill.weight * np.asarray(shares) / sum(shares)
    weights = [*by_teacher.tolist(), 1 - distill.weight]
    everyone = [*said, voters]
    return Ratings.of(
        sum(w * r.shares for w, r in zip(weights, everyone, strict=True)),
        _mixed([r.valence for r in everyone], weights),
        _mixed([r.arousal for r in everyone], weights),
    )


def _mixed(scales: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """The weighted mean of a scale, of those who said something about it."""
    said, by = np.stack(scales), np.asarray(weights)[:, None] * ~np.isnan(scales)
    total = by.sum(axis=0)
    return np.where(total > 0, (by * np.nan_to_num(said)).sum(axis=0), np.nan) / np.where(
        total > 0, total, 1
    )
