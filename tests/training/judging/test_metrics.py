import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import spatial, special, stats
from sklearn import metrics as sklearn_metrics

from moodlens.emotions import EMOTIONS
from training.data.ratings import Floats, Ratings
from training.judging.metrics import (
    METRICS,
    PER_EMOTION,
    Score,
    canberra,
    chebyshev,
    clark,
    cosine,
    hits,
    intersection,
    kl_divergence,
    reference_kl,
    score,
)


def _random_ratings(size: int, seed: int, *, sparse: bool = False) -> Ratings:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(7, 0.6), size)
    if sparse:  # thirtieths, many of them 0, as Emotion6 has them
        shares = rng.multinomial(30, shares) / 30
        shares[shares[:, :6].sum(axis=1) == 0, 0] = 1
    return Ratings.of(shares, rng.uniform(1, 9, size), rng.uniform(1, 9, size))


def _interval(figure: Score) -> tuple[float, float]:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low, figure.high


TRUE = _random_ratings(200, 0, sparse=True)
PREDICTED = Ratings.of(
    0.6 * TRUE.shares + 0.4 * _random_ratings(200, 1).shares,
    0.5 * TRUE.valence + 0.5 * _random_ratings(200, 2).valence,
    _random_ratings(200, 3).arousal,
)
T, P = TRUE.distribution, PREDICTED.distribution
SCORES = score(PREDICTED, TRUE)


def test_kl_is_scipys() -> None:
    assert kl_divergence(T, P) == pytest.approx(special.rel_entr(T, P).sum(axis=1))
    assert kl_divergence(T, P) == pytest.approx([stats.entropy(t, p) for t, p in zip(T, P)])  # noqa: B905
    assert SCORES["kl"] == pytest.approx(special.rel_entr(T, P).sum(axis=1).mean())


def test_kl_by_hand() -> None:
    true, predicted = np.array([[0.5, 0.5, 0.0]]), np.array([[0.25, 0.5, 0.25]])
    assert kl_divergence(true, predicted) == pytest.approx(0.5 * math.log(2))
    assert kl_divergence(true, true) == pytest.approx(0)


def test_kl_stays_finite_where_a_predicted_share_is_zero() -> None:
    true, predicted = np.array([[0.5, 0.5, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    expected = 0.5 * math.log(0.5) + 0.5 * math.log(0.5 / 1e-9)
    assert kl_divergence(true, predicted) == pytest.approx(expected)
    both_zero = kl_divergence(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]))
    assert both_zero == pytest.approx(0)


def test_reference_kl_is_the_references_formula() -> None:
    logits = torch.from_numpy(np.log(P))
    expected = torch.nn.functional.kl_div(
        logits.log_softmax(dim=1), torch.from_numpy(TRUE.raw_six), reduction="batchmean"
    )
    assert SCORES["reference_kl"] == pytest.approx(expected.item())


def test_a_perfect_prediction_has_a_reference_kl_below_zero() -> None:
    # With s the non-neutral mass, the mean of s ln s is what the formula gives the best there is.
    mass = TRUE.raw_six.sum(axis=1)
    assert reference_kl(TRUE.raw_six, T).mean() == pytest.approx((mass * np.log(mass)).mean())
    perfect = score(TRUE, TRUE)
    assert perfect["reference_kl"] < 0
    assert perfect["kl"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "function", "expected"),
    [
        ("cosine", cosine, lambda t, p: 1 - spatial.distance.cosine(t, p)),
        ("chebyshev", chebyshev, spatial.distance.chebyshev),
        ("canberra", canberra, spatial.distance.canberra),
        # Intersection is one less half the city-block distance, where both sum to 1.
        ("intersection", intersection, lambda t, p: 1 - spatial.distance.cityblock(t, p) / 2),
        (
            "clark",
            clark,
            lambda t, p: math.sqrt(
                sum(((a - b) / (a + b)) ** 2 for a, b in zip(t, p, strict=True) if a + b > 0)
            ),
        ),
    ],
)
def test_distances(
    name: str,
    function: Callable[[Floats, Floats], Floats],
    expected: Callable[[Floats, Floats], float],
) -> None:
    rows = [expected(t, p) for t, p in zip(T, P, strict=True)]
    assert function(T, P) == pytest.approx(rows)
    assert function(P, T) == pytest.approx(rows)
    assert SCORES[name] == pytest.approx(np.mean(rows))


def test_clark_and_canberra_by_hand_with_zeros() -> None:
    a, b = np.array([[0.5, 0.5, 0.0, 0.0]]), np.array([[0.25, 0.0, 0.75, 0.0]])
    # Terms 1/3, 1, 1 and nothing for the two zeros.
    assert canberra(a, b) == pytest.approx(1 / 3 + 2)
    assert clark(a, b) == pytest.approx(math.sqrt(1 / 9 + 2))
    assert np.isfinite(clark(a, a)).all()


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_is_scikit_learns(k: int) -> None:
    expected = sklearn_metrics.top_k_accuracy_score(TRUE.dominant, P, k=k, labels=range(6))
    assert SCORES[f"top{k}"] == pytest.approx(expected)


def test_first_wins_on_ties() -> None:
    tied = np.array([[0.1, 0.3, 0.3, 0.3, 0.0, 0.0]])
    for dominant, rank in ((1, 1), (2, 2), (3, 3), (0, 4)):
        found = [bool(hits(tied, np.array([dominant]), k)[0]) for k in (1, 2, 3)]
        assert found == [k >= rank for k in (1, 2, 3)]
    ratings = Ratings.of([[0.2, 0, 0.3, 0.3, 0, 0, 0.2]], [5], [5])
    assert ratings.dominant.tolist() == [2]


def test_pearson_is_scipys() -> None:
    expected = [stats.pearsonr(P[:, i], T[:, i]).statistic for i in range(6)]
    found = [SCORES.per_emotion[emotion]["pearson"].value for emotion in EMOTIONS]
    assert found == pytest.approx(expected)
    assert SCORES["pearson"] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("scale", ["neutral", "valence", "arousal"])
def test_scales(scale: str) -> None:
    true, predicted = getattr(TRUE, scale), getattr(PREDICTED, scale)
    assert SCORES[f"{scale}_r"] == pytest.approx(stats.pearsonr(predicted, true).statistic)
    mae = sklearn_metrics.mean_absolute_error(true, predicted)
    assert SCORES[f"{scale}_mae"] == pytest.approx(mae)


def test_per_emotion_is_scikit_learns() -> None:
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        TRUE.dominant, PREDICTED.dominant, labels=range(6), zero_division=0
    )
    for i, emotion in enumerate(EMOTIONS):
        found = SCORES.per_emotion[emotion]
        assert found["precision"].value == pytest.approx(precision[i])
        assert found["recall"].value == pytest.approx(recall[i])
        assert found["f1"].value == pytest.approx(f1[i])
        mae = sklearn_metrics.mean_absolute_error(T[:, i], P[:, i])
        assert found["mae"].value == pytest.approx(mae)
        assert SCORES.support[emotion] == support[i]
    assert SCORES["macro_f1"] == pytest.approx(f1.mean())


def test_a_constant_prediction_correlates_with_nothing() -> None:
    constant = Ratings.of(np.tile([0.1, 0.1, 0.1, 0.3, 0.1, 0.1, 0.2], (200, 1)),
                          np.full(200, 4.99463), np.full(200, 5.1))  # fmt: skip
    scores = score(constant, TRUE, resamples=20)
    for name in ("pearson", "neutral_r", "valence_r", "arousal_r"):
        assert scores.overall[name] == (0, 0, 0)
    assert scores.per_emotion["anger"]["precision"].value == 0


def test_only_correlation_ignores_scale() -> None:
    true = _random_ratings(50, 5)
    stretched = Ratings(true.shares, true.valence * 0.5 + 2, true.arousal)
    assert score(stretched, true)["valence_r"] == pytest.approx(1)
    assert score(stretched, true)["valence_mae"] > 0.1


def test_intervals_hold_the_value_and_come_from_the_seed() -> None:
    first, again = (score(PREDICTED, TRUE, resamples=300, seed=4) for _ in range(2))
    other = score(PREDICTED, TRUE, resamples=300, seed=5)
    assert first == again
    assert first != other
    for name, figure in first.overall.items():
        low, high = _interval(figure)
        assert figure.value == SCORES[name]
        assert low < figure.value < high


def test_the_interval_of_a_mean_is_as_wide_as_statistics_says() -> None:
    low, high = _interval(score(PREDICTED, TRUE, resamples=4000).overall["cosine"])
    standard_error = cosine(T, P).std() / math.sqrt(len(TRUE))
    assert high - low == pytest.approx(2 * 1.96 * standard_error, rel=0.1)


def test_each_resample_is_scored_as_a_data_set_of_its_own() -> None:
    # One resample, taken literally: pictures repeated as often as they were drawn.
    counts = np.random.default_rng(7).multinomial(200, np.full(200, 1 / 200), size=1)[0]
    rows = np.repeat(np.arange(200), counts)
    literal = score(PREDICTED[rows], TRUE[rows])
    single = score(PREDICTED, TRUE, resamples=1, seed=7)
    for name in METRICS:
        assert single.overall[name].low == pytest.approx(literal[name]), name
    for emotion in EMOTIONS:
        for name in PER_EMOTION:
            expected = literal.per_emotion[emotion][name].value
            assert single.per_emotion[emotion][name].low == pytest.approx(expected)


def test_scores_print_and_become_json() -> None:
    scores = score(PREDICTED, TRUE, resamples=50)
    text = str(scores)
    assert len(text.splitlines()) == len(METRICS)
    assert f"Top-1 {scores['top1']:15.4f}  [" in text
    data = scores.to_json()
    assert list(data["metrics"]) == list(METRICS)
    assert data["metrics"]["kl"]["value"] == round(scores["kl"], 5)
    assert set(data["per_emotion"]["fear"]) == {"support", *PER_EMOTION}
    assert SCORES.to_json()["metrics"]["kl"]["low"] is None


def test_only_the_same_pictures_can_be_compared() -> None:
    with pytest.raises(ValueError, match="same pictures"):
        score(PREDICTED[:10], TRUE)
    with pytest.raises(ValueError, match="same pictures"):
        score(PREDICTED[:0], TRUE[:0])


@pytest.mark.parametrize(
    ("shares", "valence", "match"),
    [
        ([[0.5, 0.5, 0, 0, 0, 0]], [5], r"must be \[N, 7\]"),
        ([[1, 0, 0, 0, 0, 0, 0]], [5, 5], "one value per row"),
        ([[math.nan, 1, 0, 0, 0, 0, 0]], [5], "finite"),
        ([[-0.5, 1.5, 0, 0, 0, 0, 0]], [5], "not negative"),
        ([[0, 0, 0, 0, 0, 0, 1]], [5], "no share at all"),
    ],
)
def test_ratings_that_cannot_be(
    shares: list[list[float]], valence: list[float], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        Ratings.of(shares, valence, [5])
