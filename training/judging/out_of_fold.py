"""Figures of a network that learned from everything: those of its recipe, out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from moodlens.errors import SettingsError
from moodlens.model.checkpoint import CONFIG, METRICS, Checkpoint
from moodlens.model.checkpoint_files import file_sha256, write_json
from training.data.provenance import public_names, warn_of_reference_val
from training.data.ratings import Ratings
from training.data.ratings_file import read_ratings
from training.data.source import LabelledPictures
from training.judging.certainty_fit import fit_certainty, store_certainty
from training.judging.folds import OUT_OF_FOLD, read_results
from training.judging.metrics_document import FORMAT, judge, without_names

NOT_JUDGED = "Not judged yet: give --judged-by, or run training.evaluate on other pictures."
"""What train and soup say without out-of-fold ratings."""


class Judged(NamedTuple):
    """What is known of pictures that a network of the same recipe did not learn from.

    Attributes:
        ratings: out of fold.
        results: of the cross-validation that they come from; None for frozen heads, which are
            judged on the way.
    """

    ratings: Ratings
    results: Mapping[str, Any] | None = None


def read_judged(folder: Path, part: LabelledPictures, config: Mapping[str, Any]) -> Judged:
    """What cross-validation of the same config wrote.

    Raises:
        SettingsError: it judged another config.
        DatasetError: it lacks pictures.
    """
    results = read_results(folder)
    if results["config"] != config:
        raise SettingsError(
            f"The cross-validation in {folder.name!r} judged other hyper-parameters than these."
        )
    return Judged(read_ratings(folder / OUT_OF_FOLD, part.names), results)


def write_figures(
    folder: Path,
    checkpoint: Checkpoint,
    part: LabelledPictures,
    judged: Judged,
    command: str,
) -> dict[str, Any]:
    """Fit the certainty, store it in the checkpoint, and write metrics.json.

    Args:
        folder: of the checkpoint.
        checkpoint: as loaded from there.
        part: the pictures that it learned from.
        judged: their out-of-fold ratings.
        command: that asked for it.

    Returns:
        The document; see ``training.evaluate`` for its form.
    """
    facts = checkpoint.training
    certainty = fit_certainty(judged.ratings, part.ratings)
    store_certainty(folder, certainty)
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": checkpoint.name,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
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
        **judge(judged.ratings, part.ratings, public_names(part), known=None, certainty=certainty),
        "training": without_names(facts),
    }
    if judged.results is not None:
        document["cross_validation"] = {
            key: judged.results[key] for key in ("pictures", "folds", "mean", "spread")
        }
    write_json(folder / METRICS, document)
    return document
