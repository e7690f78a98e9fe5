"""The two convex fits behind the heads, for many subsets of the pictures and many L2 at once.

All subsets are one problem, so that every step of L-BFGS reads the features once for all of them,
first in single precision and near the minimum in double. They share the features, standardised
once, and coordinates in which the loss curves about alike in every direction; from the minimum of a
larger L2 it is not far to that of a smaller one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from moodlens.emotions import SCALE_RANGE
from training.learning.curvature import Coordinates, Directions

_MOST_STEPS = 200
_REMEMBERED = 20
_FLAT = 1e-6
_STILL = 1e-14
_NEARLY_FLAT = 1e-4
"""Slopes that single precision still tells apart."""

Head = tuple[Tensor, Tensor]
"""Weight [K, F] and bias [K] on features as they are."""

Rows = Tensor
"""[n] which views a fit learns from."""

EmotionLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits [n, 7] and target shares [n, 7] -> loss [n]."""

Objective = Callable[[Tensor], tuple[float, Tensor]]
"""Outputs [M, P, K] -> the sum of all parts' losses, and its slope [M, P, K]."""


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


class LinearFits:
    """Fits to several parts of the same views.

    Args:
        design: all M views.
        parts: which of them each of the P fits learns from.
    """

    def __init__(self, design: Design, parts: Sequence[Rows]) -> None:
        self._design, self._parts = design, parts
        self._directions = Directions.of(design.z)
        self._single = design.z.float()
        self._centres = torch.stack([design.z[rows].mean(dim=0) for rows in parts])
        self._spreads = torch.stack(
            [design.z[rows].std(dim=0) + 1e-6 / design.spread for rows in parts]
        )

    def emotions(
        self,
        strengths: Sequence[float],
        loss: EmotionLoss,
        done: Callable[[], object] = lambda: None,
    ) -> list[list[Head]]:
        """Heads with the least ``0.5 * l2 * ||W||^2 + mean loss``, for every L2 and part.

        W is that on features standardised over the part alone.

        Args:
            strengths: values of L2.
            loss: of each view.
            done: called after each L2.

        Returns:
            By strength, in the order given, then by part.
        """
        design, count = self._design, len(self._parts)
        targets = design.shares.repeat_interleave(count, dim=0)
        weights = self._weights(design.weights).flatten()

        def objective(logits: Tensor) -> tuple[float, Tensor]:
            logits.requires_grad_()
            with torch.enable_grad():
                total = (loss(logits.flatten(0, 1), targets) * weights).sum()
                (slope,) = torch.autograd.grad(total, logits)
            return float(total.detach()), slope

        usual = design.shares.mean(dim=0)
        curvature = usual.diag() - usual.outer(usual)
        return self._along_path(strengths, objective, curvature, with_bias=True, done=done)

    def affect(
        self, strengths: Sequence[float], done: Callable[[], object] = lambda: None
    ) -> list[list[Head]]:
        """Ridge regression on standardised features, each scale standardised too.

        A scale is learned from the views whose viewers were asked about it; without any, it is its
        middle everywhere.

        Returns:
            By strength, in the order given, then by part.
        """
        targets, means, scales, weights = map(
            torch.stack, zip(*map(self._asked, self._parts), strict=True)
        )
        targets, weights = targets.transpose(0, 1), weights.transpose(0, 1)

        def objective(outputs: Tensor) -> tuple[float, Tensor]:
            off = outputs - targets
            slope = weights * off
            return 0.5 * float((slope * off).sum()), slope

        curvature = torch.eye(targets.shape[2], dtype=targets.dtype)
        paths = self._along_path(strengths, objective, curvature, with_bias=False, done=done)
        return [
            [
                (weight * scale[:, None], bias * scale + mean)
                for (weight, bias), mean, scale in zip(heads, means, scales, strict=True)
            ]
            for heads in paths
        ]

    def _weights(self, of_view: Tensor) -> Tensor:
        """[M, P] of a view in the mean over a part; 0 where it does not belong to it."""
        weights = of_view.new_zeros(len(of_view), len(self._parts))
        for number, rows in enumerate(self._parts):
            weights[rows, number] = of_view[rows] / len(rows)
        return weights

    def _asked(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A part's standardised targets [M, 2], their mean and scale [2], and weights [M, 2]."""
        affect, weights = self._design.affect, self._design.weights
        chosen = torch.zeros(len(affect), 1, dtype=torch.bool)
        chosen[rows] = True
        inside = chosen & ~affect.isnan()
        count = inside.sum(dim=0).clamp_min(1)
        known = affect.nan_to_num().where(inside, 0)
        mean = known.sum(dim=0) / count
        off = (known - mean).where(inside, 0)
        scale = (off.square().sum(dim=0) / (count - 1).clamp_min(1)).sqrt() + 1e-6
        mean = torch.where(inside.any(dim=0), mean, sum(SCALE_RANGE) / 2)
        return off / scale, mean, scale, weights[:, None].where(inside, 0) / count

    def _along_path(
        self,
        strengths: Sequence[float],
        objective: Objective,
        curvature: Tensor,
        *,
        with_bias: bool,
        done: Callable[[], object],
    ) -> list[list[Head]]:
        """The minima for every L2, from the largest to the smallest, then by part."""
        size = (len(self._parts), len(curvature))
        weight = self._design.z.new_zeros(*size, self._design.z.shape[1])
        bias = self._design.z.new_zeros(size)
        found: dict[float, list[Head]] = {}
        for l2 in sorted(set(strengths), reverse=True):
            coordinates = Coordinates.of(self._directions, curvature, l2)
            weight, bias = self._minimise(objective, l2, coordinates, weight, bias, with_bias)
            centred = bias - (weight @ self._centres[:, :, None]).squeeze(2)
            heads = zip(weight, centred, strict=True)
            found[l2] = [self._design.for_raw_features(*head) for head in heads]
            done()
        return [found[l2] for l2 in strengths]

    @torch.no_grad()
    def _minimise(
        self,
        objective: Objective,
        l2: float,
        coordinates: Coordinates,
        weight: Tensor,
        bias: Tensor,
        with_bias: bool,
    ) -> Head:
        """The minimum, whatever the start: weights [P, K, F] and biases [P, K] of centred views."""
        turned = coordinates.turned(weight).contiguous()
        turned_bias = coordinates.turned_bias(bias).contiguous()
        optimizer = torch.optim.LBFGS(
            [turned, turned_bias],
            max_iter=_MOST_STEPS,
            max_eval=2 * _MOST_STEPS,
            tolerance_grad=_FLAT,
            tolerance_change=_STILL,
            history_size=_REMEMBERED,
            line_search_fn="strong_wolfe",
        )
        z = self._single

        def closure() -> float:
            nonlocal z
            weight, bias = coordinates.weight(turned), coordinates.bias(turned_bias)
            shift = bias - (weight @ self._centres[:, :, None]).squeeze(2)
            outputs = (z @ weight.flatten(0, 1).T.to(z)).double().unflatten(1, bias.shape)
            loss, slope = objective(outputs + shift)
            scaled = weight * self._spreads[:, None]
            sums = slope.sum(dim=0)
            gradient = (slope.flatten(1).T.to(z) @ z).double().unflatten(0, bias.shape)
            gradient -= sums[:, :, None] * self._centres[:, None]
            gradient += l2 * scaled * self._spreads[:, None]
            turned.grad = coordinates.slope(gradient).contiguous()
            turned_bias.grad = coordinates.bias_slope(sums).contiguous() * with_bias
            if z is self._single and turned.grad.abs().max() < _NEARLY_FLAT:
                z = self._design.z
                return closure()
            return loss + 0.5 * l2 * float(scaled.square().sum())

        optimizer.step(closure)
        return coordinates.weight(turned), coordinates.bias(turned_bias)
