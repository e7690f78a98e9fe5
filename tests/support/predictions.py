"""Predictions made by hand, for tests of what is said about them."""

from __future__ import annotations

from moodlens.emotions import EMOTIONS
from moodlens.prediction import ModelInfo, Prediction

MODEL = ModelInfo("owner/name", "0123456789ab", "bundled")


def make_prediction(
    neutral: float = 0.05,
    *,
    valence: float = 3.0,
    arousal: float = 6.0,
    certainty: float | None = None,
    **shares: float,
) -> Prediction:
    """A prediction with these of the six shares; what they lack is spread over the others."""
    others = [name for name in EMOTIONS if name not in shares]
    rest = (1 - sum(shares.values())) / max(len(others), 1)
    six = {name: shares.get(name, rest) for name in EMOTIONS}
    return Prediction(six, neutral, valence, arousal, MODEL, certainty)
