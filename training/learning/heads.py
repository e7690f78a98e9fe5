"""Linear heads on frozen features: a convex fit, whose L2 cross-validation chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from moodlens.emotions import LABELS, SCALE_RANGE
from moodlens.model.network import EmotionNetwork
from training.data.ratings import Floats, Ratings
from training.data.source import Indices
from training.data.split import make_folds
from training.judging.metrics import score
from training.learning.config import Config
from training.learning.linear_fit import Design, Head, LinearFits, Rows
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
    candidates, scales = config.heads.l2, config.heads.affect_l2
    design, picture_of = _design(features, ratings, config, weights)
    everything = torch.arange(len(picture_of))
    if len(candidates) == len(scales) == 1 and config.finetune.epochs:
        heads = _Paths(design, [everything], config, candidates, scales).heads(0, 0, 0)
        return ChosenHeads(heads, candidates[0], scales[0], out_of_fold=None)
    fold_of = torch.from_numpy(make_folds(ratings.dominant, groups=groups))
    folds = fold_of.unique().tolist()
    parts = [(fold_of[picture_of] != fold).nonzero().squeeze(1) for fold in folds]
    paths = _Paths(design, [*parts, everything], config, candidates, scales)
    judged = [
        _out_of_fold(paths, features, fold_of, folds, i, j)
        for i, j in zip_longest(range(len(candidates)), range(len(scales)), fillvalue=0)
    ]
    scores = [score(predicted, ratings) for predicted in judged]
    best = min(range(len(candidates)), key=lambda i: scores[i]["kl"])
    calmest = min(
        range(len(scales)),
        key=lambda i: np.nansum([scores[i]["valence_mae"], scores[i]["arousal_mae"]]),
    )
    return ChosenHeads(
        heads=paths.heads(best, calmest, -1),
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
    design, picture_of = _design(features, ratings, config, weights)
    parts = [torch.arange(len(picture_of))]
    return _Paths(design, parts, config, [l2], [affect_l2]).heads(0, 0, 0)


class _Paths:
    """Both heads for every L2 and every part of the views, with a progress bar.

    Args:
        design: all views.
        parts: which of them each pair of heads learns from.
        config: method, labels and loss.
        candidates: values of L2 of the emotion head.
        scales: values of L2 of the affect head.
    """

    def __init__(
        self,
        design: Design,
        parts: Sequence[Rows],
        config: Config,
        candidates: Sequence[float],
        scales: Sequence[float],
    ) -> None:
        fits, values = LinearFits(design, parts), len(set(candidates)) + len(set(scales))
        with tqdm(total=values, desc="heads", unit="L2", leave=False, disable=values < 3) as bar:
            self._affect = fits.affect(scales, bar.update)
            if config.heads.method == "convex":
                self._emotions = fits.emotions(
                    candidates,
                    lambda logits, shares: emotion_loss(logits, shares, config.labels, config.loss),
                    bar.update,
                )
            else:  # without L2
                found = [_fit_adam(design, rows, config) for rows in parts]
                self._emotions = [found] * len(candidates)

    def heads(self, l2: int, affect_l2: int, part: int) -> LinearHeads:
        """By the numbers of both values of L2 and of the part."""
        both = zip(self._emotions[l2][part], self._affect[affect_l2][part], strict=True)
        weight, bias = (torch.cat(parts) for parts in both)
        return LinearHeads(weight, bias)


def _design(
    features: Tensor, ratings: Ratings, config: Config, weights: Floats | None
) -> tuple[Design, Tensor]:
    """The views that are learned from, and the number of each one's picture."""
    views = features if config.heads.flips else features[:1]
    weights = np.ones(len(ratings)) if weights is None else weights
    affect = np.column_stack([ratings.valence, ratings.arousal])
    targets = (
        torch.from_numpy(np.concatenate([values] * len(views)))
        for values in (ratings.shares, affect, weights)
    )
    return (
        Design.of(views.flatten(0, 1), *targets),
        torch.arange(len(ratings)).repeat(len(views)),
    )


def _out_of_fold(
    paths: _Paths, features: Tensor, fold_of: Tensor, folds: list[int], l2: int, affect_l2: int
) -> Ratings:
    """Ratings by one upright view, each picture's by heads with these L2 that never saw it."""
    shares = np.empty((len(fold_of), _CLASSES))
    affect = np.empty((len(fold_of), 2))
    for part, fold in enumerate(folds):
        inside = (fold_of == fold).nonzero().squeeze(1)
        predicted = paths.heads(l2, affect_l2, part).predict(features[0, inside])
        shares[inside.numpy()] = predicted.shares
        affect[inside.numpy()] = np.column_stack([predicted.valence, predicted.arousal])
    return Ratings.of(shares, affect[:, 0], affect[:, 1])


def _fit_adam(design: Design, rows: Rows, config: Config) -> Head:
    """The reference's way: Adam for some epochs on features as they are, without L2."""
    x = design.z[rows] * design.spread + design.mean
    target, weights = design.shares[rows], design.weights[rows]
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
