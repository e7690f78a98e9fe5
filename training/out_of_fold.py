"""Figures of a network that learned from everything: those of its recipe, out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moodlens.checkpoint import CONFIG, METRICS, Checkpoint, file_sha256, read_json, write_json
from moodlens.errors import SettingsError
from training.calibrate import store_certainty
from training.calibration import fit_certainty
from training.emotion6 import Emotion6
from training.evaluate import FORMAT, without_names
from training.folds import OUT_OF_FOLD, RESULTS
from training.judgement import judge
from training.provenance import warn_of_reference_val
from training.ratings import Ratings
from training.ratings_file import read_ratings


def read_judged(folder: Path, part: Emotion6, config: Mapping[str, Any]) -> Ratings:
    """Out-of-fold ratings that cross-validation of the same config wrote.

    Raises:
        SettingsError: it judged another config.
        DatasetError: it lacks pictures.
    """
    if read_json(folder / RESULTS).get("config") != config:
        raise SettingsError(
            f"The cross-validation in {folder.name!r} judged other hyper-parameters than these."
        )
    return read_ratings(folder / OUT_OF_FOLD, part.names)


def write_figures(
    folder: Path,
    checkpoint: Checkpoint,
    part: Emotion6,
    judged: Ratings,
    command: str,
    results: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Fit the certainty, store it in the checkpoint, and write metrics.json.

    Args:
        folder: of the checkpoint.
        checkpoint: as loaded from there.
        part: the pictures that it learned from.
        judged: their out-of-fold ratings.
        command: that asked for it.
        results: of the cross-validation, if that is where the ratings come from.

    Returns:
        The document; see ``training.evaluate`` for its form.
    """
    facts = checkpoint.training
    certainty = fit_certainty(judged, part.ratings)
    store_certainty(folder, certainty)
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": checkpoint.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "warnings": warn_of_reference_val(facts),
        "split": {
            "name": "out_of_fold",
            "size": len(part),
            "absent": 0,
            "skipped": len(part.skipped),
            "seen_in_training": False,
            "seen": 0,
        },
        "model_sha256": checkpoint.weights_sha256,
        "config_sha256": file_sha256(folder / CONFIG),
        **judge(judged, part.ratings, part.names, known=None, certainty=certainty),
        "training": without_names(facts),
    }
    if results is not None:
        document["cross_validation"] = {
            key: results[key] for key in ("pictures", "folds", "mean", "spread")
        }
    write_json(folder / METRICS, document)
    return document
