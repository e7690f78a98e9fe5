"""Average fine-tuned networks into one: ``python -m training.soup``.

::

    python -m training.soup RUN RUN ... --out DIR --data DIR [--judged-by DIR] [--name NAME]
    python -m training.soup --folds CV CV ... --out DIR --data DIR [--temperature]

Networks fine-tuned from the same pretrained weights by different recipes or seeds lie so close
together that the mean of their weights answers about as well as their ensemble, in one forward pass
(Wortsman et al.: Model soups, ICML 2022).

The second form averages fold by fold what ``training.crossvalidate`` left in several folders and
judges that: the first form's ``--judged-by``. With ``--temperature`` each fold's logits are divided
by the number that suits the other folds best; the first form then takes the one that suits all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from moodlens.errors import MoodLensError, SettingsError
from moodlens.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from moodlens.model.checkpoint_files import read_json
from moodlens.model.network import EmotionNetwork, build_network
from training.crossvalidate import folds_table, print_fold
from training.data.emotion6 import Emotion6
from training.data.provenance import LEARNED_FROM
from training.data.split import FOLD_NAMES, load_split
from training.judging.folds import RESULTS, gather, judge_fold
from training.judging.out_of_fold import NOT_JUDGED, read_judged, write_figures
from training.judging.report import console, print_evaluation
from training.judging.temperature import TEMPERATURE, apply_temperature, temper_folds
from training.learning.learn import STORAGE
from training.options import add_data_options, data_from


def main(arguments: Sequence[str] | None = None) -> int:
    """Average, write, judge, print."""
    args = _parse(arguments)
    try:
        torch.set_num_threads(args.threads)
        if args.out.exists() and any(args.out.iterdir()):
            raise SettingsError(f"The folder {args.out.name!r} is not empty. Give another --out.")
        dataset = data_from(args)
        storage = STORAGE[args.storage]
        if args.folds:
            names = _common_folds(args.members)
            if args.temperature and len(names) < 2:
                raise SettingsError("A temperature needs two finished folds in common at least.")
            results = _soup_of_folds(names, args.members, dataset, args.out, storage)
            if args.temperature:
                results = temper_folds(results, dataset, args.out, storage)
            console().print(folds_table(results))
            return 0
        temperature = None
        if args.judged_by:
            temperature = read_json(args.judged_by / RESULTS).get(TEMPERATURE)
        checkpoint = _write(args.out, args.members, args.name, storage, temperature)
        if args.judged_by:
            _judge(checkpoint, dataset, args.out, args.judged_by)
        else:
            print(NOT_JUDGED)
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


def _common_folds(members: Sequence[Path]) -> list[str]:
    """The folds that every member has judged."""
    return [name for name in FOLD_NAMES if all((m / f"{name}.csv").is_file() for m in members)]


def _soup_of_folds(
    names: Sequence[str],
    members: Sequence[Path],
    dataset: Emotion6,
    out: Path,
    storage: torch.dtype,
) -> dict[str, Any]:
    config = {"soup": [read_json(folder / RESULTS)["config"] for folder in members]}
    for name in names:
        checkpoint = _write(out / name, [folder / name for folder in members], name, storage)
        print_fold(name, judge_fold(name, dataset, checkpoint, out))
    return gather(out, dataset, config)


def _judge(checkpoint: Checkpoint, dataset: Emotion6, out: Path, judged_by: Path) -> None:
    part = dataset.subset(load_split(checkpoint.training["split"], dataset).indices)
    judged = read_judged(judged_by, part, checkpoint.training["config"])
    document = write_figures(out, checkpoint, part, judged, "python -m training.soup")
    print_evaluation(document, console())


def _write(
    out: Path,
    folders: Sequence[Path],
    name: str,
    storage: torch.dtype,
    temperature: float | None = None,
) -> Checkpoint:
    members = [load_checkpoint(folder) for folder in folders]
    network = average(members)
    shared = members[0].training
    facts = {
        **{key: shared[key] for key in (LEARNED_FROM, "split") if key in shared},
        "config": {"soup": [member.training["config"] for member in members]},
        "teachers": sorted({t for member in members for t in member.training["teachers"]}),
    }
    if temperature is not None:
        apply_temperature(network, temperature)
        facts[TEMPERATURE] = temperature
    save_checkpoint(out, network, name=name, training=facts, storage=storage)
    return load_checkpoint(out)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.soup",
        description="Average fine-tuned networks into one.",
    )
    add_data_options(parser)
    parser.add_argument(
        "members", type=Path, nargs="+", metavar="DIR", help="what train or crossvalidate wrote"
    )
    parser.add_argument(
        "--folds", action="store_true", help="the folders are those of crossvalidate"
    )
    parser.add_argument(
        "--temperature",
        action="store_true",
        help="with --folds: divide each fold's logits by what suits the other folds best",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--name", default="moodlens-soup", help="of the checkpoint")
    parser.add_argument("--storage", choices=sorted(STORAGE), default="float32")
    parser.add_argument(
        "--judged-by", type=Path, metavar="DIR", help="a soup of the same recipes' folds"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
