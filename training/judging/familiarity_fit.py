"""Fit how like the training pictures a picture is, and judge the measure.

Each training picture's distance is taken by what was fitted without it, and by a network that did
not learn from it where one of each fold is at hand: among pictures that the network knows by heart,
every new one would look strange.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, islice, pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score

from moodlens.model.checkpoint import Checkpoint
from moodlens.model.ensemble import members_of
from moodlens.model.familiarity import (
    Familiarity,
    Floats,
    LevelFamiliarity,
    distances,
    joint_distance,
    signed_root,
)
from moodlens.model.predictor import Predictor
from moodlens.prediction import UNFAMILIAR, ModelInfo

DIRECTIONS = 64
"""Of each level; the residual takes care of the others."""

QUANTILES = 401

_BATCH = 4
_LEAST_VARIANCE = 1e-6
_PICTURES_A_DIRECTION = 10
"""Fewer than that, and the directions would be those of these very pictures."""
_LEAST_SPREAD = 0.01
"""Of the mean spread: features that hardly ever move would make any move look strange."""


def features_of(checkpoint: Checkpoint, pictures: Iterable[Image.Image]) -> NDArray[np.float32]:
    """[N, F] pooled features of upright pictures, as the app computes them."""
    predictor = Predictor(checkpoint, ModelInfo(checkpoint.name, checkpoint.revision, "local"))
    rows, waiting = [], iter(pictures)
    while batch := list(islice(waiting, _BATCH)):
        rows += [explanation.features for explanation in predictor.explain(batch)]
    return np.stack(rows)


def fit_levels(
    checkpoint: Checkpoint,
    features: NDArray[np.float32],
    *,
    directions: int = DIRECTIONS,
    last_too: bool = False,
) -> list[LevelFamiliarity]:
    """What the features of some pictures are like, level by level.

    A member's last features are left out, and a stage that they only repeat, as a ResNet's do,
    unless there is no other.

    Args:
        checkpoint: whose network made the features.
        features: [N, F].
        directions: at most so many of each level.
        last_too: do not leave a member's last features out.
    """
    fitted, start = [], 0
    for member in members_of(checkpoint.network):
        starts = [start + width for width in accumulate((0, *member.channels))]
        *stages, last = [(a, features[:, a:b]) for a, b in pairwise(starts)]
        told = [(a, stage) for a, stage in stages if not np.array_equal(stage, last[1])]
        if last_too or not told:
            told.append(last)
        fitted += [_fit_level(a, stage.astype(np.float64), directions) for a, stage in told]
        start = starts[-1]
    return fitted


def out_of_fold_distances(
    checkpoint: Checkpoint, features: NDArray[np.float32], folds: NDArray[np.int64]
) -> Floats:
    """[N, 2 L] of each picture by what the other folds' pictures are like.

    Args:
        checkpoint: whose network made the features.
        features: [N, F].
        folds: [N] the number of each picture's fold; those of a negative number are not judged.
    """
    found = None
    for fold in sorted(set(folds[folds >= 0].tolist())):
        inside = folds == fold
        levels = fit_levels(checkpoint, features[~inside])
        if found is None:
            found = np.full((len(features), 2 * len(levels)), np.nan)
        found[inside] = distances(levels, features[inside].astype(np.float64))
    if found is None:
        raise ValueError("no fold to judge")
    return found


def fit_familiarity(
    checkpoint: Checkpoint, features: NDArray[np.float32], found: Floats
) -> Familiarity:
    """The measure of a network.

    Args:
        checkpoint: the network.
        features: [N, F] of all pictures that it learned from.
        found: [M, 2 L] their distances, out of fold.
    """
    centres, spreads = found.mean(axis=0), found.std(axis=0)
    joint = joint_distance(found, centres, spreads)
    return Familiarity(
        levels=fit_levels(checkpoint, features),
        centres=centres,
        spreads=spreads,
        quantiles=np.quantile(joint, np.linspace(0, 1, QUANTILES)),
        size=features.shape[1],
    )


def unfamiliar_share(familiarity: Sequence[float] | Floats) -> float:
    """The share of pictures that count as unlike those learned from."""
    return float((np.asarray(familiarity) < UNFAMILIAR).mean())


def separation(known: Floats, strange: Floats) -> float:
    """AUROC: how often a strange picture lies further off than a known one; 0.5 is chance.

    Args:
        known: distances of out-of-fold training pictures.
        strange: distances of others.
    """
    labels = np.repeat([0, 1], [len(known), len(strange)])
    return float(roc_auc_score(labels, np.concatenate([known, strange])))


def _fit_level(start: int, level: Floats, most: int) -> LevelFamiliarity:
    roots = signed_root(level)
    mean, spread = roots.mean(axis=0), roots.std(axis=0)
    spread = spread + _LEAST_SPREAD * spread.mean() + np.finfo(np.float32).tiny
    standardised = (roots - mean) / spread
    count = max(1, min(most, len(level) // _PICTURES_A_DIRECTION, level.shape[1] - 1))
    variances, directions = _principal(standardised, count)
    # Rounded as they will be stored, so that what is fitted is what answers.
    stored = directions.astype(np.float16).astype(np.float64)
    return LevelFamiliarity(start, mean, spread, stored, variances)


def _principal(matrix: Floats, count: int) -> tuple[Floats, Floats]:
    """The largest variances [K] of centred rows, and the directions [K, C] that have them."""
    if len(matrix) < matrix.shape[1]:
        values, vectors = np.linalg.eigh(matrix @ matrix.T / len(matrix))
        vectors = matrix.T @ vectors[:, -count:]
        vectors /= np.linalg.norm(vectors, axis=0) + np.finfo(np.float32).tiny
    else:
        values, vectors = np.linalg.eigh(matrix.T @ matrix / len(matrix))
    return np.maximum(values[-count:], _LEAST_VARIANCE), vectors[:, -count:].T
