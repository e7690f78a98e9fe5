from typing import cast

import pytest
import torch

from moodlens.model.network import EmotionNetwork, NetworkConfig, build_network
from training.learning.frozen_norm import freeze_norms


def make(backbone: str) -> EmotionNetwork:
    torch.manual_seed(0)
    network = build_network(NetworkConfig.for_backbone(backbone, input_size=64)).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(cast("torch.Tensor", module.running_mean), 0, 0.2)
            torch.nn.init.uniform_(cast("torch.Tensor", module.running_var), 0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.2)
    return network


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet18", "efficientnet_b0"])
def test_outputs_and_gradients_are_those_of_the_plain_network(backbone: str) -> None:
    plain, folded = make(backbone), make(backbone)
    assert freeze_norms(folded) > 15
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1

    for network in (plain, folded):
        network(pixels).logits.square().sum().backward()

    torch.testing.assert_close(folded(pixels).logits, plain(pixels).logits, rtol=1e-3, atol=1e-4)
    expected = dict(plain.named_parameters())
    for name, parameter in folded.named_parameters():
        if parameter.grad is not None:
            other = expected[name].grad
            assert other is not None
            scale = other.abs().max() + 1e-6
            assert (parameter.grad - other).abs().max() / scale < 1e-2, name


def test_the_names_of_the_weights_stay() -> None:
    plain, folded = make("resnet18"), make("resnet18")
    freeze_norms(folded)
    assert folded.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize("backbone", ["convnext_atto", "vit_tiny_patch16_224"])
def test_other_backbones_run_as_they_are(backbone: str) -> None:
    network = make(backbone)
    side = network.config.input_size
    pixels = torch.rand(1, 3, side, side)
    before = network(pixels).logits

    assert freeze_norms(network) == 0
    assert torch.equal(network(pixels).logits, before)


def test_frozen_depthwise_filters_get_no_gradient() -> None:
    network = make("tf_efficientnet_lite0")
    freeze_norms(network, freeze_depthwise=True)
    network(torch.rand(1, 3, 64, 64)).logits.sum().backward()

    frozen = {n for n, p in network.backbone.named_parameters() if p.grad is None}
    assert "blocks.3.0.conv_dw.weight" in frozen
    assert "blocks.3.0.bn2.weight" in frozen
    assert "blocks.3.0.conv_pw.weight" not in frozen
