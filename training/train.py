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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from moodlens.errors import MoodLensError
from moodlens.model.checkpoint import read_metrics
from training.data.source import LabelledPictures
from training.data.split import SPLIT_NAMES, load_split
from training.judging.out_of_fold import NOT_JUDGED, Judged, read_judged, write_figures
from training.judging.report import console, print_evaluation
from training.learning.learn import Learned, learn
from training.learning.tracking import track
from training.options import (
    add_out_option,
    add_recipe_options,
    config_from,
    data_from,
    engine_from,
    loading_from,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, learn, judge, write, print."""
    args = _parse(arguments)
    try:
        config = config_from(args)
        engine = engine_from(args, config)
        dataset = data_from(args)
        numbers = load_split(args.split, dataset).indices.tolist()
        part = dataset.subset(numbers)
        judged = read_judged(args.judged_by, part, config.to_json()) if args.judged_by else None
        learned = learn(
            dataset,
            numbers,
            config,
            out=args.out,
            cache=args.cache,
            keep_views=args.keep_views,
            name=args.name or f"moodlens-{config.backbone}",
            teachers=args.teacher,
            facts={"split": args.split},
            engine=engine,
            loading=loading_from(args, engine),
        )
        if not engine.is_first:
            return 0
        document = _document(args.out, learned, part, judged)
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
        print(NOT_JUDGED)
    return 0


def _document(
    folder: Path,
    learned: Learned,
    part: LabelledPictures,
    judged: Judged | None,
) -> dict[str, Any]:
    """The figures in metrics.json, written now if there is something to judge by."""
    if judged is None and not learned.history and learned.heads and learned.heads.out_of_fold:
        judged = Judged(learned.heads.out_of_fold)
    if judged is None:
        return read_metrics(folder) or {}
    return write_figures(folder, learned.checkpoint, part, judged, "python -m training.train")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description="Learn which emotions pictures evoke, and write a checkpoint.",
    )
    add_recipe_options(parser)
    add_out_option(parser)
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
