"""Other measures of familiarity: ``python -m tests.benchmarks.familiarity_ways --data DIR``.

The features of the bundled network are compared in several ways with those of Emotion6's pictures,
each of these by what was fitted without its fold, for which network and measure are the same for
all. Strange pictures should lie further off than 95 % of them, other photos should not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from tqdm import tqdm

from moodlens.errors import PictureError
from moodlens.model.checkpoint import Checkpoint, load_checkpoint
from moodlens.model.familiarity import (
    Floats,
    LevelFamiliarity,
    distances,
    joint_distance,
    signed_root,
)
from moodlens.model.predictor import Predictor
from moodlens.pictures.reading import read_picture
from moodlens.prediction import UNFAMILIAR, ModelInfo
from moodlens.weights.reference import locate_bundled
from tests.benchmarks.familiarity import packaged_photos
from tests.benchmarks.pictures import EXAMPLES
from tests.benchmarks.strange_pictures import strange_pictures
from training.data.split import make_folds
from training.judging.familiarity_fit import features_of, fit_levels, separation
from training.options import add_data_options, data_from

Features = NDArray[np.float32]
Measure = Callable[[Features], Floats]
"""Features [N, F] -> distances [N, D]."""

Way = Callable[[Checkpoint, Features], Measure]
Joining = Callable[[Floats], Floats]
"""Standardised distances [N, D] -> [N]."""


def by_levels(
    checkpoint: Checkpoint,
    features: Features,
    *,
    directions: int = 64,
    last_too: bool = False,
    which: slice = slice(None),
) -> Measure:
    """The distances within and outside the directions of each level, or one of the two."""
    levels = fit_levels(checkpoint, features, directions=directions, last_too=last_too)
    return lambda asked: distances(levels, asked.astype(np.float64))[:, which]


def by_clusters(checkpoint: Checkpoint, features: Features, *, count: int) -> Measure:
    """How far the nearest cluster is within the whitened directions, and the residuals."""
    levels = fit_levels(checkpoint, features)
    clusters = [
        KMeans(count, n_init=1, random_state=0).fit(_whitened(level, features)) for level in levels
    ]

    def measure(asked: Features) -> Floats:
        nearest = [
            np.log(model.transform(_whitened(level, asked)).min(axis=1))
            for model, level in zip(clusters, levels, strict=True)
        ]
        return np.column_stack([distances(levels, asked.astype(np.float64))[:, 1::2], *nearest])

    return measure


def _whitened(level: LevelFamiliarity, features: Features) -> Floats:
    own = features[:, level.start : level.start + len(level.mean)].astype(np.float64)
    standardised = (signed_root(own) - level.mean) / level.spread
    white: Floats = standardised @ level.directions.T / np.sqrt(level.variances)
    return white


def _soft_maximum(found: Floats) -> Floats:
    return joint_distance(found, np.zeros(found.shape[1]), np.ones(found.shape[1]))


WAYS: dict[str, tuple[Way, Joining]] = {
    "as it is": (by_levels, _soft_maximum),
    **{
        f"{count} directions": (partial(by_levels, directions=count), _soft_maximum)
        for count in (32, 128, 200)
    },
    "the last level too": (partial(by_levels, last_too=True), _soft_maximum),
    "maximum": (by_levels, lambda found: found.max(axis=1)),
    "mean": (by_levels, lambda found: found.mean(axis=1)),
    "Mahalanobis distance alone": (partial(by_levels, which=slice(0, None, 2)), _soft_maximum),
    "residual alone": (partial(by_levels, which=slice(1, None, 2)), _soft_maximum),
    "nearest of 16 clusters": (partial(by_clusters, count=16), _soft_maximum),
    "nearest of 64 clusters": (partial(by_clusters, count=64), _soft_maximum),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.familiarity_ways")
    add_data_options(parser)
    parser.add_argument("--each", type=int, default=20, help="strange pictures of each kind")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    checkpoint, dataset = load_checkpoint(locate_bundled().folder), data_from(args)
    side = Predictor(checkpoint, ModelInfo("", "", "local"), plain=True).decode_side
    pictures = (dataset.picture(i, short_side=side) for i in range(len(dataset)))
    known = features_of(checkpoint, tqdm(pictures, total=len(dataset), leave=False))
    kinds, strange = zip(*strange_pictures(args.each), strict=True)
    judge(
        checkpoint,
        known,
        make_folds(dataset.ratings.dominant),
        features_of(checkpoint, strange),
        np.array(kinds),
        _photos(checkpoint, side),
    )


def judge(
    checkpoint: Checkpoint,
    known: Features,
    folds: NDArray[np.int64],
    strange: Features,
    kinds: NDArray[np.str_],
    photos: Features,
) -> None:
    """Print a row for each way.

    Args:
        checkpoint: whose features these are.
        known: [N, F] of training pictures.
        folds: [N] of theirs.
        strange: [M, F] of strange ones.
        kinds: [M] of theirs.
        photos: [K, F] of other photos.
    """
    print("| | AUROC | of the worst kind | strange ones flagged | photos flagged |")
    print("|---|---|---|---|---|")
    for name, (way, join) in WAYS.items():
        parts = [
            (folds == fold, way(checkpoint, known[folds != fold])) for fold in np.unique(folds)
        ]
        found = np.concatenate([measure(known[inside]) for inside, measure in parts])
        centre, spread = found.mean(axis=0), found.std(axis=0)
        measure = way(checkpoint, known)
        out_of_fold = join((found - centre) / spread)
        far, other = (join((measure(f) - centre) / spread) for f in (strange, photos))
        threshold = np.quantile(out_of_fold, 1 - UNFAMILIAR)
        worst = min(separation(out_of_fold, far[kinds == kind]) for kind in np.unique(kinds))
        cells = (
            f"{separation(out_of_fold, far):.3f}",
            f"{worst:.3f}",
            f"{(far > threshold).mean():.0%}",
            f"{(other > threshold).sum()} of {len(other)}",
        )
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _photos(checkpoint: Checkpoint, side: int) -> Features:
    found = []
    for path in (*EXAMPLES, *packaged_photos()):
        try:
            found.append(read_picture(path.read_bytes(), short_side=side))
        except (PictureError, OSError):
            continue
    return features_of(checkpoint, found)


if __name__ == "__main__":
    main()
