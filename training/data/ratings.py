"""What viewers said, or what a network says they would say, about N pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from moodlens.emotions import EMOTIONS, LABELS

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Seven shares, valence and arousal of N pictures.

    Attributes:
        shares: [N, 7] in the order of ``LABELS``, each row summing to 1.
        valence: [N] on the scale 1..9; NaN where viewers were not asked.
        arousal: [N] on the scale 1..9; NaN where viewers were not asked.
    """

    shares: Floats
    valence: Floats
    arousal: Floats

    @classmethod
    def of(cls, shares: ArrayLike, valence: ArrayLike, arousal: ArrayLike) -> Ratings:
        """Build from anything NumPy takes; the shares are scaled to sum to 1.

        Raises:
            ValueError: shapes that do not belong together, negative or non-finite values, or a
                picture whose six emotions have no share at all.
        """
        seven, val, aro = (np.asarray(a, dtype=np.float64) for a in (shares, valence, arousal))
        if seven.ndim != 2 or seven.shape[1] != len(LABELS):
            raise ValueError(f"shares must be [N, {len(LABELS)}], not {list(seven.shape)}")
        if val.shape != seven.shape[:1] or aro.shape != seven.shape[:1]:
            raise ValueError("valence and arousal must have one value per row of shares")
        if not np.isfinite(seven).all() or (seven < 0).any() or np.isinf([val, aro]).any():
            raise ValueError("shares must be finite and not negative, valence and arousal finite")
        if not (seven[:, : len(EMOTIONS)].sum(axis=1) > 0).all():
            raise ValueError("a picture's six emotions have no share at all")
        return cls(seven / seven.sum(axis=1, keepdims=True), val, aro)

    @classmethod
    def joined(cls, parts: Sequence[Ratings]) -> Ratings:
        """Those of the first part's pictures, then of the second's, and so on."""
        return cls(
            np.concatenate([part.shares for part in parts]),
            np.concatenate([part.valence for part in parts]),
            np.concatenate([part.arousal for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.shares)

    def __getitem__(self, rows: slice | Sequence[int] | NDArray[np.integer]) -> Ratings:
        """The ratings of some of the pictures, in the order asked for."""
        return Ratings(self.shares[rows], self.valence[rows], self.arousal[rows])

    @property
    def distribution(self) -> Floats:
        """[N, 6]: the six shares, renormalised without neutral."""
        six = self.shares[:, : len(EMOTIONS)]
        return six / six.sum(axis=1, keepdims=True)

    @property
    def raw_six(self) -> Floats:
        """[N, 6]: the six shares as voted, which sum to 1 less the share of neutral."""
        return self.shares[:, : len(EMOTIONS)]

    @property
    def neutral(self) -> Floats:
        """[N]: the share of viewers who felt nothing in particular."""
        return self.shares[:, len(EMOTIONS)]

    @property
    def dominant(self) -> NDArray[np.int64]:
        """[N]: index into ``EMOTIONS`` of the largest share; the first on an exact tie."""
        return self.raw_six.argmax(axis=1)
