"""The command-line options that train, crossvalidate and soup have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from moodlens.errors import SettingsError
from training.data.emotion6 import Emotion6
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


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Which data set, for :func:`data_from`, and how many threads."""
    parser.add_argument(
        "--data",
        type=Path,
        default=read_environment().get("DATA_DIR"),
        metavar="DIR",
        help="folder of Emotion6 (or DATA_DIR)",
    )
    parser.add_argument("--skip-broken", action="store_true", help="leave unusable pictures out")
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


def data_from(args: argparse.Namespace) -> Emotion6:
    """Read and check the data set; say what was left out.

    Raises:
        DatasetError: it is not Emotion6 as published.
        SettingsError: no folder was given.
    """
    if args.data is None:
        raise SettingsError("Say with --data, or with DATA_DIR, where Emotion6 lies.")
    dataset = Emotion6.read(
        args.data, missing="skip" if args.skip_broken else "refuse", progress=True
    )
    if dataset.skipped:
        print(dataset.describe_skipped())
    return dataset
