"""A run goes on from its state, or says why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from moodlens.errors import SettingsError
from tests.support.tiny_checkpoint import make_network
from training.learning.average import WeightAverage
from training.learning.progress import STATE, Learning, Progress


@pytest.fixture
def learning() -> Learning:
    network = make_network()
    optimizer = torch.optim.AdamW(network.parameters())
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer)
    return Learning(network, optimizer, schedule, WeightAverage(network, 0.9))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def replace(path: Path) -> None:
    torch.save({"epoch": 1}, path)


def pickle_code(path: Path) -> None:
    torch.save({"epoch": Learning}, path)


@pytest.mark.parametrize("tamper", [cut, replace, pickle_code])
def test_a_state_that_was_tampered_with(
    tmp_path: Path, learning: Learning, tamper: Callable[[Path], None]
) -> None:
    run = tmp_path / "mine" / "run"
    assert Progress.load(run, learning) == Progress(0, [])
    Progress(2, [{"epoch": 1}, {"epoch": 2}]).save(run, learning)
    assert Progress.load(run, learning).epoch == 2

    tamper(run / STATE)
    with pytest.raises(SettingsError, match=r"folder 'mine' cannot go on: its state\.pt is damag"):
        Progress.load(run, learning)
