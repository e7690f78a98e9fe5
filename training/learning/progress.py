"""How far a run of fine-tuning has come, kept on disk so that it can go on."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from moodlens.errors import SettingsError
from moodlens.model.network import EmotionNetwork
from training.learning.average import WeightAverage

STATE = "state.pt"
HISTORY = "history.jsonl"


class Learning(NamedTuple):
    """Everything whose state changes from step to step."""

    network: EmotionNetwork
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    average: WeightAverage
    scaler: torch.amp.GradScaler | None = None


@dataclass(slots=True)
class Progress:
    """How far a run has come.

    Attributes:
        epoch: epochs that are finished.
        history: one entry for each.
        best_kl: the least validation KL so far, in nats.
        since_best: validations since then.
        best_weights: of that time.
    """

    epoch: int
    history: list[dict[str, Any]]
    best_kl: float = math.inf
    since_best: int = 0
    best_weights: dict[str, Tensor] | None = None

    def judge(self, kl: float, network: EmotionNetwork) -> None:
        """Take in a validation of the network as it stands."""
        self.since_best += 1
        if kl < self.best_kl:
            self.best_kl, self.since_best = kl, 0
            self.best_weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    def is_exhausted(self, patience: int) -> bool:
        """Whether as many validations as allowed brought nothing better; never with 0."""
        return bool(patience) and self.since_best >= patience

    def advance(self, entry: dict[str, Any]) -> None:
        """One more epoch is finished."""
        self.epoch += 1
        self.history.append(entry)

    def save(self, run: Path, learning: Learning) -> None:
        """Write the state, whole or not at all, and the history beside it."""
        run.mkdir(parents=True, exist_ok=True)
        state = {
            "epoch": self.epoch,
            "history": self.history,
            "best": (self.best_kl, self.since_best, self.best_weights),
            "network": learning.network.state_dict(),
            "optimizer": learning.optimizer.state_dict(),
            "schedule": learning.schedule.state_dict(),
            "average": learning.average.weights,
            "updates": learning.average.updates,
            "scaler": learning.scaler.state_dict() if learning.scaler else None,
        }
        partial = run / f".{STATE}.partial"
        torch.save(state, partial)
        partial.replace(run / STATE)
        lines = "".join(json.dumps(entry) + "\n" for entry in self.history)
        (run / HISTORY).write_text(lines, encoding="utf-8")

    @classmethod
    def load(cls, run: Path, learning: Learning) -> Progress:
        """Go on from the state that lies there, or begin.

        Raises:
            SettingsError: the state is damaged, or was written by something else.
        """
        path = run / STATE
        if not path.is_file():
            return cls(0, [])
        try:
            return cls._from_state(
                torch.load(path, map_location="cpu", weights_only=True), learning
            )
        # PyTorch fails on such files with any exception there is, from EOFError to TypeError.
        except Exception:
            raise SettingsError(
                f"The run in the folder {run.parent.name!r} cannot go on: its {STATE} is damaged. "
                "Delete that file to begin again."
            ) from None

    @classmethod
    def _from_state(cls, state: Mapping[str, Any], learning: Learning) -> Progress:
        learning.network.load_state_dict(state["network"])
        learning.average.load(state["average"], state["updates"])
        learning.optimizer.load_state_dict(state["optimizer"])
        learning.schedule.load_state_dict(state["schedule"])
        if learning.scaler and state["scaler"]:
            learning.scaler.load_state_dict(state["scaler"])
        return cls(state["epoch"], state["history"], *state["best"])
