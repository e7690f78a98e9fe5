"""Linear heads on frozen features: a convex fit, whose L2 cross-validation chooses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor

from moodlens.emotions import LABELS, SCALE_RANGE
from moodlens.model.network import EmotionNetwork
from training.data.ratings import Floats, Ratings
from training.data.source import Indices
from training.data.split import make_folds
from training.judging.metrics import score
from training.learning.config import Config
from training.learning.losses import emotion_loss

_CLASSES = len(LABELS)


@dataclass(frozen=True, slots=True, eq=False)
class LinearHeads:
    """Both heads as one linear map.

    Attributes:
        weight: [9, F]: seven logits, valence, arousal.
        bias: [9].
    """

    weight: Tensor
    bias: Tensor

    def predict(self, features: Tensor) -> Ratings:
        """Ratings of N pictures from [N, F], or from [V, N, F] with their outputs averaged."""
        output = features.double() @ self.weight.T + self.bias
        if output.ndim == 3:
            output = output.mean(dim=0)
        affect = output[:, _CLASSES:].clamp(*SCALE_RANGE)
        shares = output[:, :_CLASSES].softmax(dim=1).clamp_min(1e-12)
        return Ratings.of(shares.numpy(), affect[:, 0].numpy(), affect[:, 1].numpy())

    def write_into(self, network: EmotionNetwork) -> None:
        """Make them the network's own."""
        with torch.no_grad():
            network.emotion_head.weight.copy_(self.weight[:_CLASSES])
            network.emotion_head.bias.copy_(self.bias[:_CLASSES])
            network.affect_head.weight.copy_(self.weight[_CLASSES:])
            network.affect_head.bias.copy_(self.bias[_CLASSES:])


@dataclass(frozen=True, slots=True, eq=False)
class ChosenHeads:
    """Heads fitted on all pictures, and what cross-validation said on the way.

    Attributes:
        heads: fitted with the best L2.
        l2: the best for the emotion head.
        affect_l2: the best for the affect head.
        out_of_fold: ratings of every picture by heads that never saw it, from one upright view;
            None where there was nothing to choose and the network learns on from these heads.
    """

    heads: LinearHeads
    l2: float
    affect_l2: float
    out_of_fold: Ratings | None


def choose_heads(
    features: Tensor,
    ratings: Ratings,
    config: Config,
    *,
    weights: Floats | None = None,
    groups: Indices | None = None,
) -> ChosenHeads:
    """Fit heads with the L2 that does best in stratified five-fold cross-validation.

    The emotion head's is chosen by the KL of the renormalised six, the affect head's by the mean
    absolute error of both scales.

    Args:
        features: [2, N, F], upright and mirrored.
        ratings: targets of the N pictures.
        config: the candidates, and how to fit.
        weights: [N] how much each picture counts, 1 on average.
        groups: [N] pictures with the same number are in the same fold.
    """
    weights = np.ones(len(ratings)) if weights is None else weights
    fold_of = make_folds(ratings.dominant, groups=groups)
    candidates, scales = config.heads.l2, config.heads.affect_l2
    pairs = [
        (l2 or candidates[-1], affect_l2 or scales[-1])
        for l2, affect_l2 in zip_longest(candidates, scales)
    ]
    if len(pairs) == 1 and config.finetune.epochs:
        heads = fit_heads(features, ratings, config, *pairs[0], weights=weights)
        return ChosenHeads(heads, *pairs[0], out_of_fold=None)
    judged = [_out_of_fold(features, ratings, weights, fold_of, config, pair) for pair in pairs]
    scores = [score(predicted, ratings) for predicted in judged]
    best = min(range(len(candidates)), key=lambda i: scores[i]["kl"])
    calmest = min(
        range(len(scales)),
        key=lambda i: np.nansum([scores[i]["valence_mae"], scores[i]["arousal_mae"]]),
    )
    return ChosenHeads(
        heads=fit_heads(
            features, ratings, config, candidates[best], scales[calmest], weights=weights
        ),
        l2=candidates[best],
        affect_l2=scales[calmest],
        out_of_fold=Ratings(judged[best].shares, judged[calmest].valence, judged[calmest].arousal),
    )


def fit_heads(
    features: Tensor,
    ratings: Ratings,
    config: Config,
    l2: float,
    affect_l2: float,
    *,
    weights: Floats | None = None,
) -> LinearHeads:
    """Fit both heads.

    Args:
        features: [2, N, F], upright and mirrored.
        ratings: targets of the N pictures.
        config: method, labels, loss, and whether mirrored views are learned from.
        l2: factor of half the squared norm of the emotion head, on standardised features.
        affect_l2: the same for the affect head.
        weights: [N] how much each picture counts, 1 on average; by default all the same.
    """
    views = features if config.heads.flips else features[:1]
    x = views.flatten(0, 1).double()
    mean, spread = x.mean(dim=0), x.std(dim=0) + 1e-6
    standardised = (x - mean) / spread
    shares = torch.from_numpy(np.tile(ratings.shares, (len(views), 1)))
    affect = np.column_stack([ratings.valence, ratings.arousal])
    affect_targets = torch.from_numpy(np.tile(affect, (len(views), 1)))
    weight_of = torch.from_numpy(
        np.tile(np.ones(len(ratings)) if weights is None else weights, len(views))
    )
    affect_head = _for_raw_features(
        _fit_ridge(standardised, affect_targets, weight_of, affect_l2), mean, spread
    )
    if config.heads.method == "convex":
        emotion_head = _for_raw_features(
            _fit_convex(standardised, shares, weight_of, config, l2), mean, spread
        )
    else:
        emotion_head = _fit_adam(
            x, shares, weight_of, config
        )  # the reference takes features as they are
    weight, bias = (torch.cat(parts) for parts in zip(emotion_head, affect_head, strict=True))
    return LinearHeads(weight, bias)


def _for_raw_features(
    head: tuple[Tensor, Tensor], mean: Tensor, spread: Tensor
) -> tuple[Tensor, Tensor]:
    """The weight and bias that say of features what these say of standardised ones."""
    weight, bias = head
    weight = weight / spread
    return weight, bias - weight @ mean


def _out_of_fold(
    features: Tensor,
    ratings: Ratings,
    weights: Floats,
    fold_of: Indices,
    config: Config,
    strengths: tuple[float, float],
) -> Ratings:
    """Ratings by one upright view, each picture's by heads with these L2 that never saw it."""
    shares = np.empty_like(ratings.shares)
    affect = np.empty((len(ratings), 2))
    for fold in np.unique(fold_of):
        inside, outside = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
        heads = fit_heads(
            features[:, outside], ratings[outside], config, *strengths, weights=weights[outside]
        )
        predicted = heads.predict(features[0, inside])
        shares[inside] = predicted.shares
        affect[inside] = np.column_stack([predicted.valence, predicted.arousal])
    return Ratings.of(shares, affect[:, 0], affect[:, 1])


def _fit_convex(
    x: Tensor, target: Tensor, weights: Tensor, config: Config, l2: float
) -> tuple[Tensor, Tensor]:
    """L-BFGS in double precision: the same minimum from every start."""
    weight = torch.zeros(_CLASSES, x.shape[1], dtype=x.dtype, requires_grad=True)
    bias = torch.zeros(_CLASSES, dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=200, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimizer.zero_grad()
        losses = emotion_loss(x @ weight.T + bias, target, config.labels, config.loss)
        loss = (losses * weights).mean()
        objective = loss + 0.5 * l2 * weight.square().sum()
        objective.backward()
        return objective.item()

    optimizer.step(closure)
    return weight.detach(), bias.detach()


def _fit_adam(x: Tensor, target: Tensor, weights: Tensor, config: Config) -> tuple[Tensor, Tensor]:
    """The reference's way: Adam for some epochs, without L2."""
    generator = torch.Generator().manual_seed(config.seed)
    weight = torch.zeros(_CLASSES, x.shape[1], dtype=x.dtype, requires_grad=True)
    bias = torch.zeros(_CLASSES, dtype=x.dtype, requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=config.heads.lr)
    for _ in range(config.heads.epochs):
        for batch in torch.randperm(len(x), generator=generator).split(config.heads.batch_size):
            optimizer.zero_grad()
            logits = x[batch] @ weight.T + bias
            losses = emotion_loss(logits, target[batch], config.labels, config.loss)
            (losses * weights[batch]).mean().backward()
            optimizer.step()
    return weight.detach(), bias.detach()


def _fit_ridge(x: Tensor, target: Tensor, weights: Tensor, l2: float) -> tuple[Tensor, Tensor]:
    """Ridge regression of both scales on standardised features, each scale standardised too.

    A scale is learned from the pictures whose viewers were asked about it; without any, it is its
    middle everywhere.
    """
    fitted = [_fit_scale(x, scale, weights, l2) for scale in target.T]
    solutions, means = zip(*fitted, strict=True)
    return torch.stack(solutions), torch.stack(means)


def _fit_scale(x: Tensor, target: Tensor, weights: Tensor, l2: float) -> tuple[Tensor, Tensor]:
    asked = ~target.isnan()
    if not asked.any():
        return x.new_zeros(x.shape[1]), x.new_tensor(sum(SCALE_RANGE) / 2)
    x, target, weights = x[asked], target[asked], weights[asked]
    mean, spread = target.mean(), target.std() + 1e-6
    weighted = x * weights[:, None]
    gram = x.T @ weighted / len(x) + l2 * torch.eye(x.shape[1], dtype=x.dtype)
    solution = torch.linalg.solve(gram, weighted.T @ ((target - mean) / spread) / len(x))
    return solution * spread, mean
