"""What MoodLens says about one picture: plain numbers, no tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moodlens.emotions import EMOTIONS, LABELS

UNFAMILIAR = 0.05
"""A picture of less familiarity is unlike those that were learned from."""

_JSON_DIGITS = 4


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which weights answered.

    Attributes:
        name: the Hub repository (``owner/name``), or the name in the checkpoint's own config.
        revision: the Hub commit id, or the first 12 hex digits of the weights' SHA-256.
        source: ``hub``, ``cache``, ``bundled`` or ``local``.
    """

    name: str
    revision: str
    source: str

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "revision": self.revision, "source": self.source}


@dataclass(frozen=True, slots=True)
class Prediction:
    """How viewers would feel about one picture.

    Attributes:
        distribution: the six shares, summing to 1, in the order of ``EMOTIONS``.
        neutral: the share of viewers who would feel nothing in particular, 0 to 1.
        valence: 1 (unpleasant) to 9 (pleasant).
        arousal: 1 (calm) to 9 (excited); a rough figure.
        model: which weights answered.
        certainty: the calibrated chance, 0 to 1, that the dominant emotion is the one most viewers
            would name; None where the checkpoint has no calibrator.
        familiarity: the share, 0 to 1, of the training pictures that are less like all of them than
            this picture is; None where the checkpoint has no measure of it.
    """

    distribution: Mapping[str, float]
    neutral: float
    valence: float
    arousal: float
    model: ModelInfo
    certainty: float | None = None
    familiarity: float | None = None

    @classmethod
    def from_shares(
        cls,
        shares: Sequence[float],
        *,
        valence: float,
        arousal: float,
        model: ModelInfo,
        certainty: float | None = None,
        familiarity: float | None = None,
    ) -> Prediction:
        """Build from the seven shares of ``LABELS``; the six are renormalised without neutral."""
        if len(shares) != len(LABELS):
            raise ValueError(f"expected {len(LABELS)} shares, got {len(shares)}")
        *six, neutral = (float(share) for share in shares)
        total = math.fsum(six)
        if not total > 0:
            raise ValueError("the six shares sum to nothing")
        distribution = {name: share / total for name, share in zip(EMOTIONS, six, strict=True)}
        return cls(distribution, neutral, valence, arousal, model, certainty, familiarity)

    @property
    def dominant_emotion(self) -> str:
        """The emotion with the largest share; on an exact tie the first in order."""
        return max(EMOTIONS, key=lambda name: self.distribution[name])

    @property
    def confidence(self) -> float:
        """The dominant emotion's share of viewers. Not a probability of being right."""
        return self.distribution[self.dominant_emotion]

    @property
    def is_unfamiliar(self) -> bool:
        """Whether the picture is unlike those that the network learned from."""
        return self.familiarity is not None and self.familiarity < UNFAMILIAR

    @property
    def ambiguity(self) -> float:
        """Entropy of the six shares over ln 6: 0 when all viewers agree, 1 when anything goes."""
        entropy = -math.fsum(p * math.log(p) for p in self.distribution.values() if p > 0)
        return min(1.0, max(0.0, entropy / math.log(len(EMOTIONS))))

    def to_json(self) -> dict[str, Any]:
        """The published contract, shares rounded to four digits and still summing to 1."""
        shares = _round_shares([self.distribution[name] for name in EMOTIONS])
        dominant = self.dominant_emotion
        prediction: dict[str, Any] = {
            "dominant_emotion": dominant,
            "confidence": shares[EMOTIONS.index(dominant)],
            "probability_distribution": dict(zip(EMOTIONS, shares, strict=True)),
            "neutral": round(self.neutral, _JSON_DIGITS),
            "ambiguity": round(self.ambiguity, _JSON_DIGITS),
            "valence": round(self.valence, 2),
            "arousal": round(self.arousal, 2),
        }
        if self.certainty is not None:
            prediction["certainty"] = round(self.certainty, _JSON_DIGITS)
        if self.familiarity is not None:
            prediction["familiarity"] = round(self.familiarity, _JSON_DIGITS)
        return {
            "status": "success",
            "prediction": prediction,
            "all_emotions": list(EMOTIONS),
            "model": self.model.to_json(),
        }


def _round_shares(shares: Sequence[float]) -> list[float]:
    """Round to four digits by largest remainder, so that the sum stays exactly 1.

    Every rounded share is within one unit of the last digit of the exact one, and the order of the
    shares is kept.
    """
    unit = 10**_JSON_DIGITS
    scaled = [share * unit for share in shares]
    counts = [math.floor(value) for value in scaled]
    missing = unit - sum(counts)
    by_remainder = sorted(range(len(shares)), key=lambda i: (counts[i] - scaled[i], -scaled[i], i))
    for index in by_remainder[:missing]:
        counts[index] += 1
    return [count / unit for count in counts]
