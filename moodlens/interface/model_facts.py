"""What the loaded checkpoint's metrics.json knows, as the page needs it.

``training.evaluate`` documents the file. It may come from anywhere a checkpoint comes from, so
whatever is missing or of another kind counts as not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from moodlens.emotions import EMOTIONS
from moodlens.errors import CheckpointError
from moodlens.serving.service import PredictionService
from moodlens.telling.affect_chart import AffectError
from moodlens.telling.wording import Wording

_RANGES = {
    "top1": (0, 1),
    "top2": (0, 1),
    "pearson": (-1, 1),
    "kl": (0, 100),
    "valence_mae": (0, 8),
    "arousal_mae": (0, 8),
}
_SHOWN = tuple(_RANGES)
_SELDOM = 0.25
_REMEMBERED = 4
_PANEL = "15"
"""Viewers on a simulated panel: as many as Emotion6 asked about each picture."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Figures of the model, or of what it is held against.

    Attributes:
        name: ``model``, ``class_prior``, ``reference`` or ``panel``.
        figures: by the names of the metrics.
    """

    name: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far an emotion can be trusted to be found where it leads.

    Attributes:
        emotion: its name.
        led: pictures on which most viewers named it.
        named: pictures on which the model put it first; None where that is not known.
        right: pictures on which both did.
        pearson: correlation of its share with the viewers', None where that is not known.
        pictures: how many there were.
    """

    emotion: str
    led: int
    named: int | None
    right: int
    pearson: float | None
    pictures: int

    @property
    def is_seldom_found(self) -> bool:
        """Whether it mostly leads unnoticed."""
        return self.right < _SELDOM * self.led


def standings(service: PredictionService) -> list[Standing]:
    """The model first, then the baselines, then people; empty where nothing was measured."""
    data = _metrics(service)
    model = _honest_figures(data)
    if not model:
        return []
    prior = _figures(_at(data, "baselines", "class_prior", "metrics"))
    panel = _figures(_at(data, "human_ceiling", _PANEL, "against_panel"))
    found = [Standing("model", model), Standing("class_prior", prior)]
    if _at(data, "split", "name") == "reference_val":
        found.append(
            Standing("reference", _figures(_at(data, "baselines", "reference", "metrics")))
        )
    found.append(Standing("panel", panel))
    return [standing for standing in found if standing.figures]


def warnings(service: PredictionService, wording: Wording) -> list[str]:
    """What has to be known before any of the figures is believed."""
    data = _metrics(service)
    if not _is_unseen(data):
        pictures = _at(data, "cross_validation", "pictures")
        if not isinstance(pictures, int):
            return []
        return [wording("about.cross_validated", pictures=wording.number(pictures, 0))]
    found = _at(data, "warnings")
    return [note for note in found if isinstance(note, str)] if isinstance(found, list) else []


def affect_error(service: PredictionService) -> AffectError | None:
    """The mean absolute errors of valence and arousal, where they were honestly measured."""
    figures = _honest_figures(_metrics(service))
    valence, arousal = figures.get("valence_mae"), figures.get("arousal_mae")
    return AffectError(valence, arousal) if valence and arousal else None


def base_rates(service: PredictionService) -> dict[str, float] | None:
    """The mean share of each emotion among the pictures it was measured on; None where unknown."""
    data = _metrics(service)
    found = {name: _at(data, "base_rates", name) for name in EMOTIONS}
    known = {name: float(rate) for name, rate in found.items() if _is_share(rate)}
    return known if len(known) == len(EMOTIONS) else None


def reliabilities(service: PredictionService) -> list[Reliability]:
    """Of each emotion, on pictures that the network had not learned from; empty where unknown."""
    data = _metrics(service)
    pictures = _at(data, "split", "size")
    if not _is_unseen(data) or not isinstance(pictures, int):
        return []
    found = [_reliability(name, _at(data, "per_emotion", name), pictures) for name in EMOTIONS]
    return [one for one in found if one is not None]


def _reliability(emotion: str, data: Any, pictures: int) -> Reliability | None:
    led, recall = _at(data, "support"), _share(data, "recall")
    if not isinstance(led, int) or isinstance(led, bool) or led <= 0 or recall is None:
        return None
    right, precision = round(recall * led), _share(data, "precision")
    named = round(right / precision) if right and precision else None
    return Reliability(emotion, led, named, right, _figures(data).get("pearson"), pictures)


def _share(data: Any, name: str) -> float | None:
    value = _at(data, name, "value")
    return float(value) if _is_share(value) else None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _honest_figures(data: Any) -> dict[str, float]:
    """Of pictures that the network had not learned from; else those of its cross-validation."""
    if _is_unseen(data):
        return _figures(_at(data, "metrics"))
    return _figures(_at(data, "cross_validation", "mean"))


def _is_unseen(data: Any) -> bool:
    return _at(data, "split", "seen_in_training") is False


def _metrics(service: PredictionService) -> Any:
    loaded = service.loaded
    if loaded is None:
        return None
    from moodlens.model.checkpoint import METRICS

    try:
        changed = (loaded.folder / METRICS).stat().st_mtime_ns
    except OSError:
        return None
    return _read(loaded.folder, changed)


@lru_cache(_REMEMBERED)
def _read(folder: Path, changed: int) -> Any:
    """Once for each state of the file: every answer asks for it."""
    from moodlens.model.checkpoint import read_metrics

    try:
        return read_metrics(folder)
    except CheckpointError:
        return None


def _figures(data: Any) -> dict[str, float]:
    """Numbers by name, written as ``name: number`` or ``name: {"value": number}``."""
    if not isinstance(data, dict):
        return {}
    values = {name: _at(data, name, "value") or data.get(name) for name in _SHOWN}
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and _RANGES[name][0] <= value <= _RANGES[name][1]
    }


def _at(data: Any, *path: str) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data
