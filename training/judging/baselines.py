"""What a network's figures are held against: knowing nothing, the reference, and people."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from moodlens.emotions import EMOTIONS, LABELS, SCALE_RANGE
from training.data.ratings import Floats, Ratings
from training.judging.metrics import METRICS, Score, score

REFERENCE: Mapping[str, float] = {
    "top1": 0.616,
    "top2": 0.796,
    "kl": 0.412,
    "reference_kl": 0.1689,
    "pearson": 0.595,
}
"""The reference ResNet-50 on ``reference_val``, by the names of ``METRICS``.

It reports ``reference_kl``; the true divergence is converted from that, so it weighs each picture
by its non-neutral mass. The reference chose its checkpoint on these same pictures, which flatters
it.
"""

PANEL_SIZES = (15, 30)
"""Emotion6 asked about 15 viewers per picture; the grain of its shares is 1/30."""

PANEL_DRAWS = 100

_JEFFREYS = 0.5
_TRACE = 1e-9
_PANEL_METRICS = tuple(name for name in METRICS if not name.startswith(("valence", "arousal")))


def uniform(size: int) -> Ratings:
    """The same share for each of the seven, and the middle of both scales."""
    middle = np.full(size, sum(SCALE_RANGE) / 2)
    return Ratings(np.full((size, len(LABELS)), 1 / len(LABELS)), middle, middle)


def class_prior(known: Ratings, size: int) -> Ratings:
    """Always the mean rating, whatever the picture.

    Args:
        known: ratings to take the mean of: those of the training pictures.
        size: how many pictures to answer for.
    """
    neutral = known.neutral.mean()
    # The mean of the renormalised six is the constant with the least KL.
    shares = np.append(known.distribution.mean(axis=0) * (1 - neutral), neutral)
    return Ratings(
        np.tile(shares, (size, 1)),
        np.full(size, _mean_of_asked(known.valence)),
        np.full(size, _mean_of_asked(known.arousal)),
    )


def _mean_of_asked(scale: Floats) -> float:
    """The mean where viewers were asked; the middle of the scale where none were."""
    asked = scale[~np.isnan(scale)]
    return float(asked.mean()) if len(asked) else sum(SCALE_RANGE) / 2


def panel_ratings(votes: Floats, true: Ratings, *, smoothing: float = 0.0) -> Ratings:
    """What a panel of viewers says about each picture.

    Args:
        votes: [N, 7] how many viewers of each panel chose each of ``LABELS``.
        true: where valence and arousal are copied from, since their spread is not published.
        smoothing: votes added to each of the six emotions before they are renormalised.

    Returns:
        The panel's shares. Where all of a panel feel nothing in particular, its six are uniform.
    """
    six = votes[:, : len(EMOTIONS)] + smoothing
    six[six.sum(axis=1) == 0] = 1
    six /= six.sum(axis=1, keepdims=True)
    # An all-neutral panel keeps a trace of mass for its uniform six to be renormalised from.
    neutral = np.minimum(votes[:, -1:] / votes.sum(axis=1, keepdims=True), 1 - _TRACE)
    return Ratings(np.hstack([six * (1 - neutral), neutral]), true.valence, true.arousal)


def human_ceiling(
    true: Ratings, voters: int, *, draws: int = PANEL_DRAWS, seed: int = 0
) -> dict[str, dict[str, Score]]:
    """How well a panel of viewers would do in the network's place.

    A share of 0 in a panel would make KL infinite. So for ``kl`` and ``reference_kl`` alone, half
    a vote is added to each of the six emotions of the panel that stands for the prediction
    (Jeffreys' prior; Krichevsky and Trofimov, IEEE Trans. Inf. Theory 27(2), 1981).

    Each viewer votes for one of the seven by the true shares. The truth is itself the vote of one
    panel, so the real agreement of people is somewhat lower.

    Args:
        true: the viewers' ratings.
        voters: on each panel.
        draws: how often to repeat.
        seed: of the draws.

    Returns:
        For ``against_truth`` and ``against_panel``: by metric, the mean over draws and the central
        95 % of them. No valence and arousal.
    """
    rng = np.random.default_rng(seed)
    collected: dict[str, dict[str, list[float]]] = {
        comparison: {name: [] for name in _PANEL_METRICS}
        for comparison in ("against_truth", "against_panel")
    }
    for _ in range(draws):
        votes, others = rng.multinomial(voters, true.shares, size=(2, len(true))).astype(float)
        panel = panel_ratings(votes, true)
        smoothed = panel_ratings(votes, true, smoothing=_JEFFREYS)
        judges = {"against_truth": true, "against_panel": panel_ratings(others, true)}
        for comparison, judge in judges.items():
            plain, careful = score(panel, judge), score(smoothed, judge)
            for name, values in collected[comparison].items():
                values.append((careful if name in ("kl", "reference_kl") else plain)[name])
    return {
        comparison: {name: _summary(values) for name, values in figures.items()}
        for comparison, figures in collected.items()
    }


def _summary(values: list[float]) -> Score:
    low, high = np.percentile(values, [2.5, 97.5])
    return Score(float(np.mean(values)), float(low), float(high))
