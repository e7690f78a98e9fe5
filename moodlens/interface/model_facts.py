"""What the loaded checkpoint's metrics.json knows, as the page needs it."""

from __future__ import annotations

from typing import Any

from moodlens.charts import AffectError
from moodlens.errors import CheckpointError
from moodlens.service import PredictionService


def metrics(service: PredictionService) -> dict[str, Any] | None:
    """The metrics of the checkpoint that answers now; None where there are none to trust."""
    loaded = service.loaded
    if loaded is None:
        return None
    from moodlens.checkpoint import read_metrics

    try:
        return read_metrics(loaded.folder)
    except CheckpointError:
        return None


def figure(data: Any, name: str) -> float | None:
    """One figure out of ``{"metrics": {name: {"value": ...}}}``, where it is there."""
    for key in ("metrics", name, "value"):
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return float(data) if isinstance(data, int | float) else None


def affect_error(service: PredictionService) -> AffectError | None:
    """The mean absolute errors of valence and arousal, where they were measured."""
    data = metrics(service)
    valence, arousal = figure(data, "valence_mae"), figure(data, "arousal_mae")
    return AffectError(valence, arousal) if valence and arousal else None
