"""Fine-tuning: from fitted heads, gently, to a weight average.

The state is saved after every epoch, and all randomness of a picture hangs on the seed, the epoch
and the picture alone. So a run that was killed goes on to the same weights, and several processes
see the same pictures as one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.models import group_parameters
from torch import Tensor, nn
from tqdm import tqdm

from moodlens.model.network import EmotionNetwork
from moodlens.model.preprocess import normalise
from training.data.ratings import Floats, Ratings
from training.learning.augment import train_preset
from training.learning.average import WeightAverage
from training.learning.config import Config, FinetuneConfig
from training.learning.frozen_norm import freeze_norms
from training.learning.frozen_views import FrozenStages, KeptViews
from training.learning.losses import affect_loss, emotion_loss
from training.learning.progress import Learning, Progress
from training.learning.workers import Workers

_SHORTEST_CYCLE = 4  # steps; with fewer there is no way up and down again

Validate = Callable[[EmotionNetwork], Mapping[str, float]]
"""Figures of the network as it stands; ``kl`` has to be among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What is learned from.

    Attributes:
        pictures: N decoded pictures.
        targets: their ratings, voters' and teachers' mixed.
        numbers: [N] each picture's number in the whole data set, which its randomness hangs on.
        weights: [N] how much each counts, 1 on average; None where all count the same.
    """

    pictures: Sequence[Image.Image]
    targets: Ratings
    numbers: Sequence[int]
    weights: Floats | None = None


def fine_tune(
    network: EmotionNetwork,
    examples: Examples,
    config: Config,
    run: Path,
    *,
    views: Path | None = None,
    validate: Validate | None = None,
    workers: Workers | None = None,
) -> list[dict[str, Any]]:
    """Fine-tune in place; the network ends with the averaged weights.

    Args:
        network: with fitted heads.
        examples: what to learn from.
        config: all hyper-parameters.
        run: folder for the state and the history; a state that lies there is gone on from.
        views: folder for what frozen stages make of views, where that is to be kept.
        validate: judges the averaged weights every ``finetune.validate_every`` epochs, and with
            ``finetune.patience`` stops a run that no longer improves, at its best weights.
        workers: the processes that train as one.

    Returns:
        The history, one entry per epoch.
    """
    workers = workers or Workers()
    tune = config.finetune
    freeze_norms(network, freeze_depthwise=tune.freeze_depthwise)
    groups = parameter_groups(network, tune)
    optimizer = torch.optim.AdamW(groups, fused=True)
    steps = math.ceil(len(examples.pictures) / tune.batch_size)
    schedule = _schedule(optimizer, tune, steps * tune.epochs)
    average = WeightAverage(network, tune.ema)
    learning = Learning(network, optimizer, schedule, average)
    batch_loss = _BatchLoss(network, examples, config, views)
    progress = Progress.load(run, learning)
    for epoch in range(progress.epoch, tune.epochs):
        if progress.is_exhausted(tune.patience):
            break
        start = time.monotonic()
        total = 0.0
        order = np.random.default_rng([config.seed, epoch]).permutation(len(examples.pictures))
        batches = [
            order[i : i + tune.batch_size].tolist() for i in range(0, len(order), tune.batch_size)
        ]
        bar = tqdm(
            batches,
            desc=f"epoch {epoch + 1}/{tune.epochs}",
            unit="batch",
            leave=False,
            disable=not workers.is_first,
        )
        for batch in bar:
            optimizer.zero_grad()
            loss = batch_loss(network, workers.part(batch), len(batch), epoch)
            if loss is not None:
                loss.backward()
            workers.sum_gradients([p for group in groups for p in group["params"]])
            optimizer.step()
            schedule.step()
            average.update(network)
            mean = workers.sum(0.0 if loss is None else loss.item())
            total += mean * len(batch)
            bar.set_postfix(loss=f"{mean:.3f}", refresh=False)
        entry: dict[str, Any] = {
            "epoch": epoch + 1,
            "loss": round(total / len(order), 6),
            "lr": schedule.get_last_lr()[-1],
            "seconds": round(time.monotonic() - start, 1),
        }
        last = epoch + 1 == tune.epochs
        if validate is not None and ((epoch + 1) % tune.validate_every == 0 or last):
            with average.applied_to(network):
                entry["validation"] = dict(validate(network))
                progress.judge(entry["validation"]["kl"], network)
        progress.advance(entry)
        if workers.is_first:
            progress.save(run, learning)
        workers.wait()
    average.write_into(network)
    if tune.patience and progress.best_weights is not None:
        network.load_state_dict(progress.best_weights)
    return progress.history


def parameter_groups(network: EmotionNetwork, tune: FinetuneConfig) -> list[dict[str, Any]]:
    """The parameters that learn, each stage at its own rate.

    The stages are timm's coarse groups of the backbone: the stem is 0, and the heads come after the
    last. Frozen stages no longer ask for gradients. Vectors (biases, norms) have no weight decay.
    """
    stages = group_parameters(
        network.backbone, network.backbone.group_matcher(coarse=True), reverse=True
    )
    heads = max(stages.values()) + 1
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        stage = stages.get(name.removeprefix("backbone."), heads)
        if stage < tune.freeze_stages and stage < heads:
            parameter.requires_grad_(False)
        if parameter.requires_grad:
            groups.setdefault((stage, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": tune.lr * tune.layer_decay ** (heads - stage),
            "weight_decay": tune.weight_decay if is_matrix else 0.0,
        }
        for (stage, is_matrix), parameters in groups.items()
    ]


class _BatchLoss:
    """The loss of some pictures of a batch, freshly augmented."""

    def __init__(
        self, network: EmotionNetwork, examples: Examples, config: Config, views: Path | None
    ) -> None:
        self._examples, self._config, self._network = examples, config, network.config
        self._stages = FrozenStages(network, config.finetune.freeze_stages)
        self._kept: KeptViews | None = None
        if views and not config.augment.mixup and self._stages.belong_to(network):
            self._kept = KeptViews(
                views, self._stages, network, config, examples.pictures, examples.numbers
            )
        self._preset = train_preset(network.config, config.augment)
        affect = np.column_stack([examples.targets.valence, examples.targets.arousal])
        self._shares = torch.tensor(examples.targets.shares, dtype=torch.float32)
        self._affect = torch.tensor(affect, dtype=torch.float32)
        self._spread = torch.tensor(spread_of(affect), dtype=torch.float32)
        weights = np.ones(len(affect)) if examples.weights is None else examples.weights
        self._weights = torch.tensor(weights, dtype=torch.float32)

    def __call__(
        self, network: EmotionNetwork, rows: list[int], size: int, epoch: int
    ) -> Tensor | None:
        """The part of a batch's mean loss that these rows have; None without any.

        Args:
            network: what learns.
            rows: this process's pictures of the batch.
            size: pictures in the whole batch.
            epoch: which the augmentation hangs on.
        """
        if not rows:
            return None
        shares, affect, weights = self._shares[rows], self._affect[rows], self._weights[rows]
        with torch.autocast(
            "cpu", torch.bfloat16, enabled=self._config.finetune.precision == "bf16"
        ):
            if self._kept:
                kept = self._kept.maps(rows, epoch, lambda missing: self._draw(missing, epoch))
                with self._stages.left_out():
                    maps = network.feature_maps(kept)
            else:
                pixels = self._draw(rows, epoch)
                if self._config.augment.mixup:
                    pixels, shares, affect, weights = self._mix(
                        rows, epoch, pixels, shares, affect, weights
                    )
                maps = network.feature_maps(pixels)
            features = network.pool(maps)
        features = nn.functional.dropout(features.float(), self._config.finetune.dropout)
        output = network.heads(features)
        losses = emotion_loss(output.logits, shares, self._config.labels, self._config.loss)
        affect_losses = affect_loss(output.affect, affect, self._spread)
        losses = losses + self._config.loss.affect_weight * affect_losses
        return (losses * weights).sum() / size

    def _draw(self, rows: list[int], epoch: int) -> Tensor:
        """[N, 3, S, S]: normalised views of these pictures."""
        views = []
        for row in rows:
            torch.manual_seed(_seed(self._config.seed, epoch, self._examples.numbers[row]))
            views.append(self._preset(self._examples.pictures[row]))
        return normalise(torch.stack(views), self._network)

    def _mix(self, rows: list[int], epoch: int, *values: Tensor) -> tuple[Tensor, ...]:
        """Mixup within the rows (Zhang et al., ICLR 2018)."""
        alpha = self._config.augment.mixup
        rng = np.random.default_rng([self._config.seed, epoch, *rows])
        share = float(rng.beta(alpha, alpha))
        other = torch.from_numpy(rng.permutation(len(rows)))
        pixels, *targets = (value.lerp(value[other], 1 - share) for value in values)
        return pixels.contiguous(memory_format=torch.channels_last), *targets


def spread_of(affect: Floats) -> Floats:
    """Standard deviation of each column where viewers were asked; 1 where they never were."""
    return np.array(
        [
            np.std(known) + 1e-6 if len(known := scale[~np.isnan(scale)]) else 1.0
            for scale in affect.T
        ]
    )


def _seed(seed: int, epoch: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, epoch, number]).generate_state(1)[0])


def _schedule(
    optimizer: torch.optim.Optimizer, tune: FinetuneConfig, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if tune.schedule == "one_cycle" and steps >= _SHORTEST_CYCLE:
        rates = [group["lr"] for group in optimizer.param_groups]
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, rates, total_steps=steps, pct_start=max(tune.warmup, 2 / steps)
        )
    warmup = tune.warmup * steps

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if tune.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1.0, steps - warmup)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
