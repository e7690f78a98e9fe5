"""Class activation maps: what each position of a picture adds to each logit.

Averaged over positions, plus the head's bias, they are the logits: Zhou, Khosla, Lapedriza, Oliva,
Torralba: Learning Deep Features for Discriminative Localization, CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from moodlens.model.network import EmotionNetwork, FeatureMaps


def contributions(network: EmotionNetwork, feature_maps: FeatureMaps) -> Tensor:
    """[N, 7, h, w]: what each position of the last level adds to each logit, by all levels.

    Finer levels are averaged over a position's area; where areas overlap, the map is moved so that
    its average stays what it was.

    Args:
        network: one that pools by averaging.
        feature_maps: what it computed.
    """
    weights = network.emotion_head.weight.split(network.channels, dim=1)
    height, width = feature_maps[-1].shape[-2:]
    maps = []
    for weight, level in zip(weights, feature_maps, strict=True):
        fine = torch.einsum("kf,nfhw->nkhw", weight, level)
        coarse = functional.adaptive_avg_pool2d(fine, (height, width))
        change = (fine.mean(dim=(-2, -1)) - coarse.mean(dim=(-2, -1)))[..., None, None]
        maps.append(coarse + change)
    return torch.stack(maps).sum(dim=0)


def on_one_grid(maps: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """[N, 7, h, w]: the sum of maps of centred squares of different size, each square's mean kept.

    A square that is smaller than the largest one adds nothing outside, and accordingly more inside.

    Args:
        maps: [N, 7, h, w] each, of any h and w.
        shares: the side of each map's square, as a share of the picture's short side.
    """
    widest = max(shares)
    height, width = (max(single.shape[axis] for single in maps) for axis in (-2, -1))
    placed = []
    for single, share in zip(maps, shares, strict=True):
        rows = _overlaps(height, single.shape[-2], share / widest).to(single)
        columns = _overlaps(width, single.shape[-1], share / widest).to(single)
        placed.append(torch.einsum("ih,nkhw,jw->nkij", rows, single, columns))
    return torch.stack(placed).sum(dim=0)


def _overlaps(to: int, cells: int, share: float) -> Tensor:
    """[to, cells]: how much of each of some equal cells lies in each interval of 0..1.

    The cells fill the middle of 0..1, as much of it as ``share``; the columns sum to
    ``to / cells``, so that the mean over cells becomes the mean over intervals.
    """
    margin = (1 - share) / 2
    edges = torch.linspace(0, 1, to + 1, dtype=torch.float64)
    ends = torch.linspace(margin, 1 - margin, cells + 1, dtype=torch.float64)
    low = torch.maximum(edges[:-1, None], ends[None, :-1])
    high = torch.minimum(edges[1:, None], ends[None, 1:])
    return (high - low).clamp_min(0) * to / share
