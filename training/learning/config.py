"""Hyper-parameters: ``config.yaml``, a file of yours, a recipe, the backbone, and ``--set``."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moodlens.errors import SettingsError

DEFAULTS = Path(__file__).parent.parent / "config.yaml"

Precision = Literal["bf16", "fp16", "fp32"]
Labels = Literal["seven", "six", "reference"]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class HeadsConfig(_Section):
    """How linear heads are fitted on frozen features."""

    method: Literal["convex", "adam"]
    l2: Annotated[tuple[Positive, ...], Field(min_length=1)]
    affect_l2: Annotated[tuple[Positive, ...], Field(min_length=1)]
    flips: bool
    epochs: Annotated[int, Field(ge=1)]
    lr: Positive
    batch_size: Annotated[int, Field(ge=1)]


class LossConfig(_Section):
    """What is minimised."""

    name: Literal["kl", "cross_entropy", "emd"]
    emd_weight: NotNegative
    affect_weight: NotNegative


class FinetuneConfig(_Section):
    """How the backbone is fine-tuned."""

    epochs: Annotated[int, Field(ge=0)]
    batch_size: Annotated[int, Field(ge=1)]
    lr: Positive
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    weight_decay: NotNegative
    schedule: Literal["one_cycle", "cosine", "constant"]
    warmup: Annotated[float, Field(ge=0, lt=1)]
    ema: Annotated[float, Field(ge=0, lt=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    freeze_stages: Annotated[int, Field(ge=0)]
    freeze_depthwise: bool
    precision: Precision
    accumulate: Annotated[int, Field(ge=1)]
    gradient_checkpointing: bool
    lora: Annotated[int, Field(ge=0, le=1024)]
    compile: bool
    validate_every: Annotated[int, Field(ge=1)]
    patience: Annotated[int, Field(ge=0)]
    validation_share: Annotated[float, Field(gt=0, lt=0.5)]


class DistillConfig(_Section):
    """How teachers' predictions are mixed into the targets."""

    weight: Share
    shares: tuple[Positive, ...]


class AugmentConfig(_Section):
    """The train preset."""

    size: Annotated[int, Field(ge=16)] | None
    crop_scale: tuple[Share, Share]
    crop_ratio: tuple[Positive, Positive]
    flip: Share
    rotate: Annotated[float, Field(ge=0, le=180)]
    brightness: NotNegative
    contrast: NotNegative
    saturation: NotNegative
    hue: Annotated[float, Field(ge=0, le=0.5)]
    trivial: bool
    erase: Share
    mixup: NotNegative


class Config(_Section):
    """All hyper-parameters of a run; ``config.yaml`` says what each of them does."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    backbone: str
    pretrained: str
    input_size: Annotated[int, Field(ge=16, le=1024)] | None
    crop_pct: Annotated[float, Field(gt=0, le=1)] | None
    levels: Annotated[int, Field(ge=0)]
    labels: Labels
    storage: Literal["float32", "float16", "int8"]
    heads: HeadsConfig
    loss: LossConfig
    finetune: FinetuneConfig
    distill: DistillConfig
    augment: AugmentConfig

    def to_json(self) -> dict[str, Any]:
        """All values as JSON; a pretrained file by its name alone, without the path to it."""
        pretrained = Path(self.pretrained).name if is_file_name(self.pretrained) else None
        return self.model_dump(mode="json") | ({"pretrained": pretrained} if pretrained else {})


def is_file_name(pretrained: str) -> bool:
    """Whether ``pretrained`` names a file rather than a source."""
    return pretrained not in ("imagenet", "none")


def load_config(
    file: Path | None = None,
    *,
    recipe: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Config:
    """Lay everything that was asked for over the defaults.

    Args:
        file: YAML with any of the keys of ``config.yaml``.
        recipe: one of the ``recipes``.
        overrides: by dotted name, such as ``{"finetune.epochs": 10}``; they win over all else.

    Raises:
        SettingsError: an unknown recipe or name, with the nearest ones, or a value that cannot be.
    """
    values = _read_yaml(DEFAULTS)
    if file is not None:
        values = _merge(values, _read_yaml(file))
    recipes, backbones = values.pop("recipes"), values.pop("backbones")
    if recipe is not None and recipe not in recipes:
        raise SettingsError(f"There is no recipe {recipe!r}. Choose from: {', '.join(recipes)}.")
    asked = recipes[recipe] if recipe is not None else {}
    overrides = dict(overrides or {})
    backbone = str(overrides.get("backbone", asked.get("backbone", values.get("backbone"))))
    wanted = backbones.get(backbone, {})
    # A recipe for one backbone knows better than what that backbone wants in general.
    for changes in (wanted, asked) if asked.get("backbone") == backbone else (asked, wanted):
        values = _merge(values, changes)
    for name, value in overrides.items():
        values = _merge(values, _nested(name, value))
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def parse_override(text: str) -> tuple[str, Any]:
    """``finetune.epochs=10`` -> its name and its value, read as YAML.

    Raises:
        SettingsError: not of that form.
    """
    name, equals, value = text.partition("=")
    try:
        if name and equals:
            return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError:
        pass
    raise SettingsError(f"{text!r} is not of the form name=value, such as finetune.epochs=10.")


def read_environment(
    environ: Mapping[str, str] | None = None, env_file: Path = Path(".env")
) -> dict[str, str]:
    """The variables that name paths: real ones win over the ``.env`` file; empty ones are dropped.

    ``DATA_DIR``, ``CHECKPOINT_DIR``, ``CACHE_DIR`` and ``PRETRAINED_FILE``.
    """
    environ = os.environ if environ is None else environ
    values = {k: v for k, v in dotenv_values(env_file).items() if v} | dict(environ)
    names = ("DATA_DIR", "CHECKPOINT_DIR", "CACHE_DIR", "PRETRAINED_FILE")
    return {name: values[name] for name in names if values.get(name)}


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise SettingsError(f"The config {path.name} cannot be read as YAML.") from None
    if not isinstance(values, dict):
        raise SettingsError(f"The config {path.name} must be a YAML mapping.")
    return values


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        old = merged.get(name)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[name] = _merge(old or {}, value) if both else value
    return merged


def _nested(name: str, value: Any) -> dict[str, Any]:
    for part in reversed(name.split(".")):
        value = {part: value}
    return dict(value)


def _explain(error: ValidationError) -> str:
    """One sentence about the first thing that is wrong."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"The option {name} cannot be {first['input']!r}: {first['msg']}."
    near = difflib.get_close_matches(name, _option_names(Config), n=3, cutoff=0.4)
    return f"There is no option {name}." + (f" Did you mean {', '.join(near)}?" if near else "")


def _option_names(section: type[BaseModel], prefix: str = "") -> Sequence[str]:
    names: list[str] = []
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names.extend(_option_names(kind, f"{prefix}{name}."))
        else:
            names.append(f"{prefix}{name}")
    return names
