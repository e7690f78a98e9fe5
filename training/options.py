"""The command-line options that train, crossvalidate and soup have in common."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from moodlens.errors import SettingsError
from training.data.dataset import Dataset
from training.data.opening import open_data
from training.data.rated_files import USUALLY, Reading
from training.learning.config import Config, load_config, parse_override, read_environment

_SHORTCUTS = {
    "backbone": "backbone",
    "pretrained": "pretrained",
    "labels": "labels",
    "seed": "seed",
    "epochs": "finetune.epochs",
    "lr": "finetune.lr",
    "batch_size": "finetune.batch_size",
    "storage": "storage",
}
_NUMBERS = {"seed": int, "epochs": int, "lr": float, "batch_size": int}


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Which pictures, for :func:`data_from`."""
    parser.add_argument(
        "--data",
        action="append",
        metavar="PATH[@WEIGHT]",
        help="folder of Emotion6, table beside pictures, or feedback folder (or DATA_DIR); may be "
        "given several times",
    )
    parser.add_argument(
        "--skip-broken", action="store_true", help="leave unusable rows and pictures out"
    )
    parser.add_argument(
        "--vote-weight",
        type=_not_negative,
        default=USUALLY.vote_weight,
        metavar="POWER",
        help="of a picture's votes in its weight: 0 counts pictures, 1 counts votes (%(default)g)",
    )
    parser.add_argument(
        "--feedback-prior",
        type=_not_negative,
        default=USUALLY.prior,
        metavar="VOTES",
        help="that the model's own prediction is worth beside viewers' (%(default)g)",
    )


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError("must be a number from 0 on")
    return value


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Which pictures, for :func:`data_from`, and how many threads."""
    add_source_options(parser)
    parser.add_argument(
        "--threads", type=int, default=2, help="processor threads for PyTorch; part of determinism"
    )


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """What to learn from and how."""
    environment = read_environment()
    add_data_options(parser)
    parser.add_argument("--recipe", help="a set of changes that config.yaml names")
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML over config.yaml")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one hyper-parameter, such as finetune.epochs=10; may be given several times",
    )
    for option, name in _SHORTCUTS.items():
        parser.add_argument(
            f"--{option.replace('_', '-')}",
            type=_NUMBERS.get(option, str),
            default=environment.get("PRETRAINED_FILE") if option == "pretrained" else None,
            help=f"short for --set {name}=...",
        )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(environment.get("CACHE_DIR", "runs/features")),
        metavar="DIR",
        help="for frozen features of any run (or CACHE_DIR)",
    )
    parser.add_argument(
        "--keep-views",
        action="store_true",
        help="keep there what frozen stages make of each view: folds and recipes with the same "
        "augmentation learn several times faster from it, at up to 0.4 MB a picture and epoch",
    )


def config_from(args: argparse.Namespace) -> Config:
    """The hyper-parameters that the options ask for.

    Raises:
        SettingsError: a name or value that cannot be.
    """
    overrides: dict[str, Any] = {
        name: getattr(args, option)
        for option, name in _SHORTCUTS.items()
        if getattr(args, option) is not None
    }
    overrides |= dict(parse_override(text) for text in args.overrides)
    return load_config(args.config, recipe=args.recipe, overrides=overrides)


def data_from(args: argparse.Namespace, *, quiet: bool = False) -> Dataset:
    """Read, check and join all data that was asked for; say what was left out.

    Args:
        args: with what :func:`add_source_options` adds.
        quiet: leave it to the caller to say what was left out.

    Raises:
        DatasetError: it cannot be used.
        HubError: the Hub does not have it.
        SettingsError: nothing was given.
    """
    default = read_environment().get("DATA_DIR")
    wanted = args.data or ([default] if default else [])
    if not wanted:
        raise SettingsError("Say with --data, or with DATA_DIR, where the pictures lie.")
    dataset = open_data(
        wanted,
        Reading(
            missing="skip" if args.skip_broken else "refuse",
            vote_weight=args.vote_weight,
            prior=args.feedback_prior,
        ),
    )
    if dataset.skipped and not quiet:
        print(dataset.describe_skipped())
    return dataset
