"""What learning minimises: divergences of soft labels, and what to hold them against.

Every loss gives one value per picture, so that several processes can weight their parts rightly.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from moodlens.emotions import EMOTIONS
from training.learning.config import Labels, LossConfig

BY_VALENCE = ("disgust", "anger", "sadness", "fear", "surprise", "joy")
"""The emotions from the most unpleasant to the most pleasant: by the mean valence of Emotion6's
training pictures, weighted by each emotion's share of the votes."""

_SIX = len(EMOTIONS)
_SMALLEST_SHARE = 1e-9


def emotion_loss(logits: Tensor, target: Tensor, labels: Labels, loss: LossConfig) -> Tensor:
    """The loss of the emotion head.

    Args:
        logits: [N, 7] in the order of ``LABELS``.
        target: [N, 7] shares, each row summing to 1.
        labels: which shares count. ``seven``: all. ``six``: the six renormalised, and neutral
            against not neutral beside them. ``reference``: the six as voted, as the reference
            learns from them; neutral is not learned.
        loss: which loss.

    Returns:
        [N].
    """
    if loss.name == "cross_entropy":
        top = target[:, :_SIX].argmax(dim=1)
        return F.cross_entropy(logits[:, :_SIX], top, reduction="none") + _neutral(logits, target)
    divergence = _divergence(logits, target, labels)
    if loss.name == "emd":
        return divergence + loss.emd_weight * squared_emd(logits[:, :_SIX], _renormalised(target))
    return divergence


def affect_loss(affect: Tensor, target: Tensor, spread: Tensor) -> Tensor:
    """Squared error of valence and arousal [N, 2], in standard deviations [2]; mean over both.

    A target of NaN, where viewers were not asked, adds nothing.
    """
    known = torch.where(target.isnan(), affect.detach(), target)
    return ((affect - known) / spread).square().mean(dim=1)


def squared_emd(logits: Tensor, target: Tensor) -> Tensor:
    """Squared earth mover's distance along the emotions in order of valence, by row.

    It charges more for joy taken for disgust than for fear taken for sadness. Hou, Yu, Samaras:
    Squared Earth Mover's Distance-based Loss for Training Deep Neural Networks, 2016.

    Args:
        logits: [N, 6].
        target: [N, 6] distributions.
    """
    order = [EMOTIONS.index(name) for name in BY_VALENCE]
    difference = logits.softmax(dim=1)[:, order] - target[:, order]
    return difference.cumsum(dim=1).square().sum(dim=1)


def _divergence(logits: Tensor, target: Tensor, labels: Labels) -> Tensor:
    if labels == "seven":
        return _kl(target, logits.log_softmax(dim=1))
    predicted = logits[:, :_SIX].log_softmax(dim=1)
    if labels == "reference":
        return _kl(target[:, :_SIX], predicted)
    return _kl(_renormalised(target), predicted) + _neutral(logits, target)


def _neutral(logits: Tensor, target: Tensor) -> Tensor:
    """KL of neutral against not neutral, by row."""
    log_shares = logits.log_softmax(dim=1)
    predicted = torch.stack([log_shares[:, :_SIX].logsumexp(dim=1), log_shares[:, _SIX]], dim=1)
    return _kl(torch.stack([1 - target[:, _SIX], target[:, _SIX]], dim=1), predicted)


def _kl(target: Tensor, log_predicted: Tensor) -> Tensor:
    return F.kl_div(log_predicted, target, reduction="none").sum(dim=1)


def _renormalised(target: Tensor) -> Tensor:
    six = target[:, :_SIX]
    return six / six.sum(dim=1, keepdim=True).clamp_min(_SMALLEST_SHARE)
