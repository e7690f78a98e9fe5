from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import moodlens
from moodlens.emotions import EMOTIONS
from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.fused import fused_network
from moodlens.model.fused_convolution import FusedConvolution
from moodlens.model.fused_resnet import FusedBlock
from moodlens.model.network import EmotionNetwork, NetworkConfig, build_network
from moodlens.model.one_by_one import OneByOne
from moodlens.model.predictor import Predictor
from moodlens.model.probe import probe_picture
from moodlens.pictures.reading import read_picture
from moodlens.prediction import ModelInfo
from moodlens.weights.reference import locate_bundled
from tests.training.learning.test_frozen_norm import make

MODEL = ModelInfo("bundled", "0", "bundled")
EXAMPLES = sorted((Path(moodlens.__file__).parent / "examples").glob("*.jpg"))
SAME_TO = 0.01  # in any share; what every form of the network has to keep


def test_the_bundled_network_answers_as_its_plain_form_does() -> None:
    checkpoint = load_checkpoint(locate_bundled().folder)
    plain, served = Predictor(checkpoint, MODEL, plain=True), Predictor(checkpoint, MODEL)
    pictures = [read_picture(path.read_bytes()) for path in EXAMPLES] + [probe_picture()]

    for before, after in zip(plain.explain(pictures), served.explain(pictures), strict=True):
        for name in EMOTIONS:
            expected = before.prediction.distribution[name]
            assert after.prediction.distribution[name] == pytest.approx(expected, abs=SAME_TO)
        assert before.maps is not None
        assert after.maps is not None
        likeness = np.corrcoef(before.maps.ravel(), after.maps.ravel())[0, 1]
        assert likeness > 0.99


@pytest.mark.parametrize(
    "backbone",
    ["tf_efficientnet_lite0", "tf_efficientnetv2_b0", "efficientnet_b0", "resnet18"],
)
@pytest.mark.parametrize("side", [64, 75])  # even sides are padded on one side only
@pytest.mark.parametrize("levels", [0, 3])
@torch.inference_mode()
def test_float32_features_are_those_of_the_plain_network(
    backbone: str, side: int, levels: int
) -> None:
    network = _make(backbone, side, levels)
    pixels = torch.rand(3, 3, side, side) * 2 - 1
    fused = fused_network(network, dtype=torch.float32)

    assert fused is not network
    expected = network.feature_maps(pixels)
    assert len(expected) == levels + 1
    for level, plain in zip(fused.feature_maps(pixels), expected, strict=True):
        assert (level - plain).abs().max() < 1e-4 * plain.abs().max()


@pytest.mark.parametrize(
    ("backbone", "levels", "layers"),
    [
        ("tf_efficientnet_lite0", 0, 4),  # stem, its norm, and the stages at half and a quarter
        ("tf_efficientnet_lite0", 3, 4),
        ("tf_efficientnet_lite0", 4, 3),  # the stage at a quarter is read
        ("tf_efficientnet_lite0", 5, 0),
        ("resnet18", 0, 0),
    ],
)
@torch.inference_mode()
def test_the_first_layers_see_one_picture_of_a_batch_at_a_time(
    backbone: str, levels: int, layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And say the same of it to the last bit."""
    fused = fused_network(_make(backbone, 64, levels), dtype=torch.float32)
    singly = [module for module in fused.modules() if isinstance(module, OneByOne)]
    assert sum(map(len, singly)) == layers

    pixels = torch.rand(3, 3, 64, 64) * 2 - 1
    seen: list[int] = []
    for module in singly:
        module[0].register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    before = fused.feature_maps(pixels)
    assert seen == [1, 1, 1] * len(singly)
    for module in singly:
        monkeypatch.setattr(module, "forward", partial(torch.nn.Sequential.forward, module))
    for level, together in zip(before, fused.feature_maps(pixels), strict=True):
        assert torch.equal(level, together)


@pytest.mark.parametrize(
    ("backbone", "blocks"),
    [("resnet50", 16), ("resnet18", 8), ("resnet26d", 8), ("seresnet18", 0)],
)
@torch.inference_mode()
def test_a_block_that_only_adds_is_one_step_less(backbone: str, blocks: int) -> None:
    """And the sum, which is written over the block's input, spoils no level that is read."""
    network = _make(backbone, 64, 4)
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1
    fused = fused_network(network, dtype=torch.float32)

    assert sum(isinstance(module, FusedBlock) for module in fused.modules()) == blocks
    for _ in range(2):
        levels = zip(fused.feature_maps(pixels), network.feature_maps(pixels), strict=True)
        for level, plain in levels:
            assert (level - plain).abs().max() < 1e-4 * plain.abs().max()


@torch.inference_mode()
def test_rounded_features_are_nearly_those_of_the_plain_network() -> None:
    network = make("tf_efficientnet_lite0")
    pixels = torch.rand(3, 3, 64, 64) * 2 - 1
    fused = fused_network(network, dtype=torch.bfloat16)
    (rounded,), (expected,) = fused.feature_maps(pixels), network.feature_maps(pixels)

    assert rounded.dtype == torch.float32
    assert 1e-4 < (rounded - expected).norm() / expected.norm() < 0.05


@pytest.mark.parametrize("backbone", ["convnext_atto", "vit_tiny_patch16_224"])
def test_other_backbones_run_as_they_are(backbone: str) -> None:
    network = make(backbone)
    assert fused_network(network) is network


def test_a_form_that_answers_differently_never_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(self: FusedConvolution, x: Tensor) -> Tensor:
        return torch.zeros_like(whole(self, x))

    whole = FusedConvolution.forward
    monkeypatch.setattr(FusedConvolution, "forward", forward)
    network = make("tf_efficientnet_lite0")
    assert fused_network(network) is network


def _make(backbone: str, side: int, levels: int) -> EmotionNetwork:
    config = NetworkConfig.for_backbone(backbone, input_size=side, levels=levels)
    network = build_network(config).eval()
    network.backbone.load_state_dict(make(backbone).backbone.state_dict())
    return network
