import numpy as np
import pytest
from scipy import optimize, special

from training.data.ratings import Ratings
from training.judging.baselines import (
    PANEL_SIZES,
    REFERENCE,
    class_prior,
    human_ceiling,
    panel_ratings,
    uniform,
)
from training.judging.metrics import METRICS, kl_divergence, score


@pytest.fixture(scope="module")
def true() -> Ratings:
    rng = np.random.default_rng(0)
    votes = rng.multinomial(30, rng.dirichlet(np.full(7, 0.5), 300))
    votes[:, 3] += 1
    return Ratings.of(votes, rng.uniform(1, 9, 300), rng.uniform(1, 9, 300))


def test_uniform_knows_nothing(true: Ratings) -> None:
    guess = uniform(len(true))
    assert guess.distribution == pytest.approx(np.full((300, 6), 1 / 6))
    assert guess.valence.tolist() == [5] * 300
    # KL to the uniform distribution is ln 6 less the entropy.
    expected = np.log(6) - special.entr(true.distribution).sum(axis=1).mean()
    assert score(guess, true)["kl"] == pytest.approx(expected)


def test_class_prior_is_the_best_constant(true: Ratings) -> None:
    guess = class_prior(true, len(true))
    assert guess.shares.sum(axis=1) == pytest.approx(1)
    assert guess.neutral[0] == pytest.approx(true.neutral.mean())
    assert guess.distribution[0] == pytest.approx(true.distribution.mean(axis=0))
    best = optimize.minimize(
        lambda x: kl_divergence(true.distribution, special.softmax(x)[None]).mean(), np.zeros(6)
    )
    assert score(guess, true)["kl"] == pytest.approx(best.fun, abs=1e-5)


def test_class_prior_of_other_pictures(true: Ratings) -> None:
    guess = class_prior(true[:200], 100)
    assert len(guess) == 100
    assert guess.valence[0] == pytest.approx(true.valence[:200].mean())


def test_the_reference_is_told_in_our_metrics() -> None:
    assert REFERENCE.keys() <= METRICS.keys()
    # reference_kl = (KL weighted by non-neutral mass) * mean mass - 0.163, mean mass about 0.8.
    assert (REFERENCE["reference_kl"] + 0.163) / 0.805 == pytest.approx(REFERENCE["kl"], abs=0.002)


def test_a_panel_says_what_it_votes(true: Ratings) -> None:
    panel = panel_ratings(np.array([[3.0, 0, 0, 6, 0, 0, 6]]), true[:1])
    assert panel.shares[0] == pytest.approx([0.2, 0, 0, 0.4, 0, 0, 0.4])
    smoothed = panel_ratings(np.array([[3.0, 0, 0, 6, 0, 0, 6]]), true[:1], smoothing=0.5)
    assert smoothed.distribution[0] == pytest.approx(np.array([3.5, 0.5, 0.5, 6.5, 0.5, 0.5]) / 12)
    assert smoothed.neutral[0] == pytest.approx(0.4)


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_a_panel_that_feels_nothing_is_uniform(true: Ratings, smoothing: float) -> None:
    panel = panel_ratings(np.array([[0.0] * 6 + [15]]), true[:1], smoothing=smoothing)
    assert panel.distribution[0] == pytest.approx([1 / 6] * 6)
    assert panel.neutral[0] == pytest.approx(1)
    assert all(np.isfinite(score(panel, true[:1])[name]) for name in METRICS)


def test_human_ceiling_orders_as_it_must(true: Ratings) -> None:
    small, large = (human_ceiling(true, voters, draws=10) for voters in PANEL_SIZES)
    for name in ("top1", "pearson", "cosine"):
        # More voters agree better, and with the truth better than with each other.
        assert large["against_truth"][name].value > small["against_truth"][name].value
        assert small["against_truth"][name].value > small["against_panel"][name].value
    assert large["against_truth"]["kl"].value < small["against_truth"]["kl"].value
    assert small["against_truth"]["kl"].value < small["against_panel"]["kl"].value


def test_human_ceiling_is_seeded_and_says_nothing_on_scales(true: Ratings) -> None:
    first = human_ceiling(true, 15, draws=5, seed=1)
    assert first == human_ceiling(true, 15, draws=5, seed=1)
    assert first != human_ceiling(true, 15, draws=5, seed=2)
    for figures in first.values():
        assert not [name for name in figures if name.startswith(("valence", "arousal"))]
        for figure in figures.values():
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low <= figure.value <= figure.high


def test_many_voters_reach_the_truth(true: Ratings) -> None:
    ceiling = human_ceiling(true, 100_000, draws=1)["against_truth"]
    assert ceiling["kl"].value == pytest.approx(0, abs=0.001)
    assert ceiling["pearson"].value == pytest.approx(1, abs=0.001)


def test_unanimous_viewers_leave_no_doubt() -> None:
    shares = np.eye(7)[[i % 6 for i in range(60)]]
    true = Ratings.of(shares, np.full(60, 5.0), np.full(60, 5.0))
    ceiling = human_ceiling(true, 15, draws=2)
    for comparison in ("against_truth", "against_panel"):
        assert ceiling[comparison]["top1"].value == pytest.approx(1)
        # Half a vote on each of six, added to fifteen: KL is ln(18 / 15.5).
        assert ceiling[comparison]["kl"].value == pytest.approx(np.log(18 / 15.5))
