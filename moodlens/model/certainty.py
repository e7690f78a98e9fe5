"""How likely it is that the dominant emotion is right, from the shape of the distribution alone.

A logistic regression on four numbers that every prediction has. The coefficients are fitted in
training, on predictions for pictures that the network had not seen, and lie in the checkpoint's
``config.json`` under ``certainty``::

    {"intercept": -1.2, "top_share": 2.1, "margin": 1.4, "ambiguity": -0.3, "neutral": -0.8}
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from moodlens.emotions import EMOTIONS, LABELS
from moodlens.errors import CheckpointError


class DistributionShape(NamedTuple):
    """What the certainty is judged by, each from 0 to 1.

    Attributes:
        top_share: the dominant emotion's share of the six.
        margin: how far the second is behind it.
        ambiguity: entropy of the six over ln 6.
        neutral: the share of viewers who would feel nothing in particular.
    """

    top_share: float
    margin: float
    ambiguity: float
    neutral: float


def distribution_shape(shares: Sequence[float]) -> DistributionShape:
    """The shape of the seven shares of ``LABELS``.

    Raises:
        ValueError: not seven shares, or the six sum to nothing.
    """
    if len(shares) != len(LABELS):
        raise ValueError(f"expected {len(LABELS)} shares, got {len(shares)}")
    *six, neutral = (float(share) for share in shares)
    total = math.fsum(six)
    if not total > 0:
        raise ValueError("the six shares sum to nothing")
    distribution = [share / total for share in six]
    first, second = sorted(distribution, reverse=True)[:2]
    entropy = -math.fsum(p * math.log(p) for p in distribution if p > 0)
    return DistributionShape(first, first - second, entropy / math.log(len(EMOTIONS)), neutral)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """The fitted calibrator: call it with seven shares.

    Attributes:
        intercept: the log-odds where every feature is 0.
        top_share: added log-odds per unit of this feature; so for the others.
        margin: see :class:`DistributionShape`.
        ambiguity: see :class:`DistributionShape`.
        neutral: see :class:`DistributionShape`.
    """

    intercept: float
    top_share: float
    margin: float
    ambiguity: float
    neutral: float

    def __call__(self, shares: Sequence[float]) -> float:
        """The chance, 0 to 1, that the dominant emotion is the one most viewers would name.

        Args:
            shares: the seven shares of ``LABELS``.
        """
        shape = distribution_shape(shares)
        log_odds = self.intercept + math.fsum(
            getattr(self, name) * value for name, value in shape._asdict().items()
        )
        # The logistic function by tanh, which does not overflow however large the log-odds are.
        return 0.5 * (1 + math.tanh(log_odds / 2))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Certainty:
        """Read what :meth:`to_json` wrote.

        Raises:
            CheckpointError: for missing, unknown or non-finite coefficients.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(data, Mapping) or set(data) != set(names):
            raise CheckpointError(
                f"The checkpoint's certainty must have exactly: {', '.join(names)}."
            )
        for name in names:
            if not is_finite_number(data[name]):
                raise CheckpointError(f"The checkpoint's certainty has no usable {name!r}.")
        return cls(**{name: float(data[name]) for name in names})

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def is_finite_number(value: object) -> bool:
    """Whether a value read from JSON can be computed with."""
    try:
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(float(value))
        )
    except OverflowError:  # an integer of hundreds of digits is valid JSON
        return False
