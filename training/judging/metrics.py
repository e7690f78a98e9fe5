"""How far predicted ratings are from what viewers said.

Every figure is an average over pictures or follows from such averages, so that one table of
per-picture statistics gives the figures and, weighted by how often each picture was drawn, all
bootstrap resamples at once.

Sources: the distances between distributions are those of Geng, Label Distribution Learning, IEEE
TKDE 28(7), 2016, table 2. The percentile bootstrap is that of Efron and Tibshirani, An Introduction
to the Bootstrap, 1993, chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from moodlens.emotions import EMOTIONS
from training.data.ratings import Floats, Ratings

RESAMPLES = 1000
"""Bootstrap resamples behind a reported interval."""

_SMALLEST_SHARE = 1e-9
_NO_SPREAD = 1e-12


class Metric(NamedTuple):
    """What one figure is.

    Attributes:
        title: for people.
        higher_is_better: the direction of improvement.
        about: one line of explanation.
    """

    title: str
    higher_is_better: bool
    about: str

    @property
    def heading(self) -> str:
        """The title, with an arrow that says where better is."""
        return f"{self.title} {'↑' if self.higher_is_better else '↓'}"


METRICS: Mapping[str, Metric] = {
    "top1": Metric("Top-1", True, "the predicted dominant emotion is the voters'"),
    "top2": Metric("Top-2", True, "the voters' dominant emotion is among the first two"),
    "top3": Metric("Top-3", True, "the voters' dominant emotion is among the first three"),
    "macro_f1": Metric("Macro F1", True, "F1 of the dominant emotion, mean over the six"),
    "kl": Metric("KL", False, "KL(voters || predicted) of the renormalised six, in nats"),
    "reference_kl": Metric(
        "Reference KL", False, "the reference's formula on raw six; no true divergence"
    ),
    "pearson": Metric("Pearson", True, "correlation over pictures, mean over the six emotions"),
    "cosine": Metric("Cosine", True, "cosine of the two distributions"),
    "intersection": Metric("Intersection", True, "sum of the smaller shares"),
    "chebyshev": Metric("Chebyshev", False, "largest difference of shares"),
    "clark": Metric("Clark", False, "root of summed squared relative differences"),
    "canberra": Metric("Canberra", False, "sum of relative differences"),
    "neutral_r": Metric("Neutral r", True, "correlation of the share of neutral"),
    "neutral_mae": Metric("Neutral MAE", False, "mean absolute error of the share of neutral"),
    "valence_r": Metric("Valence r", True, "correlation of valence"),
    "valence_mae": Metric("Valence MAE", False, "mean absolute error of valence, scale 1..9"),
    "arousal_r": Metric("Arousal r", True, "correlation of arousal"),
    "arousal_mae": Metric("Arousal MAE", False, "mean absolute error of arousal, scale 1..9"),
}
"""Every figure over all pictures, in the order of the tables."""

PER_EMOTION = ("pearson", "mae", "precision", "recall", "f1")
"""Every figure of a single emotion; the last three are about the dominant one."""


class Score(NamedTuple):
    """One figure.

    Attributes:
        value: on the pictures as they are.
        low: lower end of the bootstrap 95 % interval, where one was asked for.
        high: its upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, float | None]:
        return {key: _rounded(value) for key, value in self._asdict().items()}


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of one set of predictions.

    Attributes:
        size: number of pictures.
        overall: by the names of ``METRICS``.
        per_emotion: by emotion, then by the names of ``PER_EMOTION``.
        support: pictures whose voters name the emotion first, by emotion.
    """

    size: int
    overall: Mapping[str, Score]
    per_emotion: Mapping[str, Mapping[str, Score]]
    support: Mapping[str, int]

    def __getitem__(self, name: str) -> float:
        """The value of one of ``METRICS``."""
        return self.overall[name].value

    def __str__(self) -> str:
        """The figures as one line per metric."""
        return "\n".join(
            f"{METRICS[name].title:<13}{score.value:8.4f}"
            + ("" if score.low is None else f"  [{score.low:.4f}, {score.high:.4f}]")
            for name, score in self.overall.items()
        )

    def to_json(self) -> dict[str, Any]:
        """``{"metrics": {name: {value, low, high}}, "per_emotion": {emotion: {..., support}}}``."""
        return {
            "metrics": {name: score.to_json() for name, score in self.overall.items()},
            "per_emotion": {
                emotion: {
                    "support": self.support[emotion],
                    **{name: score.to_json() for name, score in scores.items()},
                }
                for emotion, scores in self.per_emotion.items()
            },
        }


def score(predicted: Ratings, true: Ratings, *, resamples: int = 0, seed: int = 0) -> Scores:
    """Every figure, with bootstrap intervals where they are asked for.

    Args:
        predicted: the network's ratings of N pictures.
        true: the viewers' ratings of the same, in the same order.
        resamples: bootstrap resamples of the pictures; 0 gives no intervals.
        seed: of the bootstrap.

    Raises:
        ValueError: not the same number of pictures, or none.
    """
    if len(predicted) != len(true) or not len(true):
        raise ValueError("predicted and true ratings must be of the same pictures")
    statistics = _Statistics.of(predicted, true)
    weights = np.full((1, len(true)), 1 / len(true))
    values = _figures(statistics, weights)
    intervals: Mapping[str, tuple[float, float]] = {}
    if resamples:
        drawn = _figures(statistics, _bootstrap_weights(len(true), resamples, seed))
        intervals = {key: _percentiles(column) for key, column in drawn.items()}
    figures = {key: Score(float(v[0]), *intervals.get(key, ())) for key, v in values.items()}
    counts = np.bincount(true.dominant, minlength=len(EMOTIONS))
    return Scores(
        size=len(true),
        overall={name: figures[name] for name in METRICS},
        per_emotion={
            emotion: {name: figures[f"{emotion}.{name}"] for name in PER_EMOTION}
            for emotion in EMOTIONS
        },
        support=dict(zip(EMOTIONS, counts.tolist(), strict=True)),
    )


def kl_divergence(true: Floats, predicted: Floats) -> Floats:
    """KL(true || predicted) in nats, by row.

    A predicted share of 0 counts as 1e-9, which keeps the divergence finite; a true share of 0 adds
    nothing.

    Args:
        true: [N, K] distributions.
        predicted: [N, K] distributions.
    """
    predicted = np.maximum(predicted, _SMALLEST_SHARE)
    ratio = np.where(true > 0, true, predicted) / predicted
    divergence: Floats = (true * np.log(ratio)).sum(axis=1)
    return divergence


def reference_kl(true_raw: Floats, predicted: Floats) -> Floats:
    """What the reference reports as KL, by row; its mean is ``kl_div(reduction="batchmean")``.

    The targets are the six raw shares, which sum to less than 1 wherever anyone voted neutral. So
    this is no divergence: a perfect prediction scores below 0.

    Args:
        true_raw: [N, 6] shares as voted.
        predicted: [N, 6] distributions.
    """
    return kl_divergence(true_raw, predicted)


def cosine(a: Floats, b: Floats) -> Floats:
    """Cosine of the angle between rows."""
    similarity: Floats = (a * b).sum(axis=1) / (
        np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    )
    return similarity


def chebyshev(a: Floats, b: Floats) -> Floats:
    """Largest absolute difference, by row."""
    distance: Floats = np.abs(a - b).max(axis=1)
    return distance


def clark(a: Floats, b: Floats) -> Floats:
    """Root of the summed squares of (a - b) / (a + b), by row; two zeros add nothing."""
    distance: Floats = np.sqrt((_relative_difference(a, b) ** 2).sum(axis=1))
    return distance


def canberra(a: Floats, b: Floats) -> Floats:
    """Sum of abs(a - b) / (a + b), by row; two zeros add nothing."""
    distance: Floats = _relative_difference(a, b).sum(axis=1)
    return distance


def intersection(a: Floats, b: Floats) -> Floats:
    """Sum of the smaller of the two shares, by row; 1 means the same distribution."""
    similarity: Floats = np.minimum(a, b).sum(axis=1)
    return similarity


def hits(predicted: Floats, dominant: np.ndarray, k: int) -> Floats:
    """1 where the true dominant emotion is among the k largest predicted shares, else 0.

    Args:
        predicted: [N, 6] distributions; of equal shares the first comes first.
        dominant: [N] index of the true dominant emotion.
        k: how many count.
    """
    first = np.argsort(-predicted, axis=1, kind="stable")[:, :k]
    return (first == dominant[:, None]).any(axis=1).astype(np.float64)


class _Statistics(NamedTuple):
    """What each picture contributes; every array has N rows."""

    averaged: Mapping[str, Floats]
    """[N] per metric that is a plain average over pictures."""
    predicted: Floats
    """[N, 7] the seven shares: six renormalised, and neutral."""
    true: Floats
    """[N, 7] the same of the viewers."""
    scales: Mapping[str, tuple[Floats, Floats]]
    """[N] predicted and true valence and arousal; the true one is NaN where nobody was asked."""
    predicted_top: Floats
    """[N, 6] one-hot dominant emotion."""
    true_top: Floats
    """[N, 6] the same of the viewers."""

    @classmethod
    def of(cls, predicted: Ratings, true: Ratings) -> _Statistics:
        p, t = predicted.distribution, true.distribution
        averaged = {
            **{f"top{k}": hits(p, true.dominant, k) for k in (1, 2, 3)},
            "kl": kl_divergence(t, p),
            "reference_kl": reference_kl(true.raw_six, p),
            "cosine": cosine(t, p),
            "intersection": intersection(t, p),
            "chebyshev": chebyshev(t, p),
            "clark": clark(t, p),
            "canberra": canberra(t, p),
            "neutral_mae": np.abs(predicted.neutral - true.neutral),
            **{f"{e}.mae": np.abs(p[:, i] - t[:, i]) for i, e in enumerate(EMOTIONS)},
        }
        one_hot = np.eye(len(EMOTIONS))
        return cls(
            averaged,
            np.column_stack([p, predicted.neutral]),
            np.column_stack([t, true.neutral]),
            {
                "valence": (predicted.valence, true.valence),
                "arousal": (predicted.arousal, true.arousal),
            },
            one_hot[predicted.dominant],
            one_hot[true.dominant],
        )


def _figures(statistics: _Statistics, weights: Floats) -> dict[str, Floats]:
    """Every figure for every row of weights.

    Args:
        statistics: of N pictures.
        weights: [B, N], each row summing to 1.

    Returns:
        [B] by metric, and by ``<emotion>.<metric>``.
    """
    averaged = weights @ np.column_stack(list(statistics.averaged.values()))
    figures = dict(zip(statistics.averaged, averaged.T, strict=True))
    r = _correlation(statistics.predicted, statistics.true, weights)
    figures["pearson"] = r[:, : len(EMOTIONS)].mean(axis=1)
    figures["neutral_r"] = r[:, len(EMOTIONS)]
    for name, (predicted_scale, true_scale) in statistics.scales.items():
        figures[f"{name}_r"], figures[f"{name}_mae"] = _of_scale(
            predicted_scale, true_scale, weights
        )
    both = weights @ (statistics.predicted_top * statistics.true_top)
    predicted, true = weights @ statistics.predicted_top, weights @ statistics.true_top
    f1 = _divide(2 * both, predicted + true)
    figures["macro_f1"] = f1.mean(axis=1)
    for i, emotion in enumerate(EMOTIONS):
        figures[f"{emotion}.pearson"] = r[:, i]
        figures[f"{emotion}.precision"] = _divide(both[:, i], predicted[:, i])
        figures[f"{emotion}.recall"] = _divide(both[:, i], true[:, i])
        figures[f"{emotion}.f1"] = f1[:, i]
    return figures


def _of_scale(predicted: Floats, true: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Correlation and mean absolute error over the pictures whose viewers were asked.

    NaN under weights that leave none of them.
    """
    asked = ~np.isnan(true)
    if not asked.any():
        nothing = np.full(len(weights), np.nan)
        return nothing, nothing
    predicted, true, weights = predicted[asked], true[asked], weights[:, asked]
    if not asked.all():
        total = weights.sum(axis=1, keepdims=True)
        weights = weights / np.where(total > 0, total, np.nan)
    r = _correlation(predicted[:, None], true[:, None], weights)[:, 0]
    return np.where(np.isnan(weights[:, 0]), np.nan, r), weights @ np.abs(predicted - true)


def _correlation(a: Floats, b: Floats, weights: Floats) -> Floats:
    """Pearson's r per column under each row of weights; 0 where either side does not vary."""
    # Centring first keeps the difference of moments below from cancelling.
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    mean_a, mean_b = weights @ a, weights @ b
    covariance = weights @ (a * b) - mean_a * mean_b
    variance_a = weights @ a**2 - mean_a**2
    variance_b = weights @ b**2 - mean_b**2
    varies = (variance_a > _NO_SPREAD) & (variance_b > _NO_SPREAD)
    scale = np.sqrt(np.where(varies, variance_a * variance_b, 1))
    return np.where(varies, np.clip(covariance / scale, -1, 1), 0)


def _bootstrap_weights(size: int, resamples: int, seed: int) -> Floats:
    """[resamples, size]: how often each picture was drawn with replacement, over size."""
    counts = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=resamples)
    return counts / size


def _percentiles(values: Floats) -> tuple[float, float]:
    if np.isnan(values).all():
        return math.nan, math.nan
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def _relative_difference(a: Floats, b: Floats) -> Floats:
    return _divide(np.abs(a - b), a + b)


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    """The quotient, and 0 where both are 0."""
    positive = denominator > 0
    return np.where(positive, numerator, 0) / np.where(positive, denominator, 1)


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 5)
