import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from training.data.ratings import Ratings
from training.judging.metrics import score
from training.learning.config import load_config
from training.learning.heads import choose_heads, fit_heads

RNG = np.random.default_rng(0)


def make(pictures: int = 120, width: int = 12) -> tuple[torch.Tensor, Ratings]:
    x = RNG.normal(size=(pictures, width))
    truth = RNG.normal(size=(width, 9))
    logits = x @ truth
    shares = np.exp(logits[:, :7]) / np.exp(logits[:, :7]).sum(1, keepdims=True)
    affect = 5 + np.tanh(logits[:, 7:] / 4) * 3
    noisy = np.stack([x, x + RNG.normal(size=x.shape) * 0.05])
    features = torch.from_numpy(noisy).float()
    return features, Ratings.of(shares, affect[:, 0], affect[:, 1])


def test_the_convex_fit_is_the_minimum() -> None:
    """One-hot targets make it a multinomial logistic regression, which scikit-learn knows."""
    features, ratings = make()
    classes = ratings.shares.argmax(axis=1)
    one_hot = Ratings.of(np.eye(7)[classes] * 0.999999 + 1e-7, ratings.valence, ratings.arousal)
    config = load_config(overrides={"heads.flips": False})
    heads = fit_heads(features, one_hot, config, l2=0.1, affect_l2=1.0)

    x = features[0].double().numpy()
    x = (x - x.mean(0)) / x.std(0, ddof=1)
    model = LogisticRegression(C=1 / (0.1 * len(x)), tol=1e-9, max_iter=5000).fit(x, classes)
    expected = np.zeros((len(x), 7))
    expected[:, model.classes_] = model.predict_proba(x)

    np.testing.assert_allclose(heads.predict(features[0]).shares, expected, atol=2e-3)


def test_more_l2_means_flatter_shares() -> None:
    features, ratings = make()
    config = load_config()
    spread = [
        fit_heads(features, ratings, config, l2, 1.0).predict(features[0]).shares.std()
        for l2 in (0.001, 0.1, 10.0)
    ]
    assert spread == sorted(spread, reverse=True)


def test_the_chosen_l2_is_the_best_out_of_fold() -> None:
    features, ratings = make()
    candidates = [0.001, 0.1, 10.0]
    kl = []
    for l2 in candidates:
        config = load_config(overrides={"heads.l2": [l2]})
        judged = choose_heads(features, ratings, config).out_of_fold
        assert judged is not None
        kl.append(score(judged, ratings)["kl"])
    chosen = choose_heads(features, ratings, load_config(overrides={"heads.l2": candidates}))

    assert chosen.l2 == candidates[int(np.argmin(kl))]


def test_out_of_fold_is_worse_than_remembered() -> None:
    features, ratings = make(pictures=60, width=40)
    chosen = choose_heads(features, ratings, load_config(overrides={"heads.l2": [0.01]}))
    remembered = score(chosen.heads.predict(features[0]), ratings)["kl"]
    assert chosen.out_of_fold is not None
    assert score(chosen.out_of_fold, ratings)["kl"] > remembered


@pytest.mark.parametrize("method", ["convex", "adam"])
def test_the_same_seed_gives_the_same_weights(method: str) -> None:
    features, ratings = make()
    config = load_config(overrides={"heads.method": method, "heads.epochs": 2})
    a, b = (fit_heads(features, ratings, config, 0.1, 1.0) for _ in range(2))
    assert torch.equal(a.weight, b.weight)


def test_nothing_is_judged_where_nothing_is_chosen_and_more_is_learned() -> None:
    features, ratings = make()
    settings = {"heads.l2": [0.3], "heads.affect_l2": [1.0]}

    more = load_config(overrides={**settings, "finetune.epochs": 1})

    learning_on = choose_heads(features, ratings, more)
    ending = choose_heads(features, ratings, load_config(overrides=settings))

    assert learning_on.out_of_fold is None
    assert ending.out_of_fold is not None
    torch.testing.assert_close(learning_on.heads.weight, ending.heads.weight, rtol=0, atol=1e-6)
