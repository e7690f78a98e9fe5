"""What cross-validation leaves in a folder: each fold's ratings, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from moodlens.errors import SettingsError
from moodlens.model.certainty import is_finite_number
from moodlens.model.checkpoint import Checkpoint
from moodlens.model.checkpoint_files import read_json, write_json
from training.data.ratings import Ratings
from training.data.ratings_file import read_ratings, write_ratings
from training.data.source import LabelledPictures
from training.data.split import FOLD_NAMES, load_split
from training.judging.answers import predict
from training.judging.metrics import METRICS, score

RESULTS = "results.json"
OUT_OF_FOLD = "out_of_fold.csv"


def judge_fold(
    name: str, dataset: LabelledPictures, checkpoint: Checkpoint, out: Path
) -> dict[str, float]:
    """Ask a checkpoint about the fold that it did not learn from; write ``fold<k>.csv``.

    Returns:
        The fold's figures.
    """
    held_out = dataset.subset(load_split(name, dataset).indices)
    predicted = predict(checkpoint, held_out)
    write_ratings(out / f"{name}.csv", held_out.names, predicted)
    return figures_of(predicted, held_out.ratings)


def gather(
    out: Path, dataset: LabelledPictures, config: Mapping[str, Any], **notes: Any
) -> dict[str, Any]:
    """Read the folds that are finished and write what they say together.

    Args:
        out: with ``fold<k>.csv``.
        dataset: the whole data set.
        config: what the folds were learned by, as JSON.
        notes: more to keep in the results.

    Returns:
        ``{"config", "folds": {name: {metric: value}}, "mean", "spread", "pooled"}``; ``pooled`` are
        the figures of all judged pictures at once, the rest is per fold. ``spread`` is the standard
        deviation over folds.
    """
    folds: dict[str, dict[str, float]] = {}
    names: list[str] = []
    judged: list[Ratings] = []
    for name in FOLD_NAMES:
        path = out / f"{name}.csv"
        if path.is_file():
            part = dataset.subset(load_split(name, dataset).indices)
            predicted = read_ratings(path, part.names)
            folds[name] = figures_of(predicted, part.ratings)
            names += part.names
            judged.append(predicted)
    if not judged:
        raise SettingsError("No fold is finished yet.")
    together = Ratings.joined(judged)
    position = {name: i for i, name in enumerate(dataset.names)}
    true = dataset.ratings[[position[name] for name in names]]
    table = {
        key: [figures[key] for figures in folds.values()]
        for key in METRICS
        if all(key in figures for figures in folds.values())
    }
    results = {
        "config": dict(config),
        "pictures": len(names),
        "folds": folds,
        "mean": {key: round(float(np.mean(v)), 5) for key, v in table.items()},
        "spread": {key: round(float(np.std(v)), 5) for key, v in table.items()},
        "pooled": figures_of(together, true),
        **notes,
    }
    write_json(out / RESULTS, results)
    if len(folds) == len(FOLD_NAMES):
        write_ratings(out / OUT_OF_FOLD, names, together)
    return results


def read_results(folder: Path) -> dict[str, Any]:
    """What :func:`gather` wrote into a folder.

    Raises:
        CheckpointError: there is no such file, or one that is no JSON.
        SettingsError: it was not written so.
    """
    results = read_json(folder / RESULTS)
    folds = results.get("folds")
    tables = [results.get("mean"), results.get("spread"), *_values(folds)]
    temperature = results.get("temperature", 1.0)
    if (
        not isinstance(results.get("config"), dict)
        or not isinstance(results.get("pictures"), int)
        or not isinstance(folds, dict)
        or not all(isinstance(table, dict) for table in tables)
        or not all(is_finite_number(value) for table in tables for value in table.values())
        or not (is_finite_number(temperature) and temperature > 0)
    ):
        raise SettingsError(f"The {RESULTS} in {folder.name!r} is not one of a cross-validation.")
    return results


def _values(table: Any) -> list[Any]:
    return list(table.values()) if isinstance(table, dict) else []


def figures_of(predicted: Ratings, true: Ratings) -> dict[str, float]:
    """Every metric, rounded as it is stored; but those of a scale that nobody was asked about."""
    scores = score(predicted, true)
    return {name: round(scores[name], 5) for name in METRICS if not math.isnan(scores[name])}
