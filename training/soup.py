"""Make one network of several: ``python -m training.soup``.

::

    python -m training.soup RUN RUN ... --out DIR --data DIR [--judged-by DIR] [--name NAME]
    python -m training.soup --folds CV CV ... --out DIR --data DIR [--temperature]
    python -m training.soup --ensemble [--weights W,W] ...

Networks fine-tuned from the same pretrained weights by different recipes or seeds lie so close
together that the mean of their weights answers about as well as their ensemble, in one forward pass
(Wortsman et al.: Model soups, ICML 2022).

The second form averages fold by fold what ``training.crossvalidate`` left in several folders and
judges that: the first form's ``--judged-by``. With ``--temperature`` each fold's logits are divided
by the number that suits the other folds best; the first form then takes the one that suits all.

With ``--ensemble`` either form leaves the members' weights alone and averages what they answer: for
networks of different backbones, which share no weights but err differently.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch

from moodlens.errors import MoodLensError, SettingsError
from moodlens.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from moodlens.model.ensemble import Ensemble, Network, build
from moodlens.model.network import EmotionNetwork
from training.crossvalidate import folds_table, print_fold
from training.data.provenance import LEARNED_FROM
from training.data.source import LabelledPictures
from training.data.split import FOLD_NAMES, load_split
from training.judging.folds import gather, judge_fold, read_results
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
        storage, kind = STORAGE[args.storage], _kind(args)
        if args.folds:
            names = _common_folds(args.members)
            if args.temperature and len(names) < 2:
                raise SettingsError("A temperature needs two finished folds in common at least.")
            results = _soup_of_folds(names, args.members, dataset, args.out, storage, kind)
            if args.temperature:
                results = temper_folds(results, dataset, args.out, storage)
            console().print(folds_table(results))
            return 0
        temperature = None
        if args.judged_by:
            temperature = read_results(args.judged_by).get(TEMPERATURE)
        checkpoint = _write(args.out, args.members, args.name, storage, kind, temperature)
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


class Kind(NamedTuple):
    """How several networks become one.

    Attributes:
        name: of the list of their configs in the facts.
        weights: of an ensemble's members; None for a soup.
    """

    name: str
    weights: tuple[float, ...] | None

    def of(self, members: Sequence[Checkpoint]) -> Network:
        """The one network.

        Raises:
            SettingsError: the members do not go together.
        """
        return average(members) if self.weights is None else join(members, self.weights)

    def config(self, configs: Sequence[Any]) -> dict[str, Any]:
        """What was made of what, as JSON."""
        weights = {} if self.weights is None else {"weights": list(self.weights)}
        return {self.name: list(configs), **weights}


def average(members: Sequence[Checkpoint]) -> Network:
    """The network whose weights are the members' means.

    Raises:
        SettingsError: the members are not of one kind, or learned from different pictures.
    """
    first = members[0]
    for other in members[1:]:
        if other.config != first.config:
            raise SettingsError(f"{first.name} and {other.name} are networks of different kinds.")
    _check_same_pictures(members)
    states = [member.network.state_dict() for member in members]
    network = build(first.config).eval()
    network.load_state_dict(
        {
            key: torch.stack([state[key].double() for state in states]).mean(dim=0).to(value.dtype)
            for key, value in states[0].items()
        }
    )
    return network


def join(members: Sequence[Checkpoint], weights: Sequence[float]) -> Ensemble:
    """The ensemble of the members' networks.

    Raises:
        SettingsError: a member is an ensemble already, or learned from different pictures.
    """
    _check_same_pictures(members)
    networks = [member.network for member in members]
    if not all(isinstance(network, EmotionNetwork) for network in networks):
        raise SettingsError("A member is an ensemble already. Give its members instead.")
    return Ensemble(cast("list[EmotionNetwork]", networks), weights).eval()


def _check_same_pictures(members: Sequence[Checkpoint]) -> None:
    first = members[0]
    for other in members[1:]:
        if other.training.get(LEARNED_FROM) != first.training.get(LEARNED_FROM):
            raise SettingsError(f"{first.name} and {other.name} learned from different pictures.")


def _kind(args: argparse.Namespace) -> Kind:
    if not args.ensemble:
        if args.weights:
            raise SettingsError("--weights belong to --ensemble.")
        return Kind("soup", None)
    weights = args.weights or [1.0] * len(args.members)
    if len(weights) != len(args.members) or not all(weight > 0 for weight in weights):
        raise SettingsError("Give --weights one number above 0 for each member.")
    total = math.fsum(weights)
    return Kind("ensemble", tuple(weight / total for weight in weights))


def _common_folds(members: Sequence[Path]) -> list[str]:
    """The folds that every member has judged."""
    return [name for name in FOLD_NAMES if all((m / f"{name}.csv").is_file() for m in members)]


def _soup_of_folds(
    names: Sequence[str],
    members: Sequence[Path],
    dataset: LabelledPictures,
    out: Path,
    storage: torch.dtype,
    kind: Kind,
) -> dict[str, Any]:
    config = kind.config([read_results(folder)["config"] for folder in members])
    for name in names:
        checkpoint = _write(out / name, [folder / name for folder in members], name, storage, kind)
        print_fold(name, judge_fold(name, dataset, checkpoint, out))
    return gather(out, dataset, config)


def _judge(checkpoint: Checkpoint, dataset: LabelledPictures, out: Path, judged_by: Path) -> None:
    part = dataset.subset(load_split(checkpoint.training["split"], dataset).indices)
    judged = read_judged(judged_by, part, checkpoint.training["config"])
    document = write_figures(out, checkpoint, part, judged, "python -m training.soup")
    print_evaluation(document, console())


def _write(
    out: Path,
    folders: Sequence[Path],
    name: str,
    storage: torch.dtype,
    kind: Kind,
    temperature: float | None = None,
) -> Checkpoint:
    members = [load_checkpoint(folder) for folder in folders]
    network = kind.of(members)
    shared = members[0].training
    facts = {
        **{key: shared[key] for key in (LEARNED_FROM, "split") if key in shared},
        "config": kind.config([member.training["config"] for member in members]),
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
        description="Make one network of several.",
    )
    add_data_options(parser)
    parser.add_argument(
        "members", type=Path, nargs="+", metavar="DIR", help="what train or crossvalidate wrote"
    )
    parser.add_argument(
        "--folds", action="store_true", help="the folders are those of crossvalidate"
    )
    parser.add_argument(
        "--ensemble", action="store_true", help="average the answers, not the members' weights"
    )
    parser.add_argument(
        "--weights",
        type=_numbers,
        metavar="W,W",
        help="with --ensemble: how much each member's answer counts; by default all the same",
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


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
