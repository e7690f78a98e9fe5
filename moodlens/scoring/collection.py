"""What a table says about the collection as a whole, in one pass and in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from moodlens.emotions import EMOTIONS, LABELS, SCALE_RANGE
from moodlens.scoring.formats import TableRow
from moodlens.scoring.top import Ranking, Rankings

BINS = 32
_KINDS_OF_PROBLEM = 1_000


@dataclass(slots=True)
class Grid:
    """How many pictures lie where, by two figures.

    Attributes:
        x, y: the columns.
        x_range, y_range: what they may be.
        counts: [BINS, BINS], rows by y, from the smallest.
    """

    x: str
    y: str
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((BINS, BINS), np.int64))

    def add(self, row: TableRow) -> None:
        x, y = row[self.x], row[self.y]
        if x is not None and y is not None:
            self.counts[_bin(y, self.y_range), _bin(x, self.x_range)] += 1


@dataclass(slots=True)
class Collection:
    """A table, summed up.

    Attributes:
        best: how many pictures each ranking keeps.
        pictures: rows with an answer.
        dominant: how many pictures each emotion leads.
        shares: of each of ``LABELS`` how many pictures have a share of so much, [BINS].
        affect, doubt: valence and arousal; disagreement and certainty.
        familiarity: how many pictures are familiar by so much, [BINS].
        problems: how often each sentence was said.
        models: which weights answered, as ``name, revision``.
    """

    best: int = 12
    pictures: int = 0
    dominant: Counter[str] = field(default_factory=Counter)
    shares: dict[str, NDArray[np.int64]] = field(
        default_factory=lambda: {name: np.zeros(BINS, np.int64) for name in LABELS}
    )
    affect: Grid = field(
        default_factory=lambda: Grid("valence", "arousal", SCALE_RANGE, SCALE_RANGE)
    )
    doubt: Grid = field(default_factory=lambda: Grid("certainty", "ambiguity"))
    familiarity: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    problems: Counter[str] = field(default_factory=Counter)
    models: set[str] = field(default_factory=set)
    _sum: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(EMOTIONS)))
    _products: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((len(EMOTIONS), len(EMOTIONS)))
    )
    _rankings: Rankings | None = None

    @classmethod
    def of(cls, rows: Iterable[TableRow], *, best: int = 12) -> Collection:
        """Sum a table up.

        Args:
            rows: its rows, each looked at once.
            best: how many pictures each ranking keeps.
        """
        collection = cls(best)
        for row in rows:
            collection.add(row)
        return collection

    def add(self, row: TableRow) -> None:
        """Count one more row."""
        if row["problem"] is not None:
            known = row["problem"] in self.problems or len(self.problems) < _KINDS_OF_PROBLEM
            self.problems[str(row["problem"]) if known else "…"] += 1
            return
        self.pictures += 1
        self.dominant[str(row["dominant_emotion"])] += 1
        self.models.add(f"{row['model']}, {row['revision']}")
        for name, counts in self.shares.items():
            counts[_bin(row[name], (0.0, 1.0))] += 1
        self.affect.add(row)
        self.doubt.add(row)
        if row["familiarity"] is not None:
            self.familiarity[_bin(row["familiarity"], (0.0, 1.0))] += 1
        six = np.array([row[name] for name in EMOTIONS])
        self._sum += six
        self._products += np.outer(six, six)
        self._rankings = self._rankings or Rankings(self.best)
        self._rankings.add(row)

    @property
    def means(self) -> dict[str, float]:
        """The mean share of each emotion."""
        means = self._sum / max(self.pictures, 1)
        return dict(zip(EMOTIONS, means.tolist(), strict=True))

    @property
    def correlation(self) -> NDArray[np.float64]:
        """[6, 6] Pearson's coefficients of the shares; NaN where one of them never changes."""
        mean = self._sum / max(self.pictures, 1)
        covariance = self._products / max(self.pictures, 1) - np.outer(mean, mean)
        spread = np.sqrt(np.clip(np.diag(covariance), 0, None))
        spread[spread < 1e-9] = np.nan
        return np.clip(covariance / np.outer(spread, spread), -1, 1)

    @property
    def ranked(self) -> dict[Ranking, list[TableRow]]:
        """The first pictures of each ranking."""
        return self._rankings.rows() if self._rankings else {}


def _bin(value: float, limits: tuple[float, float]) -> int:
    low, high = limits
    return min(BINS - 1, max(0, int((value - low) / (high - low) * BINS)))
