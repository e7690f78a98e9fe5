"""Learn and write a checkpoint: ``python -m training.train``.

::

    python -m training.train --data DIR --out DIR [--backbone NAME] [--pretrained FILE]
        [--recipe NAME] [--config FILE] [--set NAME=VALUE ...]
        [--split NAME] [--teacher FILE ...] [--judged-by DIR]

Hyper-parameters come from ``config.yaml``, a recipe in it, a file of yours and the options, in that
order. The frozen backbone's features are kept in ``--cache``; a stopped run goes on when the same
command is given again, and ``--out`` never belongs to two runs.

Frozen heads are judged by cross-validation on the way. A fine-tuned network would have to be
fine-tuned five times for that: ``training.crossvalidate`` does so, and ``--judged-by`` names its
folder, from which the certainty is fitted and the figures are copied.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from moodlens.checkpoint import CONFIG, METRICS, file_sha256, read_json, read_metrics, write_json
from moodlens.errors import MoodLensError, SettingsError
from training.calibrate import store_certainty
from training.calibration import fit_certainty
from training.config import read_environment
from training.crossvalidate import OUT_OF_FOLD, RESULTS
from training.emotion6 import Emotion6
from training.evaluate import FORMAT, without_names
from training.judgement import judge
from training.learn import Learned, learn
from training.options import add_recipe_options, config_from, data_from
from training.provenance import warn_of_reference_val
from training.ratings import Ratings
from training.ratings_file import read_ratings
from training.report import console, print_evaluation
from training.split import SPLIT_NAMES, load_split
from training.tracking import track
from training.workers import Workers


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, learn, judge, write, print."""
    args = _parse(arguments)
    try:
        torch.set_num_threads(args.threads)
        workers = Workers.join()
        config = config_from(args)
        dataset = data_from(args)
        numbers = load_split(args.split, dataset).indices.tolist()
        part = dataset.subset(numbers)
        judged = _judged_by(args.judged_by, part, config.to_json()) if args.judged_by else None
        learned = learn(
            dataset,
            numbers,
            config,
            out=args.out,
            cache=args.cache,
            name=args.name or f"moodlens-{config.backbone}",
            teachers=args.teacher,
            facts={"split": args.split},
            workers=workers,
        )
        if not workers.is_first:
            return 0
        results = read_json(args.judged_by / RESULTS) if args.judged_by else None
        document = _document(args.out, learned, part, judged, results)
        if args.track:
            track(args.track, config.to_json(), learned.history, document, args.out)
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    if "metrics" in document:
        print_evaluation(document, console())
    else:
        print("Not judged yet: give --judged-by, or run training.evaluate on other pictures.")
    return 0


def _document(
    folder: Path,
    learned: Learned,
    part: Emotion6,
    judged: Ratings | None,
    results: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Write metrics.json with the out-of-fold figures; see ``training.evaluate`` for its form."""
    if judged is None and learned.heads is not None and not learned.history:
        judged = learned.heads.out_of_fold
    if judged is None:
        return read_metrics(folder) or {}
    facts = learned.checkpoint.training
    certainty = fit_certainty(judged, part.ratings)
    store_certainty(folder, certainty)
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": learned.checkpoint.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python -m training.train",
        "warnings": warn_of_reference_val(facts),
        "split": {
            "name": "out_of_fold",
            "size": len(part),
            "absent": 0,
            "skipped": len(part.skipped),
            "seen_in_training": False,
            "seen": 0,
        },
        "model_sha256": learned.checkpoint.weights_sha256,
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


def _judged_by(folder: Path, part: Emotion6, config: Mapping[str, Any]) -> Ratings:
    results = read_json(folder / RESULTS)
    if results.get("config") != config:
        raise SettingsError(
            f"The cross-validation in {folder.name!r} judged other hyper-parameters than these."
        )
    return read_ratings(folder / OUT_OF_FOLD, part.names)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description="Learn which emotions pictures evoke, and write a checkpoint.",
    )
    add_recipe_options(parser)
    out = read_environment().get("CHECKPOINT_DIR")
    parser.add_argument(
        "--out",
        type=Path,
        default=out,
        required=out is None,
        metavar="DIR",
        help="folder for the checkpoint (or CHECKPOINT_DIR)",
    )
    parser.add_argument("--name", help="of the checkpoint; moodlens-<backbone> by default")
    parser.add_argument("--split", choices=SPLIT_NAMES, default="all", help="what to learn from")
    parser.add_argument(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="ratings to mix into the targets; may be given several times",
    )
    parser.add_argument(
        "--judged-by", type=Path, metavar="DIR", help="what training.crossvalidate wrote"
    )
    parser.add_argument("--track", choices=["mlflow"], help="log the run there as well")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
