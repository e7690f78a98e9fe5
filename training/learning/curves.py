"""How a run learned, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw_curves(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Loss, and validation KL where there was any, over the epochs."""
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([e["epoch"] for e in history], [e["loss"] for e in history], label="training loss")
    judged = [entry for entry in history if "validation" in entry]
    if judged:
        axes.plot(
            [e["epoch"] for e in judged],
            [e["validation"]["kl"] for e in judged],
            marker="o",
            label="validation KL",
        )
    axes.set(xlabel="epoch", ylabel="nats", ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=120)
