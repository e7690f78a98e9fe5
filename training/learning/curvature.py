"""Coordinates in which the loss of linear heads curves about alike in every direction.

With features z and an L2, the loss curves by about ``C x G + l2``, where G is the Gram matrix of z
and C says how outputs curve together. Of G the largest directions are found by randomised subspace
iteration (Halko, Martinsson, Tropp: Finding structure with randomness, SIAM Review 2011), and all
others are taken to be alike. It need not be exact: it decides how many steps a fit takes, not where
it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_MOST_DIRECTIONS = 256
_ITERATIONS = 2
_LEAST_CURVATURE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """The directions in which features differ most.

    Attributes:
        basis: [F, D], orthonormal.
        variances: [D] along them.
        rest: in each direction beside them, on average.
    """

    basis: Tensor
    variances: Tensor
    rest: Tensor

    @classmethod
    def of(cls, z: Tensor) -> Directions:
        """Of centred features [M, F]; the same for the same features."""
        count = min(_MOST_DIRECTIONS, *z.shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            _, singular, basis = torch.svd_lowrank(z.float(), q=count, niter=_ITERATIONS)
        variances = singular.to(z).square() / len(z)
        rest = (z.square().sum() / len(z) - variances.sum()).clamp_min(0)
        return cls(basis.to(z), variances, rest / max(1, z.shape[1] - count))


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Turned and stretched weights: ``weight = stretched(turned)``, and back.

    Attributes:
        outputs: [K, K], orthonormal: which outputs curve together.
        basis: [F, D] of :class:`Directions`.
        along: [K, D] how much a weight along them is stretched.
        beside: [K, 1] how much any other is.
        biases: [K] how much a bias is.
    """

    outputs: Tensor
    basis: Tensor
    along: Tensor
    beside: Tensor
    biases: Tensor

    @classmethod
    def of(cls, directions: Directions, curvature: Tensor, l2: float) -> Coordinates:
        """For one L2.

        Args:
            directions: of the features.
            curvature: [K, K], symmetric, none of its eigenvalues below 0 but for rounding.
            l2: the penalty, above 0.
        """
        values, outputs = torch.linalg.eigh(curvature)
        values = values.clamp_min(0)[:, None]
        return cls(
            outputs,
            directions.basis,
            (values * directions.variances + l2).rsqrt(),
            (values * directions.rest + l2).rsqrt(),
            (values[:, 0] + _LEAST_CURVATURE).rsqrt(),
        )

    def bias(self, turned: Tensor) -> Tensor:
        """[..., K] as they are, of turned ones."""
        return (turned * self.biases) @ self.outputs.T

    def turned_bias(self, bias: Tensor) -> Tensor:
        """The way back."""
        return bias @ self.outputs / self.biases

    def bias_slope(self, slope: Tensor) -> Tensor:
        """[..., K] along turned biases, of the slope along biases as they are."""
        return slope @ self.outputs * self.biases

    def weight(self, turned: Tensor) -> Tensor:
        """[..., K, F] as they are, of turned ones."""
        return self.outputs @ self._stretched(turned, self.along, self.beside)

    def turned(self, weight: Tensor) -> Tensor:
        """The way back."""
        return self._stretched(self.outputs.T @ weight, 1 / self.along, 1 / self.beside)

    def slope(self, slope: Tensor) -> Tensor:
        """[..., K, F] along turned weights, of the slope along weights as they are."""
        return self._stretched(self.outputs.T @ slope, self.along, self.beside)

    def _stretched(self, values: Tensor, along: Tensor, beside: Tensor) -> Tensor:
        inside = values @ self.basis
        return values * beside + (inside * (along - beside)) @ self.basis.T
