"""Several networks that answer as one: the weighted mean of what their heads say.

Networks of different backbones err differently, so their mean errs less than each of them. Every
member has its own input size, crop and normalisation; a picture is decoded once for all. Since the
mean is taken of logits, class activation maps still add up to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from moodlens.errors import CheckpointError
from moodlens.model.certainty import is_finite_number
from moodlens.model.network import (
    MAX_PARAMETERS,
    EmotionNetwork,
    NetworkConfig,
    NetworkOutput,
    build_network,
)

MAX_MEMBERS = 8


@dataclass(frozen=True, slots=True)
class EnsembleConfig:
    """All that is needed to rebuild an ensemble and feed it.

    Attributes:
        members: what each network is.
        weights: of each member's answer; they sum to 1.
    """

    members: tuple[NetworkConfig, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot answer together.

        Raises:
            CheckpointError: with what is wrong.
        """
        if not 2 <= len(self.members) <= MAX_MEMBERS:
            raise CheckpointError(f"An ensemble has 2 to {MAX_MEMBERS} members.")
        if len(self.weights) != len(self.members):
            raise CheckpointError("An ensemble needs one weight for each of its members.")
        if not all(is_finite_number(weight) and weight > 0 for weight in self.weights):
            raise CheckpointError("An ensemble's weights must be numbers above 0.")
        if not math.isclose(math.fsum(self.weights), 1, abs_tol=1e-6):
            raise CheckpointError("An ensemble's weights must sum to 1.")

    @property
    def backbone(self) -> str:
        """The members' backbones, for people."""
        return " + ".join(member.backbone for member in self.members)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EnsembleConfig:
        """Read what :meth:`to_json` wrote.

        Raises:
            CheckpointError: for missing, unknown or unusable values.
        """
        wrong = sorted({"members", "weights"} ^ set(data))
        if wrong:
            raise CheckpointError(f"The checkpoint's config lacks or adds: {', '.join(wrong)}.")
        members, weights = data["members"], data["weights"]
        if not isinstance(members, list) or not isinstance(weights, list):
            raise CheckpointError("The checkpoint's members and weights must be lists.")
        if not all(isinstance(member, dict) for member in members):
            raise CheckpointError("The checkpoint's config has a value of the wrong type.")
        return cls(tuple(map(NetworkConfig.from_json, members)), tuple(weights))

    def to_json(self) -> dict[str, Any]:
        return {
            "members": [member.to_json() for member in self.members],
            "weights": list(self.weights),
        }


class Ensemble(nn.Module):
    """Networks side by side; each is asked by itself, since each sees its own crop.

    Args:
        networks: the members; they are used, not copied.
        weights: of their answers, summing to 1.
    """

    def __init__(self, networks: Sequence[EmotionNetwork], weights: Sequence[float]) -> None:
        super().__init__()
        configs = tuple(network.config for network in networks)
        self.config = EnsembleConfig(configs, tuple(weights))
        self.members = nn.ModuleList(networks)


Network = EmotionNetwork | Ensemble
"""What a checkpoint holds."""

Config = NetworkConfig | EnsembleConfig
"""What a checkpoint's config describes."""


def members_of(network: Network) -> tuple[EmotionNetwork, ...]:
    """The networks that answer; one that is no ensemble is its own only member."""
    if isinstance(network, Ensemble):
        return tuple(cast("Iterable[EmotionNetwork]", network.members))
    return (network,)


def weights_of(config: Config) -> tuple[float, ...]:
    """The weight of each member's answer."""
    return config.weights if isinstance(config, EnsembleConfig) else (1.0,)


def weighted_mean(outputs: Sequence[NetworkOutput], weights: Sequence[float]) -> NetworkOutput:
    """What the members say together.

    Args:
        outputs: of each member, about the same pictures.
        weights: of each member, summing to 1.
    """
    pairs = list(zip(outputs, weights, strict=True))
    return NetworkOutput(
        logits=torch.stack([weight * output.logits for output, weight in pairs]).sum(dim=0),
        affect=torch.stack([weight * output.affect for output, weight in pairs]).sum(dim=0),
    )


def config_from_json(data: Mapping[str, Any]) -> Config:
    """Read the config of a single network or of an ensemble.

    Raises:
        CheckpointError: for missing, unknown or unusable values.
    """
    if "members" in data:
        return EnsembleConfig.from_json(data)
    return NetworkConfig.from_json(data)


def build(config: Config, *, max_parameters: int = MAX_PARAMETERS) -> Network:
    """Build what a config describes, with random weights, once its size is known to be sane.

    Raises:
        CheckpointError: unknown backbone, or one too large.
    """
    if isinstance(config, NetworkConfig):
        return build_network(config, max_parameters=max_parameters)
    networks, room = [], max_parameters
    for member in config.members:
        networks.append(build_network(member, max_parameters=room))
        room -= sum(parameter.numel() for parameter in networks[-1].parameters())
    return Ensemble(networks, config.weights)
