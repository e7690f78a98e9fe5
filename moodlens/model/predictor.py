"""Pictures -> predictions. Tensors do not leave this module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from moodlens.emotions import SCALE_RANGE
from moodlens.model.backends import Backend
from moodlens.model.checkpoint import Checkpoint
from moodlens.model.fused import fused_network
from moodlens.model.network import EmotionNetwork, FeatureMaps, NetworkOutput
from moodlens.model.openvino_network import openvino_network
from moodlens.model.preprocess import centre_crop, crop_box, decode_side, to_pixels
from moodlens.model.probe import probe_picture
from moodlens.prediction import ModelInfo, Prediction


@dataclass(frozen=True, slots=True)
class Explanation:
    """A prediction and where in the picture it comes from.

    Attributes:
        prediction: what :meth:`Predictor.predict` answers.
        maps: [7, h, w] in the order of ``LABELS``: what each position adds to each logit. Averaged
            over positions, plus the head's bias, they are the logits (class activation maps; Zhou
            et al., CVPR 2016). None where the backbone does not pool by averaging.
        box: left, top, right, bottom of the square that the maps cover, in picture pixels.
    """

    prediction: Prediction
    maps: NDArray[np.float32] | None
    box: tuple[float, float, float, float]


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
        if not plain and self._device.type == "cpu":
            network = _serving_form(network, backend)
        self._network = network
        self._certainty = checkpoint.certainty
        self._maps_are_exact = self._pools_by_averaging()

    @property
    def decode_side(self) -> int:
        """The short side, in pixels, that pictures should have at least."""
        return decode_side(self.config)

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
        crops = [centre_crop(picture, self.config) for picture in pictures]
        pixels = to_pixels(crops, self.config).to(self._device)
        feature_maps = self._network.feature_maps(pixels)
        output = self._network.heads(self._network.pool(feature_maps))
        maps: Sequence[NDArray[np.float32] | None] = [None] * len(pictures)
        if self._maps_are_exact:
            maps = list(self._contributions(feature_maps).cpu().numpy())
        return [
            Explanation(prediction, positions, crop_box(*picture.size, self.config))
            for prediction, positions, picture in zip(
                self._predictions(output), maps, pictures, strict=True
            )
        ]

    def _contributions(self, feature_maps: FeatureMaps) -> Tensor:
        """[N, 7, h, w]: what each position of the last level adds to each logit, by all levels.

        Finer levels are averaged over a position's area; where areas overlap, the map is moved so
        that its average stays what it was.
        """
        weights = self._network.emotion_head.weight.split(self._network.channels, dim=1)
        height, width = feature_maps[-1].shape[-2:]
        maps = []
        for weight, level in zip(weights, feature_maps, strict=True):
            fine = torch.einsum("kf,nfhw->nkhw", weight, level)
            coarse = functional.adaptive_avg_pool2d(fine, (height, width))
            change = (fine.mean(dim=(-2, -1)) - coarse.mean(dim=(-2, -1)))[..., None, None]
            maps.append(coarse + change)
        return torch.stack(maps).sum(dim=0)

    def _predictions(self, output: NetworkOutput) -> list[Prediction]:
        shares = output.logits.double().softmax(dim=1).tolist()
        affect = output.affect.clamp(*SCALE_RANGE).tolist()
        return [
            Prediction.from_shares(
                seven,
                valence=valence,
                arousal=arousal,
                model=self.model,
                certainty=self._certainty(seven) if self._certainty else None,
            )
            for seven, (valence, arousal) in zip(shares, affect, strict=True)
        ]

    @torch.inference_mode()
    def _pools_by_averaging(self) -> bool:
        """Found out on the probe picture, which also warms the kernels up for the first viewer."""
        pixels = to_pixels([centre_crop(probe_picture(), self.config)], self.config)
        feature_maps = self._network.feature_maps(pixels.to(self._device))
        features = self._network.pool(feature_maps)
        if any(level.ndim != 4 for level in feature_maps):
            return False
        average = torch.cat([level.mean(dim=(-2, -1)) for level in feature_maps], dim=1)
        return average.shape == features.shape and torch.allclose(
            average, features, rtol=1e-3, atol=1e-4
        )


def _serving_form(network: EmotionNetwork, backend: Backend) -> EmotionNetwork:
    converted = openvino_network(network) if backend == "openvino" else None
    return converted or fused_network(network)
