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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from moodlens.checkpoint import Checkpoint, load_checkpoint, read_json, save_checkpoint
from moodlens.errors import MoodLensError, SettingsError
from moodlens.network import EmotionNetwork, build_network
from training.crossvalidate import folds_table, print_fold
from training.emotion6 import Emotion6
from training.folds import RESULTS, gather, judge_fold
from training.learn import STORAGE
from training.options import add_data_options, data_from
from training.out_of_fold import NOT_JUDGED, read_judged, write_figures
from training.provenance import LEARNED_FROM
from training.ratings import Ratings
from training.ratings_file import read_ratings
from training.report import console, print_evaluation
from training.split import FOLD_NAMES, load_split
from training.temperature import apply_temperature, fit_temperature

TEMPERATURE = "temperature"


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
            results = _soup_of_folds(args.members, dataset, args.out, storage)
            if args.temperature:
                results = _temper_folds(results, dataset, args.out, storage)
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


def _soup_of_folds(
    members: Sequence[Path], dataset: Emotion6, out: Path, storage: torch.dtype
) -> dict[str, Any]:
    config = {"soup": [read_json(folder / RESULTS)["config"] for folder in members]}
    for name in FOLD_NAMES:
        folders = [folder / name for folder in members]
        if all(folder.is_dir() for folder in folders):
            checkpoint = _write(out / name, folders, name, storage)
            print_fold(name, judge_fold(name, dataset, checkpoint, out))
    return gather(out, dataset, config)


def _temper_folds(
    results: Mapping[str, Any], dataset: Emotion6, out: Path, storage: torch.dtype
) -> dict[str, Any]:
    """Give each fold the temperature of the others, and judge again."""
    parts = {name: dataset.subset(load_split(name, dataset).indices) for name in results["folds"]}
    said = {name: read_ratings(out / f"{name}.csv", part.names) for name, part in parts.items()}
    everyone = _temperature_of(said, parts)
    for name in parts:
        others = {other: ratings for other, ratings in said.items() if other != name}
        checkpoint = load_checkpoint(out / name)
        temperature = _temperature_of(others, parts) if others else everyone
        _temper_and_save(out / name, checkpoint, temperature, storage)
        print_fold(name, judge_fold(name, dataset, load_checkpoint(out / name), out))
    return gather(out, dataset, results["config"], **{TEMPERATURE: everyone})


def _temperature_of(said: Mapping[str, Ratings], parts: Mapping[str, Emotion6]) -> float:
    together = Ratings.joined(list(said.values()))
    true = Ratings.joined([parts[name].ratings for name in said])
    return round(fit_temperature(together, true), 4)


def _temper_and_save(
    folder: Path, checkpoint: Checkpoint, temperature: float, storage: torch.dtype
) -> None:
    apply_temperature(checkpoint.network, temperature)
    facts = {**checkpoint.training, TEMPERATURE: temperature}
    save_checkpoint(
        folder, checkpoint.network, name=checkpoint.name, training=facts, storage=storage
    )


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
