"""How much more of an emotion a picture evokes than pictures usually do.

Most pictures evoke little anger and little surprise, so neither is often the largest share. Held
against its own base rate, a share of 0.3 is ten times the usual anger but hardly the usual joy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from moodlens.emotions import EMOTIONS
from moodlens.prediction import Prediction

_LEAST_RATE = 0.005


def lift(prediction: Prediction, emotion: str, base_rates: Mapping[str, float]) -> float:
    """A picture's share of an emotion over the usual one: 1 is usual, 2 twice that.

    Args:
        prediction: of the picture.
        emotion: one of ``EMOTIONS``.
        base_rates: mean share of each emotion, as ``base_rates`` of metrics.json.
    """
    return prediction.distribution[emotion] / max(base_rates[emotion], _LEAST_RATE)


def outstanding(prediction: Prediction, base_rates: Mapping[str, float]) -> str:
    """The emotion that is furthest above its usual share; on a tie the first in order."""
    return max(EMOTIONS, key=lambda emotion: lift(prediction, emotion, base_rates))


def by_lift(emotion: str, base_rates: Mapping[str, float]) -> Callable[[Prediction], float]:
    """A key that sorts first the pictures which stand out by an emotion most.

    Within one emotion the order by lift alone would be that by share; it is how far the lift is
    ahead of the other emotions' that tells a surprising picture from a joyful one.
    """
    rivals = [name for name in EMOTIONS if name != emotion]

    def key(prediction: Prediction) -> float:
        next_best = max(lift(prediction, name, base_rates) for name in rivals)
        own = lift(prediction, emotion, base_rates)
        return -own / next_best if next_best else -math.inf

    return key
