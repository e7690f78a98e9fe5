"""The two convex fits behind the heads, for many subsets of the pictures and many L2 at once.

All of them share the features, standardised once, and what is costly about these: their Gram
matrix, of which a fold's is the whole less its own part, and one Cholesky factor for each L2, which
turns the features so that the emotion head's loss curves about the same in every direction. Then
L-BFGS needs a dozen steps instead of hundreds, and from the minimum of a larger L2 even fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from moodlens.emotions import LABELS, SCALE_RANGE

_CLASSES = len(LABELS)
_CURVATURE = 1 / _CLASSES  # about p(1 - p) of an undecided softmax
_MOST_STEPS = 200
_FLAT = 1e-7

Head = tuple[Tensor, Tensor]
"""Weight [K, F] and bias [K] on features as they are."""

Rows = Tensor
"""[n] which views a fit learns from."""

EmotionLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits [n, 7] and target shares [n, 7] -> loss [n]."""


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Views, and what they should be said to be; all in double precision.

    Attributes:
        z: [M, F] features, standardised over all views.
        mean: [F] of the features as they are.
        spread: [F] of the same.
        shares: [M, 7].
        affect: [M, 2]; NaN where nobody was asked.
        weights: [M].
    """

    z: Tensor
    mean: Tensor
    spread: Tensor
    shares: Tensor
    affect: Tensor
    weights: Tensor

    @classmethod
    def of(cls, x: Tensor, shares: Tensor, affect: Tensor, weights: Tensor) -> Design:
        """Standardise features [M, F]."""
        z = x.double()
        mean, spread = z.mean(dim=0), z.std(dim=0) + 1e-6
        return cls((z - mean).div_(spread), mean, spread, shares, affect, weights)

    def for_raw_features(self, weight: Tensor, bias: Tensor) -> Head:
        """The weight and bias that say of features what these say of ``z``."""
        weight = weight / self.spread
        return weight, bias - weight @ self.mean


def fit_emotions(
    design: Design,
    parts: Sequence[Rows],
    strengths: Sequence[float],
    loss: EmotionLoss,
    done: Callable[[], object] = lambda: None,
) -> list[list[Head]]:
    """Emotion heads: the minimum of ``0.5 * l2 * ||W||^2 + mean loss``, for every L2 and part.

    W is that on features standardised over the part alone.

    Args:
        design: all views.
        parts: which of them each fit learns from.
        strengths: values of L2.
        loss: of each view.
        done: called after each fit.

    Returns:
        By strength, in the order given, then by part.
    """
    gram = design.z.T @ design.z / len(design.z)
    found: dict[float, list[Head]] = {}
    starts: list[Head | None] = [None] * len(parts)
    for l2 in sorted(set(strengths), reverse=True):
        factor = _factor(gram, _CURVATURE, l2)
        heads = []
        for number, rows in enumerate(parts):
            starts[number] = minimum = _minimise(design, rows, l2, loss, factor, starts[number])
            heads.append(design.for_raw_features(*minimum))
            done()
        found[l2] = heads
    return [found[l2] for l2 in strengths]


def fit_affect(
    design: Design,
    parts: Sequence[Rows],
    strengths: Sequence[float],
    done: Callable[[], object] = lambda: None,
) -> list[list[Head]]:
    """Affect heads: ridge regression on standardised features, each scale standardised too.

    A scale is learned from the views whose viewers were asked about it; without any, it is its
    middle everywhere.

    Returns:
        By strength, in the order given, then by part.
    """
    asked = ~design.affect.isnan()
    together = bool((asked[:, 0] == asked[:, 1]).all())
    masks = [asked[:, 0]] if together else [asked[:, 0], asked[:, 1]]
    columns = [[0, 1]] if together else [[0], [1]]
    grams = [_weighted_gram(design, mask.nonzero().squeeze(1)) for mask in masks]
    by_part: list[list[Head]] = []
    for rows in parts:
        pieces = [
            _ridge_path(design, rows, mask, gram, which, strengths)
            for mask, gram, which in zip(masks, grams, columns, strict=True)
        ]
        joined = [
            (torch.cat([w for w, _ in some]), torch.cat([b for _, b in some]))
            for some in zip(*pieces, strict=True)
        ]
        by_part.append([design.for_raw_features(*head) for head in joined])
        done()
    return [[heads[i] for heads in by_part] for i in range(len(strengths))]


def _minimise(
    design: Design,
    rows: Rows,
    l2: float,
    loss: EmotionLoss,
    factor: Tensor,
    start: Head | None,
) -> Head:
    """L-BFGS in double precision, in turned coordinates: the same minimum from every start."""
    z, target, weights = design.z[rows], design.shares[rows], design.weights[rows]
    own_spread = z.std(dim=0) + 1e-6 / design.spread
    weight, bias = start or (z.new_zeros(_CLASSES, z.shape[1]), z.new_zeros(_CLASSES))
    turned, shifted = (weight @ factor).contiguous(), bias * _CURVATURE**0.5
    optimizer = torch.optim.LBFGS(
        [turned, shifted],
        max_iter=_MOST_STEPS,
        max_eval=2 * _MOST_STEPS,
        tolerance_grad=_FLAT,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def head() -> Head:
        back = torch.linalg.solve_triangular(factor, turned, upper=False, left=False)
        return back, shifted / _CURVATURE**0.5

    def closure() -> float:
        weight, bias = head()
        logits = (z @ weight.T + bias).requires_grad_()
        with torch.enable_grad():
            mean_loss = (loss(logits, target) * weights).mean()
            (slope,) = torch.autograd.grad(mean_loss, logits)
        scaled = weight * own_spread
        gradient = slope.T @ z + l2 * scaled * own_spread
        turned.grad = torch.linalg.solve_triangular(
            factor.T, gradient, upper=True, left=False
        ).contiguous()
        shifted.grad = slope.sum(dim=0) / _CURVATURE**0.5
        return float(mean_loss.detach() + 0.5 * l2 * scaled.square().sum())

    with torch.no_grad():
        optimizer.step(closure)
        return head()


def _factor(gram: Tensor, scale: float, l2: float) -> Tensor:
    """Lower Cholesky factor of ``scale * gram + l2``."""
    matrix = scale * gram
    matrix.diagonal().add_(l2)
    factor: Tensor = torch.linalg.cholesky(matrix)
    return factor


def _weighted_gram(design: Design, rows: Rows) -> Tensor:
    """[F, F] sum over some views of their weighted outer products."""
    z = design.z[rows]
    return z.T @ (z * design.weights[rows, None])


def _ridge_path(
    design: Design,
    rows: Rows,
    asked: Tensor,
    gram: Tensor,
    columns: list[int],
    strengths: Sequence[float],
) -> list[Head]:
    """Some scales of some views, for every L2, from the Gram matrix of all views."""
    chosen = torch.zeros(len(design.z), dtype=torch.bool)
    chosen[rows] = True
    own = design.z[rows]
    centre, spread = own.mean(dim=0), own.std(dim=0) + 1e-6 / design.spread
    inside = (chosen & asked).nonzero().squeeze(1)
    if not len(inside):
        middle = own.new_full((len(columns),), sum(SCALE_RANGE) / 2)
        return [(own.new_zeros(len(columns), own.shape[1]), middle) for _ in strengths]
    outside = (~chosen & asked).nonzero().squeeze(1)
    if len(outside) < len(inside):
        gram = gram - _weighted_gram(design, outside)
    else:
        gram = _weighted_gram(design, inside)
    z, weights = design.z[inside], design.weights[inside]
    target = design.affect[inside][:, columns]
    mean, scale = target.mean(dim=0), target.std(dim=0) + 1e-6
    sums = weights @ z
    centred = gram - torch.outer(sums, centre) - torch.outer(centre, sums)
    centred += weights.sum() * torch.outer(centre, centre)
    centred /= torch.outer(spread, spread) * len(inside)
    aim = (target - mean) / scale * weights[:, None]
    moments = (z.T @ aim - torch.outer(centre, aim.sum(dim=0))) / spread[:, None] / len(inside)
    heads = []
    for l2 in strengths:
        solution = torch.cholesky_solve(moments, _factor(centred, 1.0, l2))
        weight = (solution * scale).T / spread
        heads.append((weight, mean - weight @ centre))
    return heads
