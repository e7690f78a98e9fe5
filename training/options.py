"""The command-line options that train, crossvalidate and soup have in common."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import Any

import torch

from moodlens.errors import SettingsError
from training.data.dataset import Dataset
from training.data.opening import open_data
from training.data.rated_files import USUALLY, Reading
from training.learning.config import Config, load_config, parse_override, read_environment
from training.learning.decoding import ROOM
from training.learning.engine import DEVICES, Engine
from training.learning.learn import Loading

_SHORTCUTS = {
    "backbone": "backbone",
    "pretrained": "pretrained",
    "labels": "labels",
    "seed": "seed",
    "epochs": "finetune.epochs",
    "lr": "finetune.lr",
    "batch_size": "finetune.batch_size",
    "storage": "storage",
    "precision": "finetune.precision",
}
_MOST_WORKERS = 8
_NUMBERS = {"seed": int, "epochs": int, "lr": float, "batch_size": int}


def add_checkpoint_option(parser: argparse.ArgumentParser) -> None:
    """``--checkpoint``, which folder to read, or the environment's CHECKPOINT_DIR in its place."""
    _add_checkpoint_folder(parser, "--checkpoint", "folder of the checkpoint")


def add_out_option(parser: argparse.ArgumentParser) -> None:
    """``--out``, where a checkpoint goes, or the environment's CHECKPOINT_DIR in its place."""
    _add_checkpoint_folder(parser, "--out", "folder for the checkpoint")


def _add_checkpoint_folder(parser: argparse.ArgumentParser, option: str, what: str) -> None:
    default = read_environment().get("CHECKPOINT_DIR")
    parser.add_argument(
        option,
        type=Path,
        default=default,
        required=default is None,
        metavar="DIR",
        help=f"{what} (or CHECKPOINT_DIR)",
    )


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


def _count(text: str) -> int:
    return int(_not_negative(text))


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
        "--gradient-checkpointing",
        action="store_true",
        help="short for --set finetune.gradient_checkpointing=true",
    )
    parser.add_argument(
        "--device", choices=DEVICES, default="auto", help="where to learn (what there is)"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that decode and augment (0 on a processor, up to 8 beside a graphics card)",
    )
    parser.add_argument(
        "--picture-cache",
        type=_count,
        default=ROOM // 1_000_000,
        metavar="MB",
        help="decoded pictures that may be kept in memory (%(default)s)",
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
    if args.gradient_checkpointing:
        overrides["finetune.gradient_checkpointing"] = True
    overrides |= dict(parse_override(text) for text in args.overrides)
    return load_config(args.config, recipe=args.recipe, overrides=overrides)


def engine_from(args: argparse.Namespace, config: Config) -> Engine:
    """The device and precision that are asked for, and the processes of the launcher.

    Raises:
        SettingsError: there is no such device here.
    """
    # Where the heads alone are fitted, precision is nobody's business.
    engine = Engine.start(
        args.device, config.finetune.precision if config.finetune.epochs else "fp32"
    )
    torch.set_num_threads(args.threads)
    return engine


def loading_from(args: argparse.Namespace, engine: Engine) -> Loading:
    """How pictures are decoded."""
    workers = args.workers
    if workers is None:
        beside = engine.device.type != "cpu"
        workers = min(_MOST_WORKERS, (os.cpu_count() or 2) // engine.size) if beside else 0
    return Loading(workers, args.picture_cache * 1_000_000)


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
