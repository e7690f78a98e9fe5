"""Adapters and checkpointed gradients: the same network afterwards, learned with less memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from moodlens.errors import SettingsError
from tests.support.emotion6_factory import make_emotion6
from tests.support.learned import largest_difference, learned
from training.learning.adapters import Adapters
from training.learning.backbones import pretrained_network
from training.learning.config import load_config

VIT = [
    "--backbone", "test_vit", "--pretrained", "none", "--threads", "1", "--precision", "fp32",
    "--set", "input_size=160", "--set", "heads.l2=[0.1]", "--set", "heads.affect_l2=[1.0]",
    "--set", "finetune.freeze_stages=0", "--epochs", "1", "--batch-size", "8",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=2)


def test_checkpointed_gradients_and_parts_learn_the_same(data: Path, tmp_path: Path) -> None:
    plain = learned(data, tmp_path, "plain", *VIT)
    options = [*VIT, "--gradient-checkpointing", "--set", "finetune.accumulate=3"]
    sparing = learned(data, tmp_path, "sparing", *options)
    # Adam makes whole steps, of 2e-4, of gradients that hardly differ from nothing but rounding.
    assert largest_difference(plain, sparing) < 3e-5


def test_adapters_are_merged_and_leave_a_usual_checkpoint(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="peft is not installed")
    tuned = learned(data, tmp_path, "lora", *VIT, "--set", "finetune.lora=4", "--lr", "0.01")
    config = load_config(
        overrides={"backbone": "test_vit", "pretrained": "none", "input_size": 160}
    )
    before = pretrained_network(config).state_dict()
    assert tuned.keys() == before.keys()
    changed = {key for key in tuned if not torch.equal(tuned[key], before[key])}
    assert any(key.endswith("attn.qkv.weight") for key in changed)
    assert not any("norm" in key or "embed" in key for key in changed)
    difference = (
        tuned["backbone.blocks.0.attn.qkv.weight"] - before["backbone.blocks.0.attn.qkv.weight"]
    )
    assert torch.linalg.matrix_rank(difference, rtol=1e-3) <= 4


def test_new_adapters_change_no_answer(data: Path) -> None:
    pytest.importorskip("peft", reason="peft is not installed")
    config = load_config(
        overrides={"backbone": "test_vit", "pretrained": "none", "input_size": 160}
    )
    network = pretrained_network(config)
    pixels = torch.rand(1, 3, 160, 160)
    with torch.no_grad():
        before = network(pixels).logits
        adapters = Adapters.put_into(network, 4, 0)
        beside = network(pixels).logits
        adapters.merge_into(network)
        after = network(pixels).logits
    torch.testing.assert_close(beside, before)
    torch.testing.assert_close(after, before)


def test_backbones_without_linear_layers_have_no_adapters() -> None:
    pytest.importorskip("peft", reason="peft is not installed")
    config = load_config(overrides={"backbone": "test_resnet", "pretrained": "none"})
    with pytest.raises(SettingsError, match="needs linear layers"):
        Adapters.put_into(pretrained_network(config), 4, 0)
