"""How like the pictures that a network learned from a picture is.

The pooled features of each level are compared with what they were over the training pictures: how
far they lie from the middle within the directions in which those pictures differ (the Mahalanobis
distance in a whitened subspace; Lee, Lee, Lee, Shin: A Simple Unified Framework for Detecting
Out-of-Distribution Samples, NeurIPS 2018), and how much of them lies outside these directions (the
residual; Wang, Li, Feng, Zhang: ViM, CVPR 2022). Stages before the last tell most: the last
features are made to see past how a picture looks. What is strange in one of these ways is strange,
so they are joined by a soft maximum, which is read on the scale of the training pictures:
familiarity is the share of them that lie further off, each measured by what was fitted without it.

All that is kept are means, spreads, directions and quantiles: nothing of a single picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from moodlens.errors import CheckpointError

Floats = NDArray[np.float64]

_PREFIX = "familiarity."
_STATISTICS = 2


@dataclass(frozen=True, slots=True, eq=False)
class LevelFamiliarity:
    """Where one level's features of the training pictures lie.

    Attributes:
        start: where the level's C features begin among all F.
        mean: [C] of the roots of the features.
        spread: [C] their standard deviations.
        directions: [K, C] in which standardised roots differ most, each of length 1.
        variances: [K] of the training pictures along them.
    """

    start: int
    mean: Floats
    spread: Floats
    directions: Floats
    variances: Floats

    def distances(self, features: Floats) -> Floats:
        """[N, 2]: logarithms of the mean square within the subspace, and outside it.

        Args:
            features: [N, F] of all levels.
        """
        level = features[:, self.start : self.start + len(self.mean)]
        standardised = (signed_root(level) - self.mean) / self.spread
        within = standardised @ self.directions.T
        outside = np.square(standardised).sum(axis=1) - np.square(within).sum(axis=1)
        mahalanobis = (np.square(within) / self.variances).mean(axis=1)
        return np.log(np.stack([mahalanobis, outside / level.shape[1]], axis=1).clip(1e-6))


@dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """The fitted measure: call it with features.

    Attributes:
        levels: those that are compared, L.
        centres: [2 L] means of all their distances over the training pictures, out of fold.
        spreads: [2 L] their standard deviations.
        quantiles: [Q] of these pictures' joint distances, rising, at equal steps of probability
            from 0 to 1.
        size: F, of the features that it takes.
    """

    levels: Sequence[LevelFamiliarity]
    centres: Floats
    spreads: Floats
    quantiles: Floats
    size: int

    def __call__(self, features: NDArray[np.floating]) -> Floats:
        """[N]: the share, 0 to 1, of training pictures that are less familiar.

        Args:
            features: [N, F] pooled, as the heads see them.
        """
        steps = np.linspace(1, 0, len(self.quantiles))
        return np.interp(self.distance(features), self.quantiles, steps)

    def distance(self, features: NDArray[np.floating]) -> Floats:
        """[N]: the soft maximum of all standardised distances."""
        found = distances(self.levels, features.astype(np.float64))
        return joint_distance(found, self.centres, self.spreads)

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], size: int) -> Familiarity:
        """Read what :meth:`to_tensors` made.

        Args:
            tensors: those whose names :func:`is_part` knows.
            size: features of the network, F.

        Raises:
            CheckpointError: one is missing, unexpected, of a wrong shape or not finite.
        """
        wrong = CheckpointError("The checkpoint's familiarity does not fit its network.")
        values = {
            name.removeprefix(_PREFIX): tensor.double().numpy() for name, tensor in tensors.items()
        }
        if not all(np.isfinite(value).all() for value in values.values()):
            raise wrong
        names = ("start", "mean", "spread", "directions", "variances")
        try:
            starts = values["starts"].astype(int)
            levels = [
                LevelFamiliarity(int(start), *(values[f"{i}.{name}"] for name in names[1:]))
                for i, start in enumerate(starts)
            ]
            found = cls(levels, values["centres"], values["spreads"], values["quantiles"], size)
        except (KeyError, TypeError):
            raise wrong from None
        expected = {"starts", "centres", "spreads", "quantiles"}
        expected |= {f"{i}.{name}" for i in range(len(levels)) for name in names[1:]}
        if set(values) != expected or not found._fits():
            raise wrong
        return found

    def to_tensors(self) -> dict[str, Tensor]:
        """By name, for a checkpoint: float32, the large ones float16."""
        tensors = {
            "starts": torch.tensor([level.start for level in self.levels], dtype=torch.int32),
            "centres": torch.from_numpy(self.centres).float(),
            "spreads": torch.from_numpy(self.spreads).float(),
            "quantiles": torch.from_numpy(self.quantiles).float(),
        }
        for i, level in enumerate(self.levels):
            tensors[f"{i}.mean"] = torch.from_numpy(level.mean).float()
            tensors[f"{i}.spread"] = torch.from_numpy(level.spread).float()
            tensors[f"{i}.directions"] = torch.from_numpy(level.directions).half()
            tensors[f"{i}.variances"] = torch.from_numpy(level.variances).float()
        return {_PREFIX + name: tensor.contiguous() for name, tensor in tensors.items()}

    def _fits(self) -> bool:
        statistics = (_STATISTICS * len(self.levels),)
        return (
            len(self.levels) > 0
            and self.centres.shape == self.spreads.shape == statistics
            and bool((self.spreads > 0).all())
            and self.quantiles.ndim == 1
            and len(self.quantiles) > 1
            and bool((np.diff(self.quantiles) >= 0).all())
            and all(self._level_fits(level) for level in self.levels)
        )

    def _level_fits(self, level: LevelFamiliarity) -> bool:
        width = level.mean.shape
        return (
            len(width) == 1
            and 0 <= level.start <= self.size - width[0]
            and level.spread.shape == width
            and level.directions.shape == (*level.variances.shape, *width)
            and bool((level.spread > 0).all() and (level.variances > 0).all())
        )


def is_part(name: str) -> bool:
    """Whether a checkpoint's tensor belongs to the familiarity and not to the network."""
    return name.startswith(_PREFIX)


def signed_root(features: Floats) -> Floats:
    """Roots that keep the sign: averages of activations become less skewed by it."""
    roots: Floats = np.sign(features) * np.sqrt(np.abs(features))
    return roots


def distances(levels: Sequence[LevelFamiliarity], features: Floats) -> Floats:
    """[N, 2 L] of all levels."""
    return np.concatenate([level.distances(features) for level in levels], axis=1)


def joint_distance(found: Floats, centres: Floats, spreads: Floats) -> Floats:
    """[N]: the soft maximum of distances [N, 2 L], each standardised."""
    joint: Floats = np.logaddexp.reduce((found - centres) / spreads, axis=1)
    return joint
