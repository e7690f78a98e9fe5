"""Judge a checkpoint: ``python -m training.evaluate``.

::

    python -m training.evaluate --data DIR --checkpoint DIR
                                [--split NAME] [--skip-broken] [--out DIR]

Every picture of the split is decoded, cropped and answered by the app's own code. The figures go to
the terminal, to ``metrics.json`` in the checkpoint folder, and as pictures to its ``evaluation/``.
``DATA_DIR`` and ``CHECKPOINT_DIR``, in the environment or in ``.env``, stand in for the options.

``metrics.json``, a contract with ``training.publish`` and the app's page::

    {"format": 1,
     "name": the checkpoint's,
     "created": UTC, ISO 8601, to the second,
     "command": what was run, without paths,
     "warnings": [sentences; what has to be known before any figure is believed],
     "split": {"name", "size", "absent": names listed but not in the data, "skipped": unusable ones,
               "seen_in_training": true | false | null (unknown), "seen": number of such pictures},
     "model_sha256": of model.safetensors,
     "config_sha256": of config.json,
     "metrics": {name: {"value", "low", "high"}},             names: judging.metrics.METRICS
     "per_emotion": {emotion: {"support", name: {"value", "low", "high"}}},
     "baselines": {"uniform" | "class_prior" | "reference": {"about", "metrics"}},
     "human_ceiling": {"15" | "30": {"against_truth" | "against_panel": metrics}},
     "base_rates": {emotion: mean share among the viewers of these pictures},
     "confusion": [[pictures]], rows viewers, columns predicted, in the order of the emotions,
     "reliability": [{"low", "high", "size", "stated", "observed"}], the shares of all six,
     "certainty": {"ece", "brier", "brier_of_constant", "reliability"} | null,
     "coverage": {"by": "certainty" | "confidence",
                  "rows": [{"coverage", "accuracy", "threshold"}]},
     "worst": [{"name", "kl", "viewers": {emotion: share}, "predicted": {emotion: share}}],
     "cross_validation": kept from an older metrics.json of the same weights, if it has one,
     "training": the facts of config.json, less the names of the pictures learned from}

``low`` and ``high`` bound the bootstrap 95 % interval, and for the human ceiling the central 95 %
of the simulated panels; they are null where there is none.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from moodlens.errors import MoodLensError, SettingsError
from moodlens.model.checkpoint import (
    CONFIG,
    METRICS,
    Checkpoint,
    load_checkpoint,
    read_metrics,
    verify_probe,
)
from moodlens.model.checkpoint_files import file_sha256, write_json
from training.data.provenance import public_names, seen_in_training, warn_of_reference_val
from training.data.ratings import Ratings
from training.data.source import LabelledPictures
from training.data.split import (
    SPLIT_NAMES,
    Split,
    load_split,
    reference_split_agrees,
    reference_val_names,
)
from training.judging.answers import predict
from training.judging.metrics_document import FORMAT, PICTURES, judge, without_names
from training.judging.plots import draw_all
from training.judging.report import console, print_evaluation
from training.options import add_checkpoint_option, add_source_options, data_from


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, judge, write, print."""
    args = _parse(arguments)
    try:
        folder: Path = args.checkpoint
        checkpoint = load_checkpoint(folder)
        verify_probe(checkpoint)
        dataset = data_from(args, quiet=True)
        split = load_split(args.split or default_split(dataset), dataset)
        part = dataset.subset(split.indices)
        predicted = predict(checkpoint, part)
        document = evaluate(folder, checkpoint, dataset, split, predicted)
        pictures = _write(folder, args.out or folder / PICTURES, document, predicted, part.ratings)
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    out = console()
    print_evaluation(document, out)
    out.print(f"Written: {METRICS} in the checkpoint, and {', '.join(pictures)}.", highlight=False)
    return 0


def default_split(dataset: LabelledPictures) -> str:
    """``reference_val`` where the data set has all of it, else ``all``."""
    return "reference_val" if reference_val_names() <= set(dataset.names) else "all"


def evaluate(
    folder: Path,
    checkpoint: Checkpoint,
    dataset: LabelledPictures,
    split: Split,
    predicted: Ratings,
) -> dict[str, Any]:
    """The content of metrics.json.

    Args:
        folder: where the checkpoint lies.
        checkpoint: as loaded from it.
        dataset: the whole data set.
        split: which of its pictures were predicted.
        predicted: the ratings of these, in their order.
    """
    part = dataset.subset(split.indices)
    others = np.setdiff1d(np.arange(len(dataset)), split.indices)
    seen = seen_in_training(checkpoint.training, part.names, part)
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": checkpoint.name,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": f"python -m training.evaluate --data DIR --checkpoint DIR --split {split.name}",
        "warnings": warnings_about(checkpoint.training, dataset, split, seen),
        "split": {
            "name": split.name,
            "size": len(split),
            "absent": len(split.absent),
            "skipped": len(dataset.skipped),
            "seen_in_training": None if seen is None else bool(seen),
            "seen": None if seen is None else len(seen),
        },
        "model_sha256": checkpoint.weights_sha256,
        "config_sha256": file_sha256(folder / CONFIG),
        **judge(
            predicted,
            part.ratings,
            public_names(part),
            known=dataset.ratings[others] if len(others) else None,
            certainty=checkpoint.certainty,
        ),
    }
    older = read_metrics(folder) or {}
    if older.get("model_sha256") == checkpoint.weights_sha256 and "cross_validation" in older:
        document["cross_validation"] = older["cross_validation"]
    document["training"] = without_names(checkpoint.training)
    return document


def warnings_about(
    facts: Mapping[str, Any], dataset: LabelledPictures, split: Split, seen: Sequence[str] | None
) -> list[str]:
    """What has to be known before any figure is believed.

    Args:
        facts: ``training`` of the checkpoint's config.json.
        dataset: the whole data set.
        split: the part that is judged.
        seen: those of its pictures that the network learned from; None where nobody knows.
    """
    warnings: list[str] = []
    if seen is None:
        warnings.append("The checkpoint does not say which pictures it learned from.")
    elif seen:
        warnings.append(
            f"The network learned from {len(seen)} of these {len(split)} pictures: the figures say "
            "how well it remembers, not how well it judges pictures it has never seen."
        )
    warnings += warn_of_reference_val(facts)
    if split.absent:
        warnings.append(f"The split is not whole: {split}.")
    if dataset.skipped:
        warnings.append(dataset.describe_skipped())
    if reference_split_agrees(dataset) is False:
        warnings.append("The reference's split, made again from this data, is another one.")
    return warnings


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description="Judge a checkpoint on labelled pictures and write metrics.json beside it.",
    )
    add_source_options(parser)
    add_checkpoint_option(parser)
    parser.add_argument(
        "--split",
        choices=SPLIT_NAMES,
        help="which pictures; by default reference_val where the data has all of it, else all",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=f"where the plots go; {PICTURES}/ by default"
    )
    return parser.parse_args(arguments)


def _write(
    folder: Path, pictures: Path, document: Mapping[str, Any], predicted: Ratings, true: Ratings
) -> list[str]:
    try:
        drawn = draw_all(pictures, document, predicted, true)
        write_json(folder / METRICS, document)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise SettingsError(f"The evaluation cannot be written: {reason.lower()}.") from None
    return [path.name for path in drawn]


if __name__ == "__main__":
    sys.exit(main())
