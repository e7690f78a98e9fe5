"""A timm backbone with linear heads: seven logits, valence and arousal.

The backbone is any model of timm created with ``num_classes=0``; its pooled features feed two
linear heads. Earlier stages may feed them as well: what is fine and local, such as texture and
colour, says something about a mood that the last stage, made for naming objects, has dropped. Where
the pooling is a plain average, as in the EfficientNets and ResNets, the logits are an average over
positions too, which is what makes class activation maps exact.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from moodlens.emotions import LABELS, SCALES
from moodlens.errors import CheckpointError
from moodlens.model.certainty import is_finite_number
from moodlens.model.late_compiler import compiler_imported_late

with compiler_imported_late():
    import timm

MAX_PARAMETERS = 700_000_000
"""Larger networks are refused before any memory is taken for them (CLIP ViT-L/14 has 304 M)."""

_MAX_INPUT_SIZE = 1024
_MAX_LEVELS = 16

_DRAWING = ("normal_", "uniform_", "trunc_normal_")


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """All that is needed to rebuild a network and feed it.

    Attributes:
        backbone: timm model name, with or without its pretrained tag.
        input_size: side of the square input, in pixels.
        mean: per-channel mean, for channel values in 0..1.
        std: per-channel standard deviation, for channel values in 0..1.
        interpolation: ``bicubic``, ``bilinear`` or ``lanczos``.
        crop_pct: share of the resized short side that the centre crop keeps.
        levels: how many of the backbone's last stages feed the heads, each by its average over
            positions, beside the features that the backbone ends with.
        labels: the classes behind the logits, in order.
        scales: the affect scales, in order.
    """

    backbone: str
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_pct: float
    levels: int = 0
    labels: tuple[str, ...] = LABELS
    scales: tuple[str, ...] = SCALES

    def __post_init__(self) -> None:
        """Refuse values that no MoodLens network can have.

        Raises:
            CheckpointError: with the value that is wrong.
        """
        if not isinstance(self.backbone, str):
            raise CheckpointError("The checkpoint's backbone must be the name of a timm model.")
        if not all(map(is_finite_number, (*self.mean, *self.std, self.crop_pct))):
            raise CheckpointError("The checkpoint's mean, std and crop_pct must be finite numbers.")
        if self.labels != LABELS:
            raise CheckpointError(
                f"The checkpoint's classes are {', '.join(map(str, self.labels))}; "
                f"MoodLens needs {', '.join(LABELS)}."
            )
        if self.scales != SCALES:
            raise CheckpointError(f"The checkpoint's scales must be {' and '.join(SCALES)}.")
        if not isinstance(self.input_size, int) or not 16 <= self.input_size <= _MAX_INPUT_SIZE:
            raise CheckpointError(
                f"The checkpoint's input size must lie between 16 and {_MAX_INPUT_SIZE} pixels."
            )
        if not isinstance(self.levels, int) or not 0 <= self.levels <= _MAX_LEVELS:
            raise CheckpointError(
                f"The checkpoint's levels must be a whole number from 0 to {_MAX_LEVELS}."
            )
        if self.interpolation not in ("bicubic", "bilinear", "lanczos"):
            raise CheckpointError(
                f"The checkpoint's interpolation {self.interpolation!r} is not one of bicubic, "
                "bilinear and lanczos."
            )
        if not 0.1 < self.crop_pct <= 1:
            raise CheckpointError("The checkpoint's crop_pct must lie between 0.1 and 1.")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(value > 0 for value in self.std):
            raise CheckpointError(
                "The checkpoint's mean and std must have three values each, std above 0."
            )

    @property
    def resize_to(self) -> int:
        """The short side, in pixels, to which a picture is scaled before the centre crop."""
        return round(self.input_size / self.crop_pct)

    @property
    def seen_share(self) -> float:
        """The side of the square that is seen, as a share of the picture's short side."""
        return self.input_size / self.resize_to

    @classmethod
    def for_backbone(
        cls,
        backbone: str,
        *,
        input_size: int | None = None,
        crop_pct: float | None = None,
        levels: int = 0,
    ) -> NetworkConfig:
        """The preprocessing that timm documents for a backbone's pretrained weights.

        Args:
            backbone: timm model name, such as ``resnet50`` or
                ``vit_large_patch14_clip_224.openai``.
            input_size: side in pixels, where another one than timm's is wanted.
            crop_pct: share of the short side that is seen, where another one than timm's is wanted.
            levels: stages that feed the heads beside the last features.

        Raises:
            CheckpointError: for a name timm does not know, with the nearest ones.
        """
        check_backbone(backbone)
        data = timm.data.resolve_data_config(timm.get_pretrained_cfg(backbone).to_dict())
        return cls(
            backbone=backbone,
            input_size=input_size or int(data["input_size"][-1]),
            mean=tuple(data["mean"]),
            std=tuple(data["std"]),
            interpolation=data["interpolation"],
            crop_pct=crop_pct or float(data["crop_pct"]),
            levels=levels,
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NetworkConfig:
        """Read what :meth:`to_json` wrote; without ``levels``, as older checkpoints, it has none.

        Raises:
            CheckpointError: for missing, unknown or unusable values.
        """
        data = {"levels": 0, **data}
        names = {field.name for field in fields(cls)}
        wrong = sorted(names ^ set(data))
        if wrong:
            raise CheckpointError(f"The checkpoint's config lacks or adds: {', '.join(wrong)}.")
        try:
            values: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in data.items()
            }
            return cls(**values)
        except TypeError:
            raise CheckpointError(
                "The checkpoint's config has a value of the wrong type."
            ) from None

    def to_json(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


FeatureMaps = tuple[Tensor, ...]
"""[N, C, h, w] of each level, float32, from the finest to the backbone's last features."""


class NetworkOutput(NamedTuple):
    """What the heads say about a batch of N pictures."""

    logits: Tensor
    """[N, 7], in the order of ``LABELS``; softmax makes them shares of viewers."""
    affect: Tensor
    """[N, 2], valence and arousal on the 1..9 scales."""


class EmotionNetwork(nn.Module):
    """Backbone -> pooled features -> linear heads.

    Args:
        config: what to build; random weights until some are loaded.

    Attributes:
        channels: features of each level, the backbone's last ones at the end.
        num_features: of all levels together, F.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        check_backbone(config.backbone)
        self.config = config
        self.backbone = timm.create_model(
            config.backbone, pretrained=False, num_classes=0, **_size_arguments(config)
        )
        stages = _stage_channels(self.backbone, config.levels)
        self.channels: tuple[int, ...] = (*stages, self.backbone.head_hidden_size)
        self.num_features = sum(self.channels)
        self.emotion_head = nn.Linear(self.num_features, len(config.labels))
        self.affect_head = nn.Linear(self.num_features, len(config.scales))

    def feature_maps(self, pixels: Tensor) -> FeatureMaps:
        """Features before pooling, of each level: [N, C, h, w] for convolutional backbones.

        Args:
            pixels: [N, 3, S, S], normalised.
        """
        levels = self.config.levels
        if not levels:
            return (self.backbone.forward_features(pixels).float(),)
        last, stages = self.backbone.forward_intermediates(
            pixels, indices=levels, output_fmt="NCHW"
        )
        return (*(stage.float() for stage in stages), last.float())

    def pool(self, maps: FeatureMaps) -> Tensor:
        """[N, F] from what :meth:`feature_maps` returned."""
        *stages, last = maps
        averages = [stage.mean(dim=(-2, -1)) for stage in stages]
        return torch.cat([*averages, self.backbone.forward_head(last, pre_logits=True)], dim=1)

    def heads(self, features: Tensor) -> NetworkOutput:
        """Logits and affect from pooled features [N, F]."""
        return NetworkOutput(self.emotion_head(features), self.affect_head(features))

    def forward(self, pixels: Tensor) -> NetworkOutput:
        """Logits and affect of normalised pixels [N, 3, S, S]."""
        return self.heads(self.pool(self.feature_maps(pixels)))


def build_network(config: NetworkConfig, *, max_parameters: int = MAX_PARAMETERS) -> EmotionNetwork:
    """Build a network after its size is known to be sane.

    The size is counted on PyTorch's ``meta`` device, so that a config which asks for gigabytes
    costs none.

    Raises:
        CheckpointError: unknown backbone, or one too large.
    """
    with torch.device("meta"), _NothingDrawn():
        parameters = sum(p.numel() for p in _construct(config).parameters())
    if parameters > max_parameters:
        raise CheckpointError(
            f"The checkpoint asks for a network of {parameters / 1e6:.0f} million parameters; "
            f"the limit is {max_parameters / 1e6:.0f} million."
        )
    return _construct(config)


def check_backbone(name: str) -> None:
    """Make sure that timm has a model of this name.

    Raises:
        CheckpointError: with the nearest names.
    """
    if ":" in name or "/" in name:  # timm would go to the Hub or to the disk for these
        raise CheckpointError(f"{name!r} is not the name of a timm model.")
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        known = timm.list_models()
    elif tag and name not in timm.list_pretrained(f"{architecture}.*"):
        known = timm.list_pretrained(f"{architecture}.*")
    else:
        return
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise CheckpointError(f"timm has no model named {name!r}.{hint}")


class _NothingDrawn(TorchFunctionMode):
    """Skips random initial values.

    On ``meta`` there is nothing to fill, and PyTorch would import its compiler to know how, which
    takes longer than building the network.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _construct(config: NetworkConfig) -> EmotionNetwork:
    try:
        return EmotionNetwork(config)
    except (RuntimeError, ValueError, TypeError, AssertionError, AttributeError):
        raise CheckpointError(
            f"timm cannot build {config.backbone!r} for inputs of {config.input_size} pixels."
        ) from None


def _stage_channels(backbone: nn.Module, levels: int) -> list[int]:
    """Features of the last stages.

    Raises:
        ValueError: the backbone has fewer, or does not tell.
    """
    known = getattr(backbone, "feature_info", None)
    stages = [stage["num_chs"] for stage in known] if known else []
    if levels > len(stages):
        raise ValueError(f"{len(stages)} stages instead of {levels}")
    return stages[len(stages) - levels :]


def _size_arguments(config: NetworkConfig) -> dict[str, int]:
    """``img_size`` for backbones whose weights depend on it (vision transformers)."""
    default = timm.get_pretrained_cfg(config.backbone)
    if default is None or not default.fixed_input_size:
        return {}
    return {"img_size": config.input_size}
