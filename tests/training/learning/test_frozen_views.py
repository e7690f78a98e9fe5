"""Leaving frozen stages out: the same network, the same learning, at a part of the work."""

from pathlib import Path

import pytest
import torch

from tests.support.emotion6_factory import make_emotion6
from tests.support.learned import largest_difference, learned
from training.learning.backbones import pretrained_network
from training.learning.config import load_config
from training.learning.frozen_norm import freeze_norms
from training.learning.frozen_views import FrozenStages

TUNED = [
    "--backbone", "test_efficientnet", "--pretrained", "none", "--threads", "1",
    "--set", "input_size=64", "--set", "heads.l2=[0.1]", "--set", "heads.affect_l2=[1.0]",
    "--set", "finetune.precision=fp32", "--epochs", "2", "--batch-size", "8",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_emotion6(tmp_path_factory.mktemp("emotion6"), per_keyword=4)


def test_learning_from_kept_views_ends_at_the_same_weights(data: Path, tmp_path: Path) -> None:
    plain = learned(data, tmp_path, "plain", *TUNED)
    while_keeping = learned(data, tmp_path, "keeping", *TUNED, "--keep-views")
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "views").rglob("*.*")}
    from_kept = learned(data, tmp_path, "kept", *TUNED, "--keep-views")

    assert largest_difference(plain, while_keeping) < 1e-5
    assert largest_difference(plain, from_kept) < 1e-5
    assert len(kept) == 2 * 6 * 4  # epochs, keywords, pictures of each
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


def test_views_of_another_seed_are_others(data: Path, tmp_path: Path) -> None:
    learned(data, tmp_path, "first", *TUNED, "--keep-views", "--seed", "0")
    other = learned(data, tmp_path, "second", *TUNED, "--keep-views", "--seed", "1")

    assert largest_difference(other, learned(data, tmp_path, "plain", *TUNED, "--seed", "1")) < 1e-5


@pytest.mark.parametrize(
    ("backbone", "levels", "frozen"),
    [("resnet50", 2, 4), ("resnet50", 2, 3), ("tf_efficientnet_lite2", 3, 3)],
)
def test_the_rest_answers_as_the_whole(backbone: str, levels: int, frozen: int) -> None:
    """Also after the norms are frozen, and the network is whole again afterwards."""
    overrides = {
        "backbone": backbone, "pretrained": "none", "levels": levels, "input_size": 64,
    }  # fmt: skip
    network = pretrained_network(load_config(overrides=overrides))
    freeze_norms(network)
    stages = FrozenStages(network, frozen)
    pixels = torch.rand(2, 3, 64, 64)

    with torch.no_grad():
        whole = network(pixels).logits
        maps = stages(pixels)
        with stages.left_out():
            rest = network(maps).logits
        again = network(pixels).logits

    assert stages.belong_to(network)
    assert maps.shape[-1] < 64
    torch.testing.assert_close(rest, whole, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(again, whole, rtol=0, atol=0)


def test_stages_that_the_heads_look_into_are_not_left_out() -> None:
    network = pretrained_network(
        load_config(
            overrides={"backbone": "resnet50", "pretrained": "none", "levels": 3, "input_size": 64}
        )
    )

    assert not FrozenStages(network, 4).belong_to(network)
    assert FrozenStages(network, 2).belong_to(network)


def test_what_is_not_a_chain_is_not_left_out() -> None:
    network = pretrained_network(
        load_config(overrides={"backbone": "test_vit", "pretrained": "none"})
    )

    assert not FrozenStages(network, 2).belong_to(network)
