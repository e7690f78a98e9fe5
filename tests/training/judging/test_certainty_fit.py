import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from moodlens.model.certainty import distribution_shape
from training.data.ratings import Ratings
from training.judging.certainty_fit import (
    COVERAGES,
    accuracy_by_coverage,
    certainties,
    dominant_is_right,
    expected_calibration_error,
    fit_certainty,
    judge_certainty,
    reliability,
)


@pytest.fixture(scope="module")
def predicted() -> Ratings:
    rng = np.random.default_rng(0)
    return Ratings.of(rng.dirichlet(np.full(7, 0.5), 1500), np.full(1500, 5.0), np.full(1500, 5.0))


@pytest.fixture(scope="module")
def true(predicted: Ratings) -> Ratings:
    """The dominant emotion is right the more often, the larger its share."""
    rng = np.random.default_rng(1)
    right = rng.random(1500) < predicted.distribution.max(axis=1) ** 2
    top = np.where(right, predicted.dominant, (predicted.dominant + 1) % 6)
    return Ratings.of(np.eye(7)[top], predicted.valence, predicted.arousal)


def test_the_fit_is_scikit_learns(predicted: Ratings, true: Ratings) -> None:
    certainty = fit_certainty(predicted, true)
    shapes = np.array([distribution_shape(row) for row in predicted.shares])
    model = LogisticRegression(max_iter=1000).fit(shapes, dominant_is_right(predicted, true))
    assert certainties(certainty, predicted) == pytest.approx(model.predict_proba(shapes)[:, 1])


def test_a_fitted_certainty_is_calibrated_and_tells_right_from_wrong(
    predicted: Ratings, true: Ratings
) -> None:
    right = dominant_is_right(predicted, true)
    certainty = fit_certainty(predicted[:1000], true[:1000])
    report = judge_certainty(certainties(certainty, predicted[1000:]), right[1000:])
    oracle = judge_certainty(predicted[1000:].distribution.max(axis=1) ** 2, right[1000:])
    assert report.ece < 0.08
    assert report.brier < oracle.brier + 0.01 < report.brier_of_constant


@pytest.mark.parametrize(("all_right", "rate"), [(True, 1500.5 / 1501), (False, 0.5 / 1501)])
def test_where_nothing_tells_right_from_wrong_the_rate_is_stated(
    predicted: Ratings, all_right: bool, rate: float
) -> None:
    top = predicted.dominant if all_right else (predicted.dominant + 1) % 6
    true = Ratings.of(np.eye(7)[top], predicted.valence, predicted.arousal)
    certainty = fit_certainty(predicted, true)
    assert certainties(certainty, predicted[:5]) == pytest.approx([rate] * 5)


def test_brier_is_scikit_learns(predicted: Ratings, true: Ratings) -> None:
    right, stated = dominant_is_right(predicted, true), predicted.distribution.max(axis=1)
    report = judge_certainty(stated, right)
    assert report.brier == pytest.approx(brier_score_loss(right, stated))
    rate = np.full(len(right), right.mean())
    assert report.brier_of_constant == pytest.approx(brier_score_loss(right, rate))
    assert set(report.to_json()) == {"ece", "brier", "brier_of_constant", "reliability"}


def test_reliability_by_hand() -> None:
    stated = np.array([0.0, 0.04, 0.1, 0.95, 1.0])
    observed = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    bins = reliability(stated, observed)
    assert [b.size for b in bins] == [2, 1, 2]
    assert [b.low for b in bins] == pytest.approx([0, 0.1, 0.9])
    assert [b.high for b in bins] == pytest.approx([0.1, 0.2, 1])
    assert [b.stated for b in bins] == pytest.approx([0.02, 0.1, 0.975])
    assert [b.observed for b in bins] == pytest.approx([0.5, 0, 1])
    expected = (2 * 0.48 + 1 * 0.1 + 2 * 0.025) / 5
    assert expected_calibration_error(bins) == pytest.approx(expected)


def test_accuracy_by_coverage_by_hand() -> None:
    stated = np.linspace(0.1, 1, 10)
    right = np.array([False] * 4 + [True] * 6)
    rows = accuracy_by_coverage(stated[::-1], right[::-1])
    assert [row.coverage for row in rows] == list(COVERAGES)
    assert [row.accuracy for row in rows] == pytest.approx(
        [6 / 10, 6 / 9, 6 / 8, 6 / 7, 1, 1, 1, 1, 1, 1]
    )
    assert rows[0].threshold == pytest.approx(0.1)
    assert rows[-1].threshold == pytest.approx(1)


def test_coverage_of_very_few_pictures_keeps_one() -> None:
    rows = accuracy_by_coverage(np.array([0.3, 0.9]), np.array([False, True]))
    assert rows[-1].accuracy == 1
    assert not any(math.isnan(row.accuracy) for row in rows)
