"""Bytes with scales: small, near, and refused where they do not fit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from moodlens.errors import CheckpointError
from moodlens.model.network import NetworkConfig, build_network
from moodlens.model.storage import SCALE, restored, stored
from tests.support.tiny_checkpoint import make_network

KEY = "backbone.blocks.1.0.conv_pwl.weight"
SIZES = {torch.float32: 4, torch.float16: 2, torch.int8: 1}


@pytest.fixture
def state() -> dict[str, Tensor]:
    return make_network().state_dict()


def test_a_weight_is_off_by_half_a_step_at_most(state: dict[str, Tensor]) -> None:
    tensors = stored(state, torch.int8)
    again = restored(tensors, state)

    assert tensors[KEY].dtype == torch.int8
    assert tensors[KEY + SCALE].dtype == torch.float16
    for key, value in state.items():
        if key + SCALE in tensors:
            largest = value.flatten(1).abs().amax(dim=1)
            off = (again[key] - value).flatten(1).abs().amax(dim=1)
            assert (off <= largest / 127 * 0.51 + 1e-8).all(), key
        elif "head" in key or key.endswith("running_var"):
            assert torch.equal(again[key], value), key
        elif value.is_floating_point():
            assert tensors[key].dtype == torch.float16, key
            torch.testing.assert_close(again[key], value, rtol=1e-3, atol=1e-6)


def test_rows_of_nearly_nothing_survive() -> None:
    network = make_network()
    with torch.no_grad():
        weight = network.get_parameter(KEY)
        weight[0], weight[1] = 0, 1e-9
    state = network.state_dict()
    again = restored(stored(state, torch.int8), state)[KEY]
    assert torch.isfinite(again).all()
    assert again[:2].abs().max() < 1e-4


@pytest.mark.parametrize("backbone", ["resnet18", "tf_efficientnet_lite0"])
def test_a_quarter_of_the_size(backbone: str) -> None:
    network = build_network(NetworkConfig.for_backbone(backbone, input_size=64))
    sizes = {
        storage: sum(t.nbytes for t in stored(network.state_dict(), storage).values())
        for storage in SIZES
    }
    assert sizes[torch.float16] < 0.55 * sizes[torch.float32]
    assert sizes[torch.int8] < 0.31 * sizes[torch.float32]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop(KEY + SCALE), f"lacks {KEY + SCALE!r}"),
        (lambda t: t.update({KEY + SCALE: t[KEY + SCALE].float()}), "float16 values"),
        (lambda t: t.update({KEY + SCALE: t[KEY + SCALE][1:]}), "float16 values"),
        (lambda t: t[KEY + SCALE].fill_(torch.inf), "not finite"),
        (lambda t: t.update({KEY: t[KEY][1:]}), "has shape"),
        (lambda t: t.update({KEY: t[KEY].float()}), "unexpected"),
        (lambda t: t.update({KEY: t[KEY].short()}), "unexpected"),
        (lambda t: t.pop(KEY), "lacks"),
        (lambda t: t.update({"emotion_head.bias": t["emotion_head.bias"].char()}), "wrong type"),
        (lambda t: t.update({"other" + SCALE: torch.ones(2)}), "unexpected 'other.scale'"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(
    state: dict[str, Tensor], change: Callable[[dict[str, Tensor]], Any], sentence: str
) -> None:
    tensors = stored(state, torch.int8)
    restored(tensors, state)
    change(tensors)
    with pytest.raises(CheckpointError) as caught:
        restored(tensors, state)
    assert sentence in caught.value.message
