from __future__ import annotations

import pytest
import torch

from moodlens.errors import SettingsError
from moodlens.model import devices
from moodlens.model.backends import parse_device
from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.devices import GAINING, multiply_adds, suiting_device
from moodlens.model.network import NetworkConfig, build_network
from moodlens.weights.reference import locate_bundled


def test_multiply_adds_are_those_that_the_field_quotes() -> None:
    config = NetworkConfig.for_backbone("resnet50", input_size=224)
    assert multiply_adds(build_network(config)) == pytest.approx(4.1e9, rel=0.02)


def test_auto_keeps_the_bundled_network_on_the_processor_and_hands_large_ones_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is stood in for is the machine: whether it has a graphics processor."""
    bundled = load_checkpoint(locate_bundled().folder).network
    large = build_network(NetworkConfig.for_backbone("resnet152", input_size=224))
    assert multiply_adds(bundled) < GAINING < multiply_adds(large)

    for there in ("cuda", "mps"):
        monkeypatch.setattr(devices, "is_there", lambda device, there=there: device == there)
        assert suiting_device(bundled) == "cpu"
        assert suiting_device(large) == there
    monkeypatch.setattr(devices, "is_there", lambda device: False)
    assert suiting_device(large) == "cpu"


def test_what_is_there() -> None:
    assert devices.is_there("cpu")
    assert devices.is_there("cuda") == torch.cuda.is_available()


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(SettingsError, match="auto, cpu, cuda, mps"):
        parse_device("tpu")
