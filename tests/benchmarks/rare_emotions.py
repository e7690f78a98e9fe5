"""Heads that heed rare emotions, and what it costs: ``python -m tests.benchmarks.rare_emotions``.

::

    python -m tests.benchmarks.rare_emotions --data DIR --pretrained FILE

Five folds, one upright view, the same features and L2 for every way:

- balanced: pictures weigh by the effective number of their dominant emotion's (Cui, Jia, Lin, Song,
  Belongie: Class-Balanced Loss, CVPR 2019);
- adjusted: the logarithm of each label's mean share, times tau, is added to the logits while the
  heads learn (Menon et al.: Long-Tail Learning via Logit Adjustment, ICLR 2021);
- divided: the six shares of the answer are divided by the mean share to the power of tau.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from moodlens.emotions import EMOTIONS
from training.data.ratings import Floats, Ratings
from training.data.split import FOLD_NAMES, load_split
from training.judging.metrics import Scores, score
from training.learning.backbones import pretrained_network
from training.learning.config import Config
from training.learning.features import frozen_features
from training.learning.linear_fit import Design, LinearFits
from training.learning.losses import emotion_loss
from training.options import add_recipe_options, config_from, data_from, engine_from

Way = Callable[[Tensor, Tensor, Ratings, Config], Floats]
"""Features [2, N, F] to learn from and [M, F] to judge, ratings of the N -> shares [M, 7]."""

_SIX = len(EMOTIONS)
_SHOWN = ("kl", "pearson", "top1", "macro_f1")
_RARE = ("anger", "surprise")


def balanced(
    features: Tensor, judged: Tensor, ratings: Ratings, config: Config, *, beta: float
) -> Floats:
    """Pictures of rare dominant emotions weigh more."""
    counts = np.bincount(ratings.dominant, minlength=_SIX).clip(1)
    weights = ((1 - beta) / (1 - beta**counts))[ratings.dominant]
    return _answers(features, judged, ratings, config, weights=weights / weights.mean())


def adjusted(
    features: Tensor, judged: Tensor, ratings: Ratings, config: Config, *, tau: float
) -> Floats:
    """What is rare has to be said louder while the heads learn."""
    shift = tau * torch.from_numpy(np.log(ratings.shares.mean(axis=0)))
    return _answers(features, judged, ratings, config, shift=shift)


def divided(
    features: Tensor, judged: Tensor, ratings: Ratings, config: Config, *, tau: float
) -> Floats:
    """What is rare is said louder when the heads have learned."""
    shares = _answers(features, judged, ratings, config)
    six = shares[:, :_SIX] / ratings.shares.mean(axis=0)[:_SIX] ** tau
    six *= (1 - shares[:, _SIX:]) / six.sum(axis=1, keepdims=True)
    return np.concatenate([six, shares[:, _SIX:]], axis=1)


def _answers(
    features: Tensor,
    judged: Tensor,
    ratings: Ratings,
    config: Config,
    *,
    weights: Floats | None = None,
    shift: Tensor | None = None,
) -> Floats:
    views = len(features)
    added = torch.zeros(_SIX + 1).double() if shift is None else shift
    weights = np.ones(len(ratings)) if weights is None else weights
    shares = torch.from_numpy(np.tile(ratings.shares, (views, 1)))
    design = Design.of(
        features.flatten(0, 1),
        shares,
        shares.new_zeros(len(shares), 2),
        torch.from_numpy(np.tile(weights, views)),
    )
    everything = [torch.arange(len(shares))]

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        return emotion_loss(logits + added, target, config.labels, config.loss)

    ((weight, bias),) = LinearFits(design, everything).emotions(config.heads.l2[-1:], loss)[0]
    found: Floats = (judged.double() @ weight.T + bias).softmax(dim=1).numpy()
    return found


WAYS: dict[str, Way] = {
    "as it is": _answers,
    **{f"balanced, beta {beta}": partial(balanced, beta=beta) for beta in (0.99, 0.999)},
    **{f"adjusted, tau {tau}": partial(adjusted, tau=tau) for tau in (0.1, 0.2, 0.5)},
    **{f"divided, tau {tau}": partial(divided, tau=tau) for tau in (0.1, 0.2, 0.5)},
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rare_emotions")
    add_recipe_options(parser)
    args = parser.parse_args()
    config = config_from(args)
    engine = engine_from(args, config)
    dataset = data_from(args)
    features = frozen_features(pretrained_network(config), dataset, args.cache, engine=engine)
    columns = [*_SHOWN, *(f"recall of {name}" for name in _RARE)]
    print(f"| {len(dataset)} pictures, L2 {config.heads.l2[-1]} | {' | '.join(columns)} |")
    print("|---" * (1 + len(columns)) + "|")
    for name, way in WAYS.items():
        shares = np.empty_like(dataset.ratings.shares)
        for fold in FOLD_NAMES:
            inside = load_split(fold, dataset).indices
            outside = load_split(f"without_{fold}", dataset).indices
            learned = features[:, outside]
            shares[inside] = way(learned, features[0, inside], dataset.ratings[outside], config)
        true = dataset.ratings
        print(f"| {name} | {_cells(score(Ratings.of(shares, true.valence, true.arousal), true))} |")


def _cells(scores: Scores) -> str:
    figures = [f"{scores[name]:.3f}" for name in _SHOWN]
    recalls = [f"{scores.per_emotion[name]['recall'].value:.0%}" for name in _RARE]
    return " | ".join([*figures, *recalls])


if __name__ == "__main__":
    main()
