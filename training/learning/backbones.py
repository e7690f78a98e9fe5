"""Pretrained backbones: from timm, which asks the Hub, or from a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from moodlens.errors import SettingsError
from moodlens.model.network import EmotionNetwork, NetworkConfig, build_network
from training.learning.config import Config, is_file_name

FIRST_CLASS = ("tf_efficientnet_lite2", "efficientnet_b0", "resnet50", "convnext_tiny")
"""Backbones that the config, the README and the tests know by name; any other of timm's works."""


def pretrained_network(config: Config) -> EmotionNetwork:
    """Build the network that a config asks for, with its pretrained backbone.

    Returns:
        In eval mode, channels-last, with random heads drawn from the config's seed.

    Raises:
        CheckpointError: timm has no such backbone; the nearest names are listed.
        SettingsError: the pretrained weights cannot be had or do not fit.
    """
    network_config = NetworkConfig.for_backbone(
        config.backbone,
        input_size=config.input_size,
        crop_pct=config.crop_pct,
        levels=config.levels,
    )
    torch.manual_seed(config.seed)
    network = build_network(network_config)
    if config.pretrained == "imagenet":
        weights = _from_timm(config.backbone)
    elif is_file_name(config.pretrained):
        weights = _from_file(Path(config.pretrained))
    else:
        weights = network.backbone.state_dict()
    _load_backbone(network, weights)
    return network.eval().to(memory_format=torch.channels_last)


def fingerprint(network: EmotionNetwork) -> str:
    """Hexadecimal SHA-256 of the backbone's weights, to tell cached features apart."""
    digest = hashlib.sha256()
    for key, value in sorted(network.backbone.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _from_timm(name: str) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = timm.create_model(name, pretrained=True).state_dict()
    # timm passes on whatever the Hub client raises, which differs between its versions.
    except Exception:
        raise SettingsError(
            f"The pretrained weights of {name} cannot be downloaded. "
            "Give a local .safetensors file with --pretrained."
        ) from None
    return state


def _from_file(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError):
        raise SettingsError(
            f"The pretrained weights {path.name} cannot be read as safetensors."
        ) from None


def _load_backbone(network: EmotionNetwork, weights: dict[str, Tensor]) -> None:
    expected = network.backbone.state_dict()
    found = {k: v.to(expected[k].dtype) for k, v in weights.items() if k in expected}
    lacking = sorted(expected.keys() - found.keys())
    misshapen = [k for k, v in found.items() if v.shape != expected[k].shape]
    if lacking or misshapen:
        key = (lacking or misshapen)[0]
        raise SettingsError(
            f"The pretrained weights do not fit {network.config.backbone}: "
            f"{key!r} is {'missing' if lacking else 'of another shape'}."
        )
    network.backbone.load_state_dict(found, strict=True)
