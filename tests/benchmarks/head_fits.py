"""The heads' convex fits against one fit at a time: ``python -m tests.benchmarks.head_fits``.

::

    python -m tests.benchmarks.head_fits [--width 3072] [--pictures 1584] [--cpu --threads 1]
    python -m tests.benchmarks.head_fits --data DIR --backbone resnet50 --pretrained FILE

The plain way takes every fold and every L2 by itself: it standardises the features, walks down from
zeros by L-BFGS, and solves a system for each scale; so this repository once did it. Heads are now
chosen by ``training.learning.linear_fit``, which shares between the fits what can be shared. Both
have the same objectives: those of the recipe's values of L2, in five folds and on everything.

Without ``--data`` the features are made up, and about as uneven as a network's: what they mean
matters little for the time, but how they are spread does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from tests.benchmarks.figures import Goal, Row, table
from training.data.ratings import Ratings
from training.data.split import make_folds
from training.learning.backbones import pretrained_network
from training.learning.config import Config
from training.learning.features import frozen_features
from training.learning.linear_fit import Design, LinearFits
from training.learning.losses import emotion_loss
from training.options import add_recipe_options, config_from, data_from, engine_from

_GOAL = Goal(0.2)
_LATENT = 400
_STEPS = 200


def main() -> None:
    """Print what both take, and how far apart their heads are."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.head_fits")
    add_recipe_options(parser)
    parser.add_argument("--width", type=int, default=3072, help="of made-up features")
    parser.add_argument("--pictures", type=int, default=1584, help="with made-up features")
    parser.add_argument(
        "--cpu", action="store_true", help="processor time, which a busy machine changes less"
    )
    args = parser.parse_args()
    config = config_from(args)
    engine = engine_from(args, config)
    if args.data:
        dataset = data_from(args)
        network = pretrained_network(config)
        features = frozen_features(network, dataset, args.cache, engine=engine)
        ratings = dataset.ratings
    else:
        features, ratings = made_up(args.pictures, args.width)
    clock = time.process_time if args.cpu else time.perf_counter
    row, apart = measure(Problem.of(features, ratings, config), clock)
    print(f"{len(ratings)} pictures, {features.shape[2]} features, {args.threads} threads\n")
    print(table([row]))
    print(f"\nNo weight of standardised features differs by more than {apart:.1e}.")


def made_up(count: int, width: int) -> tuple[Tensor, Ratings]:
    """Features [2, N, F] with variances that fall by a power, and ratings that hang on them."""
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(count, _LATENT)) / np.arange(1, _LATENT + 1) ** 0.6
    mirrored = latent + 0.1 * latent.std(axis=0) * rng.normal(size=latent.shape)
    mixing = rng.normal(size=(_LATENT, width))
    features = np.logaddexp(0, np.stack([latent, mirrored]) @ mixing)
    logits = latent[:, :20] @ rng.normal(size=(20, 7)) + rng.normal(size=(count, 7))
    shares = torch.from_numpy(logits).softmax(dim=1).numpy()
    affect = np.clip(5 + 2 * latent[:, :20] @ rng.normal(size=(20, 2)), 1, 9)
    return torch.from_numpy(features.astype(np.float32)), Ratings.of(shares, *affect.T)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What heads are to be fitted to.

    Attributes:
        x: [M, F] views.
        shares: [M, 7].
        affect: [M, 2].
        parts: the views that each fit learns from.
        config: values of L2, and the loss.
    """

    x: Tensor
    shares: Tensor
    affect: Tensor
    parts: Sequence[Tensor]
    config: Config

    @classmethod
    def of(cls, features: Tensor, ratings: Ratings, config: Config) -> Problem:
        """Five folds of features [2, N, F], and everything."""
        views = len(features)
        affect = np.column_stack([ratings.valence, ratings.arousal])
        fold_of = torch.from_numpy(make_folds(ratings.dominant)).repeat(views)
        return cls(
            features.flatten(0, 1).double(),
            torch.from_numpy(np.tile(ratings.shares, (views, 1))),
            torch.from_numpy(np.tile(affect, (views, 1))),
            [
                *((fold_of != fold).nonzero().squeeze(1) for fold in fold_of.unique()),
                torch.arange(len(fold_of)),
            ],
            config,
        )

    def loss(self, logits: Tensor, target: Tensor) -> Tensor:
        """[N] of the emotion heads."""
        return emotion_loss(logits, target, self.config.labels, self.config.loss)


def measure(problem: Problem, clock: Callable[[], float]) -> tuple[Row, float]:
    """Time both ways by a clock, one after the other.

    Returns:
        What both take, and the largest difference of any weight, for standardised features.
    """
    start = clock()
    shared = _share(problem)
    ours = clock() - start
    start = clock()
    single = _one_by_one(problem)
    plain = clock() - start
    spread = problem.x.std(dim=0)
    apart = max(float(((a - b) * spread).abs().max()) for a, b in zip(shared, single, strict=True))
    return Row(f"{len(single)} fits", "s", ours, plain, _GOAL), apart


def _share(problem: Problem) -> list[Tensor]:
    """The weights of all heads, by the way that is used."""
    heads = problem.config.heads
    design = Design.of(
        problem.x, problem.shares, problem.affect, torch.ones(len(problem.x)).double()
    )
    fits = LinearFits(design, problem.parts)
    emotions = fits.emotions(heads.l2, problem.loss)
    scales = fits.affect(heads.affect_l2)
    return [weight for path in (*emotions, *scales) for weight, _ in path]


def _one_by_one(problem: Problem) -> list[Tensor]:
    """The same in the same order, each by itself."""
    heads = problem.config.heads
    ways = [(_walk, l2) for l2 in heads.l2] + [(_solve, l2) for l2 in heads.affect_l2]
    fits = [(way, l2, rows) for way, l2 in ways for rows in problem.parts]
    found = []
    for way, l2, rows in tqdm(fits, desc="one at a time", unit="fit", leave=False):
        x = problem.x[rows]
        mean, spread = x.mean(dim=0), x.std(dim=0) + 1e-6
        found.append(way(problem, rows, (x - mean) / spread, l2) / spread)
    return found


def _walk(problem: Problem, rows: Tensor, z: Tensor, l2: float) -> Tensor:
    """[7, F] by L-BFGS from zeros."""
    weight = torch.zeros(7, z.shape[1], dtype=z.dtype, requires_grad=True)
    bias = torch.zeros(7, dtype=z.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=_STEPS, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
    )
    target = problem.shares[rows]

    def closure() -> float:
        optimizer.zero_grad()
        mean_loss = problem.loss(z @ weight.T + bias, target).mean()
        objective = mean_loss + 0.5 * l2 * weight.square().sum()
        objective.backward()
        return objective.item()

    optimizer.step(closure)
    return weight.detach()


def _solve(problem: Problem, rows: Tensor, z: Tensor, l2: float) -> Tensor:
    """[2, F] by a system for each scale."""
    weights = []
    for target in problem.affect[rows].T:
        mean, spread = target.mean(), target.std() + 1e-6
        gram = z.T @ z / len(z) + l2 * torch.eye(z.shape[1], dtype=z.dtype)
        weights.append(torch.linalg.solve(gram, z.T @ ((target - mean) / spread) / len(z)) * spread)
    return torch.stack(weights)


if __name__ == "__main__":
    main()
