"""Judge a recipe on pictures it did not learn from: ``python -m training.crossvalidate``.

::

    python -m training.crossvalidate --data DIR --out DIR [--recipe NAME] [--config FILE]
        [--set NAME=VALUE ...] [--pretrained FILE] [--teacher-dir DIR ...] [--folds 0,1]
    python -m training.crossvalidate --compare OUT_A OUT_B

Every fold is learned without its own pictures, by the same code as ``training.train``, and judged
through its written checkpoint by the app's own code, one upright view each. A teacher folder holds
``without_fold<k>.csv``, made without the pictures of fold k. Folds that are finished are not run
again, so a stopped command goes on, and two commands may share the folds of one folder.

In ``--out``: ``fold<k>.csv`` (ratings of the fold's pictures), ``results.json``, and once all folds
are there ``out_of_fold.csv``, which can serve as a teacher and as what the certainty is fitted on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from moodlens.errors import MoodLensError, SettingsError
from moodlens.model.checkpoint_files import read_json
from training.data.source import LabelledPictures
from training.data.split import FOLD_NAMES, load_split
from training.judging.folds import gather, judge_fold, read_results
from training.judging.metrics import METRICS
from training.judging.report import console
from training.learning.config import Config
from training.learning.engine import Engine
from training.learning.learn import learn
from training.learning.run_folder import DESCRIPTION, RUN
from training.options import (
    add_recipe_options,
    config_from,
    data_from,
    engine_from,
    loading_from,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the folds that are missing, gather those that are there, print the table."""
    args = _parse(arguments)
    try:
        if args.compare:
            console().print(_comparison(*(read_results(path) for path in args.compare)))
            return 0
        if args.out is None:
            raise SettingsError("Say with --out where the folds should go.")
        config = config_from(args)
        engine = engine_from(args, config)
        dataset = data_from(args)
        args.out.mkdir(parents=True, exist_ok=True)
        _refuse_mixture(args.out, config)
        for name in args.folds:
            _run_fold(name, dataset, config, engine, args)
        results = gather(args.out, dataset, config.to_json())
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    console().print(folds_table(results))
    return 0


def _refuse_mixture(out: Path, config: Config) -> None:
    """Folds of other hyper-parameters must not be told as these.

    Raises:
        SettingsError: a fold here belongs to another config.
    """
    for name in FOLD_NAMES:
        path = out / name / RUN / DESCRIPTION
        if path.is_file() and read_json(path).get("config") != config.to_json():
            raise SettingsError(
                f"{name} in the folder {out.name!r} was learned with other hyper-parameters. "
                "Give another --out."
            )


def _run_fold(
    name: str,
    dataset: LabelledPictures,
    config: Config,
    engine: Engine,
    args: argparse.Namespace,
) -> None:
    if (args.out / f"{name}.csv").is_file():
        return
    learned = learn(
        dataset,
        load_split(f"without_{name}", dataset).indices.tolist(),
        config,
        out=args.out / name,
        cache=args.cache,
        keep_views=args.keep_views,
        name=f"{config.backbone}-{name}",
        teachers=[folder / f"without_{name}.csv" for folder in args.teacher_dir],
        engine=engine,
        loading=loading_from(args, engine),
    )
    if not engine.is_first:
        return
    print_fold(name, judge_fold(name, dataset, learned.checkpoint, args.out))


def print_fold(name: str, figures: Mapping[str, float]) -> None:
    """One line for a fold that is done."""
    console().print(
        f"{name}: " + ", ".join(f"{k} {figures[k]:.3f}" for k in _HEADLINE if k in figures)
    )


_HEADLINE = ("kl", "pearson", "top1", "top2", "valence_r", "arousal_r")


def folds_table(results: Mapping[str, Any]) -> Table:
    """The figures of each fold, their mean and spread."""
    folds = results["folds"]
    table = Table(title=f"{len(folds)} folds, {results['pictures']} pictures", box=box.SIMPLE_HEAD)
    for title in ("metric", "mean", "spread", *folds):
        table.add_column(title, justify="left" if title == "metric" else "right")
    for key, metric in METRICS.items():
        if key not in results["mean"]:  # a scale that no viewer was asked about
            continue
        cells = [results["mean"][key], results["spread"][key], *(f[key] for f in folds.values())]
        table.add_row(metric.title, *(f"{value:.4f}" for value in cells))
    return table


def _comparison(a: Mapping[str, Any], b: Mapping[str, Any]) -> Table:
    """Two configs side by side on the folds that both have, with the paired difference."""
    common = [name for name in a["folds"] if name in b["folds"]]
    if not common:
        raise SettingsError("The two have no finished fold in common.")
    table = Table(title=f"paired over {', '.join(common)}", box=box.SIMPLE_HEAD)
    for title in ("metric", "A", "B", "B - A", "spread of B - A", "folds better in B"):
        table.add_column(title, justify="left" if title == "metric" else "right")
    for key, metric in METRICS.items():
        if key not in a["mean"] or key not in b["mean"]:
            continue
        first = np.array([a["folds"][name][key] for name in common])
        second = np.array([b["folds"][name][key] for name in common])
        difference = second - first
        better = int((difference > 0).sum() if metric.higher_is_better else (difference < 0).sum())
        cells = (first.mean(), second.mean(), difference.mean(), difference.std())
        table.add_row(metric.title, *(f"{v:.4f}" for v in cells), f"{better} of {len(common)}")
    return table


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.crossvalidate",
        description="Judge a recipe by stratified cross-validation.",
    )
    add_recipe_options(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the folds go")
    parser.add_argument(
        "--folds", type=_fold_names, default=FOLD_NAMES, help="such as 0,1; all five by default"
    )
    parser.add_argument(
        "--teacher-dir",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="holds without_fold<k>.csv; may be given several times",
    )
    parser.add_argument(
        "--compare", type=Path, nargs=2, metavar="DIR", help="lay two finished ones side by side"
    )
    return parser.parse_args(arguments)


def _fold_names(text: str) -> tuple[str, ...]:
    names = tuple(f"fold{part.strip()}" for part in text.split(","))
    if not set(names) <= set(FOLD_NAMES):
        raise argparse.ArgumentTypeError("folds are numbers from 0 to 4, such as 0,1")
    return names


if __name__ == "__main__":
    sys.exit(main())
