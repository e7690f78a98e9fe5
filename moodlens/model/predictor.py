"""Pictures -> predictions. Tensors do not leave this module."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from moodlens.emotions import SCALE_RANGE
from moodlens.model.activation_maps import contributions, on_one_grid
from moodlens.model.backends import Backend
from moodlens.model.checkpoint import Checkpoint
from moodlens.model.crop import PlainCrop, plain
from moodlens.model.ensemble import members_of, weighted_mean, weights_of
from moodlens.model.fused import fused_network
from moodlens.model.network import EmotionNetwork, FeatureMaps, NetworkConfig, NetworkOutput
from moodlens.model.openvino_network import openvino_network
from moodlens.model.preprocess import Crops, crop_box, decode_side, to_pixels
from moodlens.model.probe import probe_picture
from moodlens.prediction import ModelInfo, Prediction


@dataclass(frozen=True, slots=True)
class Explanation:
    """A prediction and where in the picture it comes from.

    Attributes:
        prediction: what :meth:`Predictor.predict` answers.
        maps: [7, h, w] in the order of ``LABELS``: what each position adds to each logit. Averaged
            over positions, plus the heads' bias, they are the logits (class activation maps; Zhou
            et al., CVPR 2016). None where a backbone does not pool by averaging.
        box: left, top, right, bottom of the square that the maps cover, in picture pixels.
        features: [F] the pooled features that the heads see, of all levels of all members.
    """

    prediction: Prediction
    maps: NDArray[np.float32] | None
    box: tuple[float, float, float, float]
    features: NDArray[np.float32]


class CropAnswer(NamedTuple):
    """What is said about a crop: an :class:`Explanation` but for the picture around it."""

    prediction: Prediction
    maps: NDArray[np.float32] | None
    features: NDArray[np.float32]


_Crops = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]


class _Seen(NamedTuple):
    """What one member makes of N pictures."""

    levels: FeatureMaps
    features: Tensor
    """[N, F] of this member."""
    output: NetworkOutput


class Predictor:
    """A loaded checkpoint that answers. Safe to call from several threads.

    Args:
        checkpoint: the network to use.
        model: how its answers name it.
        device: where PyTorch computes.
        backend: what runs the network on a CPU.
        plain: run the network as it was trained, in float32, and not in the form that answers
            fastest; for judging it, and for judging that form.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: ModelInfo,
        *,
        device: str = "cpu",
        backend: Backend = "torch",
        plain: bool = False,
    ) -> None:
        self.model = model
        self.config = checkpoint.config
        self._device = torch.device(device)
        network = checkpoint.network.eval().to(self._device)
        network = network.to(memory_format=torch.channels_last)
        members = members_of(network)
        if not plain and self._device.type == "cpu":
            members = tuple(_serving_form(member, backend) for member in members)
        self._members = members
        self._weights = weights_of(self.config)
        self._certainty = checkpoint.certainty
        self._familiarity = checkpoint.familiarity
        self._widest = max((member.config for member in members), key=lambda c: c.seen_share)
        self._maps_are_exact = self._pools_by_averaging()

    @property
    def device(self) -> str:
        """Where it computes."""
        return str(self._device)

    @property
    def decode_side(self) -> int:
        """The short side, in pixels, that pictures should have at least."""
        return max(decode_side(member.config) for member in self._members)

    @property
    def views(self) -> tuple[PlainCrop, ...]:
        """What the members see of a picture, each view once, for those who cut it out elsewhere."""
        return tuple(dict.fromkeys(plain(member.config) for member in self._members))

    def predict(self, pictures: Sequence[Image.Image]) -> list[Prediction]:
        """Answer for a batch of upright RGB pictures, in their order."""
        return [explanation.prediction for explanation in self.explain(pictures)]

    @torch.inference_mode()
    def explain(self, pictures: Sequence[Image.Image]) -> list[Explanation]:
        """Answer for a batch of upright RGB pictures and show where the answers come from.

        One forward pass; the maps cost next to nothing beside it.
        """
        if not pictures:
            return []
        answers = self._answers(self._look(Crops(pictures).for_network), maps=True)
        return [
            Explanation(
                answer.prediction,
                answer.maps,
                crop_box(*picture.size, self._widest),
                answer.features,
            )
            for answer, picture in zip(answers, pictures, strict=True)
        ]

    @torch.inference_mode()
    def answer_crops(
        self, crops: Mapping[PlainCrop, NDArray[np.uint8]], *, maps: bool = True
    ) -> list[CropAnswer]:
        """Answer for pictures that were cut out already, as by another process.

        Args:
            crops: for each of :attr:`views` [N, S, S, 3] channel values 0..255.
            maps: whether to say where the answers come from.
        """
        return self._answers(self._look(lambda config: crops[plain(config)]), maps=maps)

    def _answers(self, seen: Sequence[_Seen], *, maps: bool) -> list[CropAnswer]:
        output = weighted_mean([member.output for member in seen], self._weights)
        features = torch.cat([member.features for member in seen], dim=1).cpu().numpy()
        positions: Sequence[NDArray[np.float32] | None] = [None] * len(features)
        if maps and self._maps_are_exact:
            positions = list(self._maps(seen).cpu().numpy())
        return list(map(CropAnswer, self._predictions(output, features), positions, features))

    def _look(self, crops: Callable[[NetworkConfig], _Crops]) -> list[_Seen]:
        seen = []
        for member in self._members:
            pixels = to_pixels(crops(member.config), member.config).to(self._device)
            levels = member.feature_maps(pixels)
            features = member.pool(levels)
            seen.append(_Seen(levels, features, member.heads(features)))
        return seen

    def _maps(self, seen: Sequence[_Seen]) -> Tensor:
        """[N, 7, h, w] of all members together."""
        maps = [
            weight * contributions(member, looked.levels)
            for member, looked, weight in zip(self._members, seen, self._weights, strict=True)
        ]
        return on_one_grid(maps, [member.config.seen_share for member in self._members])

    def _predictions(
        self, output: NetworkOutput, features: NDArray[np.float32]
    ) -> list[Prediction]:
        shares = output.logits.cpu().double().softmax(dim=1).tolist()
        affect = output.affect.clamp(*SCALE_RANGE).tolist()
        familiar: Sequence[float | None] = [None] * len(shares)
        if self._familiarity is not None:
            familiar = self._familiarity(features).tolist()
        return [
            Prediction.from_shares(
                seven,
                valence=valence,
                arousal=arousal,
                model=self.model,
                certainty=self._certainty(seven) if self._certainty else None,
                familiarity=familiarity,
            )
            for seven, (valence, arousal), familiarity in zip(shares, affect, familiar, strict=True)
        ]

    @torch.inference_mode()
    def _pools_by_averaging(self) -> bool:
        """Found out on the probe picture, which also warms the kernels up for the first viewer."""
        seen = self._look(Crops([probe_picture()]).for_network)
        return all(map(_is_average, seen))


def _is_average(seen: _Seen) -> bool:
    if any(level.ndim != 4 for level in seen.levels):
        return False
    average = torch.cat([level.mean(dim=(-2, -1)) for level in seen.levels], dim=1)
    return average.shape == seen.features.shape and torch.allclose(
        average, seen.features, rtol=1e-3, atol=1e-4
    )


def _serving_form(network: EmotionNetwork, backend: Backend) -> EmotionNetwork:
    converted = openvino_network(network) if backend == "openvino" else None
    return converted or fused_network(network)
