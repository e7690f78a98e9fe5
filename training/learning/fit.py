"""Fine-tuning: from fitted heads, gently, to a weight average.

The state is saved after every epoch, and all randomness of a picture hangs on the seed, the epoch
and the picture alone. So a run that was killed goes on to the same weights, and several processes
see the same pictures as one.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
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
from training.learning.adapters import Adapters, checkpoint_gradients
from training.learning.augment import train_preset
from training.learning.average import WeightAverage
from training.learning.config import Config, FinetuneConfig
from training.learning.decoding import DecodedPictures
from training.learning.engine import Engine
from training.learning.frozen_norm import freeze_norms
from training.learning.frozen_views import FrozenStages, KeptViews
from training.learning.loading import Batch, Order, Views, load, really, seed_of
from training.learning.objective import Objective, Targets, spread_of
from training.learning.progress import Learning, Progress

_SHORTEST_CYCLE = 4  # steps; with fewer there is no way up and down again

Validate = Callable[[EmotionNetwork], Mapping[str, float]]
"""Figures of the network as it stands; ``kl`` has to be among them."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What is learned from.

    Attributes:
        pictures: N pictures, decoded or decoded as they are asked for.
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
    engine: Engine | None = None,
    workers: int = 0,
) -> list[dict[str, Any]]:
    """Fine-tune in place; the network ends with the averaged weights.

    Args:
        network: with fitted heads, on the processor, where it also ends.
        examples: what to learn from.
        config: all hyper-parameters.
        run: folder for the state and the history; a state that lies there is gone on from.
        views: folder for what frozen stages make of views, where that is to be kept.
        validate: judges the averaged weights every ``finetune.validate_every`` epochs, and with
            ``finetune.patience`` stops a run that no longer improves, at its best weights.
        engine: device, precision and processes; by default this process on what there is.
        workers: processes that decode and augment; 0 leaves it to this one.

    Returns:
        The history, one entry per epoch.
    """
    tune = config.finetune
    engine = engine or Engine.start(precision=tune.precision)
    freeze_norms(network, freeze_depthwise=tune.freeze_depthwise)
    adapters = Adapters.put_into(network, tune.lora, config.seed) if tune.lora else None
    if tune.gradient_checkpointing:
        checkpoint_gradients(network)
    groups = parameter_groups(network, tune)
    batches = _Batches(network, examples, config, engine, views, workers)
    if tune.compile:
        batches.objective.compile()
    model = engine.accelerator.prepare_model(batches.objective)
    optimizer = torch.optim.AdamW(groups, fused=True)
    steps = len(batches.order.sizes())
    schedule = _schedule(optimizer, tune, steps * tune.epochs)
    average = WeightAverage(network, tune.ema)
    learning = Learning(network, optimizer, schedule, average, engine.accelerator.scaler)
    progress = Progress.load(run, learning)
    for epoch in range(progress.epoch, tune.epochs):
        if progress.is_exhausted(tune.patience):
            break
        start = time.monotonic()
        total = _learn_epoch(epoch, batches, model, learning, config, engine)
        entry: dict[str, Any] = {
            "epoch": epoch + 1,
            "loss": round(total / len(examples.pictures), 6),
            "lr": schedule.get_last_lr()[-1],
            "seconds": round(time.monotonic() - start, 1),
        }
        last = epoch + 1 == tune.epochs
        if validate is not None and ((epoch + 1) % tune.validate_every == 0 or last):
            with average.applied_to(network):
                entry["validation"] = dict(validate(network))
                progress.judge(entry["validation"]["kl"], network)
        progress.advance(entry)
        if engine.is_first:
            progress.save(run, learning)
        engine.wait()
    average.write_into(network)
    if tune.patience and progress.best_weights is not None:
        network.load_state_dict(progress.best_weights)
    network.cpu()
    if adapters:
        adapters.merge_into(network)
    engine.accelerator.free_memory()
    return progress.history


def _learn_epoch(
    epoch: int,
    batches: _Batches,
    model: nn.Module,
    learning: Learning,
    config: Config,
    engine: Engine,
) -> float:
    """Go through all batches once.

    Returns:
        The sum of the pictures' losses, over all processes.
    """
    tune = config.finetune
    optimizer = engine.accelerator.prepare_optimizer(learning.optimizer)
    total = torch.zeros((), dtype=torch.float64, device=_double_device(engine))
    bar = tqdm(
        batches.of_epoch(epoch),
        total=len(batches.order.sizes()),
        desc=f"epoch {epoch + 1}/{tune.epochs}",
        unit="batch",
        leave=False,
        disable=not engine.is_first,
    )
    for size, parts in bar:
        optimizer.zero_grad()
        mean = torch.zeros_like(total)
        for number, part in enumerate(parts, start=1):
            last = number == tune.accumulate
            with _gradients_summed(engine, model, last):
                loss = batches.loss(model, part, size, epoch)
                # Accelerate takes the mean over processes, each of which has its part of a sum.
                engine.accelerator.backward(loss * engine.size)
            mean += loss.detach().to(mean)
        optimizer.step()
        if not optimizer.step_was_skipped:  # as fp16 does when its scale was too large
            learning.schedule.step()
            learning.average.update(learning.network)
        total += mean * size
        if engine.is_first and engine.device.type == "cpu":
            bar.set_postfix(loss=f"{mean.item() * engine.size:.3f}", refresh=False)
    return engine.sum(total)


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


class _Batches:
    """The batches of each epoch, and the loss of one."""

    def __init__(
        self,
        network: EmotionNetwork,
        examples: Examples,
        config: Config,
        engine: Engine,
        views: Path | None,
        workers: int,
    ) -> None:
        self._examples, self._config, self._engine = examples, config, engine
        self._network = network.config
        self._stages = FrozenStages(network, config.finetune.freeze_stages)
        self._kept: KeptViews | None = None
        if views and not config.augment.mixup and self._stages.belong_to(network):
            contents = _contents(examples.pictures)
            self._kept = KeptViews(views, self._stages, network, config, contents, examples.numbers)
        self.objective = Objective(network, config, spread_of(examples.targets), self._stages)
        self.objective.leaves_stages_out = self._kept is not None
        self._targets = Targets.of(examples.targets, examples.weights, engine.device)
        if isinstance(examples.pictures, DecodedPictures):
            examples.pictures.share_room(workers)
        self.order = Order(
            len(examples.pictures),
            seed=config.seed,
            batch_size=config.finetune.batch_size,
            parts=config.finetune.accumulate,
            rank=engine.accelerator.process_index,
            size=engine.size,
        )
        self._loader = load(
            Views(
                examples.pictures,
                train_preset(network.config, config.augment),
                seed=config.seed,
                numbers=examples.numbers,
                kept=self._kept,
            ),
            self.order,
            workers=workers,
            pin=engine.device.type == "cuda",
        )

    def of_epoch(self, epoch: int) -> Iterator[tuple[int, list[Batch]]]:
        """The size of each batch over all processes, and this process's parts of it."""
        self.order.epoch = epoch
        parts = iter(self._loader)
        for size in self.order.sizes():
            yield size, [next(parts) for _ in range(self._config.finetune.accumulate)]

    def loss(self, model: nn.Module, batch: Batch, size: int, epoch: int) -> Tensor:
        """The part of a batch's mean loss that these views have.

        Args:
            model: the objective, as the engine wants it called.
            batch: some of its views.
            size: pictures in the whole batch.
            epoch: which the views hang on.
        """
        config, engine = self._config, self._engine
        rows = [really(row) for row in batch.rows]
        targets = self._targets[rows]
        if rows != batch.rows:
            targets.weights.zero_()
        missing = [row for row in batch.rows if row not in batch.kept]
        drawn = torch.empty(0)
        if batch.drawn is not None:
            drawn = normalise(batch.drawn.to(engine.device, non_blocking=True), self._network)
        if self._kept is None:
            views = drawn
            if config.augment.mixup:
                views, targets = self._mix(rows, epoch, views, targets)
        else:
            found = {row: maps.to(engine.device) for row, maps in batch.kept.items()}
            if missing:
                with engine.accelerator.autocast():
                    made = self._kept.maps([really(row) for row in missing], epoch, drawn)
                found |= dict(zip(missing, made, strict=True))
            views = torch.stack([found[row] for row in batch.rows]).permute(0, 3, 1, 2)
        if config.finetune.dropout:
            first = self._examples.numbers[rows[0]]
            torch.manual_seed(seed_of(config.seed, epoch, first))
        loss: Tensor = model(views, targets, size)
        return loss

    def _mix(
        self, rows: list[int], epoch: int, views: Tensor, targets: Targets
    ) -> tuple[Tensor, Targets]:
        """Mixup within the rows (Zhang et al., ICLR 2018)."""
        alpha = self._config.augment.mixup
        rng = np.random.default_rng([self._config.seed, epoch, *rows])
        share = float(rng.beta(alpha, alpha))
        other = torch.from_numpy(rng.permutation(len(rows))).to(views.device)
        mixed = views.lerp(views[other], 1 - share)
        return mixed.contiguous(memory_format=torch.channels_last), targets.mixed(other, share)


def _contents(pictures: Sequence[Image.Image]) -> list[str]:
    if isinstance(pictures, DecodedPictures):
        return [pictures.content(i) for i in range(len(pictures))]
    return [hashlib.sha256(picture.tobytes()).hexdigest()[:16] for picture in pictures]


def _gradients_summed(engine: Engine, model: nn.Module, last: bool) -> AbstractContextManager[Any]:
    """Processes sum their gradients at the last part of a batch, and not before."""
    return nullcontext() if last else engine.accelerator.no_sync(model)


def _double_device(engine: Engine) -> torch.device:
    """Where sums of losses are kept; Apple's graphics processors have no double precision."""
    return torch.device("cpu") if engine.device.type == "mps" else engine.device


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
