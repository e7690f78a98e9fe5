import json
import math

import pytest

from moodlens.errors import CheckpointError
from moodlens.model.certainty import Certainty, distribution_shape

SHARES = [0.0, 0.08, 0.4, 0.2, 0.12, 0.0, 0.2]
CERTAINTY = Certainty(intercept=-1.0, top_share=2.0, margin=3.0, ambiguity=-0.5, neutral=-4.0)


def test_shape_by_hand() -> None:
    shape = distribution_shape(SHARES)
    six = [0.1, 0.5, 0.25, 0.15]
    entropy = -sum(p * math.log(p) for p in six)
    assert shape == pytest.approx((0.5, 0.25, entropy / math.log(6), 0.2))


def test_shape_at_the_ends() -> None:
    assert distribution_shape([1, 0, 0, 0, 0, 0, 0]) == pytest.approx((1, 1, 0, 0))
    assert distribution_shape([0.1] * 6 + [0.4]) == pytest.approx((1 / 6, 0, 1, 0.4))


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0, 0, 0, 0, 0, 0, 1]])
def test_shape_of_what_is_no_prediction(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        distribution_shape(shares)


def test_the_logistic_function_of_the_weighted_shape() -> None:
    shape = distribution_shape(SHARES)
    log_odds = -1 + 2 * shape.top_share + 3 * shape.margin - 0.5 * shape.ambiguity - 4 * 0.2
    assert CERTAINTY(SHARES) == pytest.approx(1 / (1 + math.exp(-log_odds)))


@pytest.mark.parametrize(("intercept", "expected"), [(1e6, 1.0), (-1e6, 0.0), (0.0, 0.5)])
def test_extreme_log_odds_stay_a_chance(intercept: float, expected: float) -> None:
    flat = Certainty(intercept=intercept, top_share=0, margin=0, ambiguity=0, neutral=0)
    assert flat(SHARES) == expected


def test_json_there_and_back() -> None:
    assert Certainty.from_json(json.loads(json.dumps(CERTAINTY.to_json()))) == CERTAINTY


@pytest.mark.parametrize(
    "change",
    [{"margin": math.nan}, {"margin": math.inf}, {"margin": "3"}, {"margin": None},
     {"margin": True}, {"margin": 10**400}, {"extra": 1.0}],
)  # fmt: skip
def test_unusable_coefficients_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="certainty"):
        Certainty.from_json(CERTAINTY.to_json() | change)


@pytest.mark.parametrize("data", [{}, [], "certain", {"intercept": 1.0}])
def test_other_json_is_refused(data: object) -> None:
    with pytest.raises(CheckpointError, match="exactly: intercept, top_share"):
        Certainty.from_json(data)  # type: ignore[arg-type]
