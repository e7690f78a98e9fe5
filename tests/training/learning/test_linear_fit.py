"""The convex fits end at the minimum, by whatever way they share to get there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from training.learning.config import load_config
from training.learning.linear_fit import Design, LinearFits
from training.learning.losses import emotion_loss

CONFIG = load_config()
VIEWS, WIDTH = 90, 24


def loss(logits: Tensor, shares: Tensor) -> Tensor:
    return emotion_loss(logits, shares, CONFIG.labels, CONFIG.loss)


@pytest.fixture(scope="module")
def design() -> Design:
    """Correlated features far from standard, uneven weights, some viewers not asked."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(VIEWS, 6)) @ rng.normal(size=(6, WIDTH)) * 3 + 5
    x += rng.normal(size=x.shape) * 0.3
    affect = rng.uniform(1, 9, (VIEWS, 2))
    affect[::3, 0] = np.nan
    affect[1::4, 1] = np.nan
    values = (x, rng.dirichlet(np.ones(7), VIEWS), affect, rng.uniform(0.2, 2, VIEWS))
    return Design.of(*map(torch.from_numpy, values))


@pytest.fixture(scope="module")
def parts() -> list[Tensor]:
    everything = torch.arange(VIEWS)
    return [everything[everything % 5 != fold] for fold in range(5)] + [everything]


def standardised(design: Design, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    x = (design.z * design.spread + design.mean)[rows]
    mean, spread = x.mean(dim=0), x.std(dim=0) + 1e-6
    return (x - mean) / spread, mean, spread


@pytest.mark.parametrize("l2", [0.05, 0.3, 2.0])
def test_nothing_pulls_at_the_emotion_heads(design: Design, parts: list[Tensor], l2: float) -> None:
    """The slope of the objective, by autograd on each part's own standardised features."""
    strengths = [0.3, 2.0, 0.05]
    heads = LinearFits(design, parts).emotions(strengths, loss)[strengths.index(l2)]
    for rows, (weight, bias) in zip(parts, heads, strict=True):
        x, mean, spread = standardised(design, rows)
        w = (weight * spread).requires_grad_()
        b = (bias + weight @ mean).requires_grad_()
        mean_loss = (loss(x @ w.T + b, design.shares[rows]) * design.weights[rows]).mean()
        (mean_loss + 0.5 * l2 * w.square().sum()).backward()
        assert w.grad is not None
        assert b.grad is not None
        # The objective curves by l2 at least: so far is the minimum at most.
        assert w.grad.norm() / l2 < 1e-4
        assert b.grad.norm() < 1e-5


@pytest.mark.parametrize("l2", [0.3, 3.0])
def test_the_affect_heads_are_the_ridge_of_those_who_were_asked(
    design: Design, parts: list[Tensor], l2: float
) -> None:
    strengths = [0.3, 3.0]
    heads = LinearFits(design, parts).affect(strengths)[strengths.index(l2)]
    for rows, (weight, bias) in zip(parts, heads, strict=True):
        x, mean, spread = standardised(design, rows)
        for scale in (0, 1):
            asked = ~design.affect[rows, scale].isnan()
            own, target = x[asked], design.affect[rows, scale][asked]
            by = design.weights[rows][asked, None]
            centred = (target - target.mean()) / (target.std() + 1e-6)
            gram = own.T @ (own * by) / len(own) + l2 * torch.eye(WIDTH, dtype=torch.float64)
            expected = torch.linalg.solve(gram, (own * by).T @ centred / len(own))
            expected = expected * (target.std() + 1e-6) / spread
            torch.testing.assert_close(weight[scale], expected, rtol=0, atol=1e-5)
            torch.testing.assert_close(
                bias[scale], target.mean() - expected @ mean, rtol=0, atol=1e-4
            )


def test_a_scale_that_nobody_was_asked_about_is_its_middle(design: Design) -> None:
    nobody = torch.full_like(design.affect, torch.nan)
    silent = Design(design.z, design.mean, design.spread, design.shares, nobody, design.weights)
    ((weight, bias),) = LinearFits(silent, [torch.arange(VIEWS)]).affect([1.0])[0]
    assert not weight.any()
    assert bias.tolist() == [5, 5]
