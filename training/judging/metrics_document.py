"""Everything there is to say about a set of predictions, as the JSON that metrics.json holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from moodlens.emotions import EMOTIONS
from moodlens.model.certainty import Certainty
from training.data.provenance import LEARNED_FROM
from training.data.ratings import Ratings
from training.judging.baselines import PANEL_SIZES, REFERENCE, class_prior, human_ceiling, uniform
from training.judging.certainty_fit import (
    accuracy_by_coverage,
    certainties,
    dominant_is_right,
    judge_certainty,
    reliability,
    rows_to_json,
)
from training.judging.metrics import RESAMPLES, Score, kl_divergence, score

FORMAT = 1
"""Of metrics.json; :mod:`training.evaluate` tells its form."""
PICTURES = "evaluation"
"""Where a checkpoint's plots lie beside its metrics.json."""
WORST = 10

_LISTS = ("names", "digests")


def judge(
    predicted: Ratings,
    true: Ratings,
    names: Sequence[str],
    *,
    known: Ratings | None,
    certainty: Certainty | None,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures with intervals, what to hold them against, calibration, and the worst pictures.

    Args:
        predicted: the network's ratings of N pictures.
        true: the viewers' ratings of the same.
        names: of the pictures.
        known: ratings of other pictures, for the class prior; without them it is taken from these
            very pictures, which flatters it slightly.
        certainty: the network's calibrator, if it has one.
        seed: of the bootstrap and of the panels.

    Returns:
        ``metrics``, ``per_emotion``, ``baselines``, ``human_ceiling``, ``confusion``,
        ``reliability``, ``certainty``, ``coverage`` and ``worst``; see ``training.evaluate``.
    """
    right = dominant_is_right(predicted, true)
    confidence = predicted.distribution.max(axis=1)
    stated = confidence if certainty is None else certainties(certainty, predicted)
    return {
        **score(predicted, true, resamples=RESAMPLES, seed=seed).to_json(),
        "baselines": _baselines(true, known, seed),
        "human_ceiling": {
            str(voters): {
                comparison: _scores_to_json(figures)
                for comparison, figures in human_ceiling(true, voters, seed=seed).items()
            }
            for voters in PANEL_SIZES
        },
        "base_rates": _shares_to_json(true.distribution.mean(axis=0).tolist()),
        "confusion": confusion(predicted, true),
        "reliability": rows_to_json(
            reliability(predicted.distribution.ravel(), true.distribution.ravel())
        ),
        "certainty": None if certainty is None else judge_certainty(stated, right).to_json(),
        "coverage": {
            "by": "confidence" if certainty is None else "certainty",
            "rows": rows_to_json(accuracy_by_coverage(stated, right)),
        },
        "worst": worst(predicted, true, names),
    }


def confusion(predicted: Ratings, true: Ratings) -> list[list[int]]:
    """Pictures by the viewers' dominant emotion (rows) and the predicted one (columns)."""
    cell = true.dominant * len(EMOTIONS) + predicted.dominant
    counts = np.bincount(cell, minlength=len(EMOTIONS) ** 2)
    rows: list[list[int]] = counts.reshape(len(EMOTIONS), len(EMOTIONS)).tolist()
    return rows


def worst(
    predicted: Ratings, true: Ratings, names: Sequence[str], *, count: int = WORST
) -> list[dict[str, Any]]:
    """The pictures with the largest KL, worst first, with both distributions."""
    divergence = kl_divergence(true.distribution, predicted.distribution)
    return [
        {
            "name": names[i],
            "kl": round(float(divergence[i]), 4),
            "viewers": _shares_to_json(true.distribution[i].tolist()),
            "predicted": _shares_to_json(predicted.distribution[i].tolist()),
        }
        for i in np.argsort(-divergence, kind="stable")[:count].tolist()
    ]


def _baselines(true: Ratings, known: Ratings | None, seed: int) -> dict[str, Any]:
    size = len(true)
    origin = "these very pictures" if known is None else "the pictures outside the split"
    guesses = {
        "uniform": ("the same share for every emotion", uniform(size)),
        "class_prior": (f"always the mean of {origin}", class_prior(known or true, size)),
    }
    baselines: dict[str, Any] = {
        name: {
            "about": about,
            "metrics": _scores_to_json(score(guess, true, resamples=RESAMPLES, seed=seed).overall),
        }
        for name, (about, guess) in guesses.items()
    }
    baselines["reference"] = {
        "about": "the reference ResNet-50 on reference_val, on which its checkpoint was picked; "
        "KL converted to a true divergence",
        "metrics": _scores_to_json({name: Score(value) for name, value in REFERENCE.items()}),
    }
    return baselines


def _scores_to_json(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: figure.to_json() for name, figure in scores.items()}


def _shares_to_json(shares: Sequence[float]) -> dict[str, float]:
    return {name: round(share, 4) for name, share in zip(EMOTIONS, shares, strict=True)}


def without_names(facts: Mapping[str, Any]) -> dict[str, Any]:
    """A checkpoint's training facts, less the long list of the pictures it learned from."""
    learned = facts.get(LEARNED_FROM)
    if not isinstance(learned, Mapping):
        return dict(facts)
    return {**facts, LEARNED_FROM: {k: v for k, v in learned.items() if k not in _LISTS}}
