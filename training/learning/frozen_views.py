"""What the frozen first stages make of each augmented view, computed once and kept on disk.

A view hangs on the seed, the epoch and the picture alone, and what frozen stages make of it on
nothing that is learned. So every fold and every recipe with the same augmentation can go on from
the same tensors, and an epoch costs no more than the stages that learn. For a ResNet-50 of which
the last stage learns that is a quarter of the work, at 0.4 MB for each picture and epoch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from timm.models import group_parameters
from torch import Tensor, nn

from moodlens.model.network import EmotionNetwork
from training.learning.backbones import fingerprint
from training.learning.config import Config

_KEY = "maps"
_LIKENESS = 1e-4


class FrozenStages:
    """The stages of a backbone that stay as they are, which can run alone or be left out.

    Args:
        network: in eval mode.
        count: of timm's coarse stages, from the stem on, that are frozen.
    """

    def __init__(self, network: EmotionNetwork, count: int) -> None:
        self._modules = _frozen_modules(network, count)

    def __call__(self, pixels: Tensor) -> Tensor:
        """[N, C, h, w] after the last frozen stage."""
        for module in self._modules:
            pixels = module(pixels)
        return pixels

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """The network takes what these stages give in place of pixels, while the block lasts."""
        own = [vars(module).get("forward") for module in self._modules]
        for module in self._modules:
            vars(module)["forward"] = _as_it_is
        try:
            yield
        finally:
            for module, forward in zip(self._modules, own, strict=True):
                del vars(module)["forward"]
                if forward is not None:
                    vars(module)["forward"] = forward

    @torch.no_grad()
    def belong_to(self, network: EmotionNetwork) -> bool:
        """Whether the network answers the same from what they give; only then can they be left out.

        Not every backbone runs its modules one after the other in the order they are listed in, and
        heads may look at a stage before the last frozen one.
        """
        side = network.config.input_size
        pixels = torch.linspace(-1, 1, 3 * side * side).view(1, 3, side, side)
        whole = network.pool(network.feature_maps(pixels))
        try:
            maps = self(pixels)
            with self.left_out():
                rest = network.pool(network.feature_maps(maps))
        except (RuntimeError, TypeError, ValueError):
            return False
        if not self._modules or rest.shape != whole.shape:
            return False
        return bool((rest - whole).abs().max() <= _LIKENESS * whole.abs().max())


class KeptViews:
    """What the frozen stages make of views, by the view's seed, epoch and picture.

    Args:
        folder: for those of any run.
        stages: the frozen ones.
        network: with the weights that it was pretrained with.
        config: the run's.
        contents: [N] what tells each picture's content apart.
        numbers: [N] each picture's number in the whole data set.
    """

    def __init__(
        self,
        folder: Path,
        stages: FrozenStages,
        network: EmotionNetwork,
        config: Config,
        contents: Sequence[str],
        numbers: Sequence[int],
    ) -> None:
        seen = network.config
        made_by = {
            "backbone": fingerprint(network),
            "frozen": config.finetune.freeze_stages,
            "precision": config.finetune.precision,
            "seed": config.seed,
            "augment": config.augment.model_dump(mode="json"),
            "input": [seen.input_size, seen.mean, seen.std, seen.interpolation],
        }
        self._stages = stages
        self._folder = folder / _digest(json.dumps(made_by, sort_keys=True).encode())
        self._names = [
            f"{number}-{content}" for number, content in zip(numbers, contents, strict=True)
        ]

    def read(self, row: int, epoch: int) -> Tensor | None:
        """[h, w, C] of a picture's view, or None where it is not kept yet."""
        return _read(self._path(row, epoch))

    @torch.no_grad()
    def maps(self, rows: Sequence[int], epoch: int, drawn: Tensor) -> Tensor:
        """Compute and keep what is not kept yet.

        Args:
            rows: which pictures.
            epoch: which the views hang on.
            drawn: [N, 3, S, S] their normalised views.

        Returns:
            [N, h, w, C].
        """
        made = self._stages(drawn).permute(0, 2, 3, 1).contiguous()
        for row, maps in zip(rows, made, strict=True):
            _write(self._path(row, epoch), maps.cpu())
        return made

    def _path(self, row: int, epoch: int) -> Path:
        return self._folder / str(epoch) / f"{self._names[row]}.safetensors"


def _frozen_modules(network: EmotionNetwork, count: int) -> list[nn.Module]:
    """What is frozen as a whole, in the order it is listed in."""
    backbone = network.backbone
    stages = group_parameters(backbone, backbone.group_matcher(coarse=True), reverse=True)
    found: list[nn.Module] = []

    def collect(parent: nn.Module, prefix: str) -> None:
        waiting: list[nn.Module] = []  # without parameters: frozen if a frozen one follows
        for name, child in parent.named_children():
            path = f"{prefix}{name}."
            of_child = [stages[path + key] for key, _ in child.named_parameters()]
            if not of_child:
                waiting.append(child)
            elif max(of_child) < count:
                found.extend([*waiting, child])
                waiting = []
            else:
                if min(of_child) < count:
                    collect(child, path)
                return

    collect(backbone, "")
    return found


def _as_it_is(x: Tensor) -> Tensor:
    return x


def _read(path: Path) -> Tensor | None:
    try:
        return load_file(path)[_KEY]
    except (OSError, SafetensorError, KeyError):
        return None


def _write(path: Path, maps: Tensor) -> None:
    """Whole or not at all; several processes may keep the same view."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    save_file({_KEY: maps}, partial)
    partial.replace(path)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
