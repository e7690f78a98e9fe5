"""Average fine-tuned networks into one: ``python -m training.soup``.

::

    python -m training.soup RUN RUN ... --out DIR --data DIR [--judged-by DIR] [--name NAME]
    python -m training.soup --folds CV CV ... --out DIR --data DIR

Networks fine-tuned from the same pretrained weights by different recipes or seeds lie so close
together that the mean of their weights answers about as well as their ensemble, in one forward pass
(Wortsman et al.: Model soups, ICML 2022).

The second form averages fold by fold what ``training.crossvalidate`` left in several folders and
judges that: the first form's ``--judged-by``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from moodlens.checkpoint import Checkpoint, load_checkpoint, read_json, save_checkpoint
from moodlens.errors import MoodLensError, SettingsError
from moodlens.network import EmotionNetwork, build_network
from training.config import read_environment
from training.crossvalidate import folds_table, print_fold
from training.emotion6 import Emotion6
from training.folds import RESULTS, gather, judge_fold
from training.learn import STORAGE
from training.options import data_from
from training.out_of_fold import read_judged, write_figures
from training.provenance import LEARNED_FROM
from training.report import console, print_evaluation
from training.split import FOLD_NAMES, load_split


def main(arguments: Sequence[str] | None = None) -> int:
    """Average, write, judge, print."""
    args = _parse(arguments)
    try:
        torch.set_num_threads(args.threads)
        if args.out.exists() and any(args.out.iterdir()):
            raise SettingsError(f"The folder {args.out.name!r} is not empty. Give another --out.")
        dataset = data_from(args)
        if args.folds:
            _soup_of_folds(args.members, dataset, args)
        else:
            _soup_of_runs(args.members, dataset, args)
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    return 0


def average(members: Sequence[Checkpoint]) -> EmotionNetwork:
    """The network whose weights are the members' means.

    Raises:
        SettingsError: the members are not of one kind, or learned from different pictures.
    """
    first = members[0]
    for other in members[1:]:
        if other.config != first.config:
            raise SettingsError(f"{first.name} and {other.name} are networks of different kinds.")
        if other.training.get(LEARNED_FROM) != first.training.get(LEARNED_FROM):
            raise SettingsError(f"{first.name} and {other.name} learned from different pictures.")
    states = [member.network.state_dict() for member in members]
    network = build_network(first.config).eval()
    network.load_state_dict(
        {
            key: torch.stack([state[key].double() for state in states]).mean(dim=0).to(value.dtype)
            for key, value in states[0].items()
        }
    )
    return network


def _soup_of_folds(members: Sequence[Path], dataset: Emotion6, args: argparse.Namespace) -> None:
    config = {"soup": [read_json(folder / RESULTS)["config"] for folder in members]}
    for name in FOLD_NAMES:
        if all((folder / name).is_dir() for folder in members):
            checkpoint = _write(args.out / name, [folder / name for folder in members], name, args)
            print_fold(name, judge_fold(name, dataset, checkpoint, args.out))
    console().print(folds_table(gather(args.out, dataset, config)))


def _soup_of_runs(members: Sequence[Path], dataset: Emotion6, args: argparse.Namespace) -> None:
    checkpoint = _write(args.out, members, args.name, args)
    if args.judged_by is None:
        print("Not judged yet: give --judged-by, or run training.evaluate on other pictures.")
        return
    part = dataset.subset(load_split(checkpoint.training["split"], dataset).indices)
    judged = read_judged(args.judged_by, part, checkpoint.training["config"])
    results = read_json(args.judged_by / RESULTS)
    command = "python -m training.soup"
    print_evaluation(write_figures(args.out, checkpoint, part, judged, command, results), console())


def _write(out: Path, folders: Sequence[Path], name: str, args: argparse.Namespace) -> Checkpoint:
    members = [load_checkpoint(folder) for folder in folders]
    facts: dict[str, Any] = {
        "config": {"soup": [member.training["config"] for member in members]},
        "teachers": sorted({t for member in members for t in member.training["teachers"]}),
        LEARNED_FROM: members[0].training[LEARNED_FROM],
    }
    if "split" in members[0].training:
        facts["split"] = members[0].training["split"]
    network = average(members)
    save_checkpoint(out, network, name=name, training=facts, storage=STORAGE[args.storage])
    return load_checkpoint(out)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    environment = read_environment()
    parser = argparse.ArgumentParser(
        prog="python -m training.soup",
        description="Average fine-tuned networks into one.",
    )
    parser.add_argument(
        "members", type=Path, nargs="+", metavar="DIR", help="what train or crossvalidate wrote"
    )
    parser.add_argument(
        "--folds", action="store_true", help="the folders are those of crossvalidate"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--data",
        type=Path,
        default=environment.get("DATA_DIR"),
        metavar="DIR",
        help="folder of Emotion6 (or DATA_DIR)",
    )
    parser.add_argument("--skip-broken", action="store_true", help="leave unusable pictures out")
    parser.add_argument("--name", default="moodlens-soup", help="of the checkpoint")
    parser.add_argument("--storage", choices=sorted(STORAGE), default="float32")
    parser.add_argument(
        "--judged-by", type=Path, metavar="DIR", help="a soup of the same recipes' folds"
    )
    parser.add_argument("--threads", type=int, default=2, help="processor threads for PyTorch")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
