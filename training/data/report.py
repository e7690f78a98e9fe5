"""What a data set holds, as tables for people."""

from __future__ import annotations

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from moodlens.emotions import EMOTIONS, LABELS
from training.data.dataset import Dataset, Member
from training.data.emotion6 import Emotion6
from training.data.rated_files import USUAL_VOTES, RatedFiles
from training.data.ratings import Floats, Ratings

_NOTHING = "–"


def print_data(dataset: Dataset, out: Console) -> None:
    """Rows, votes, shares, agreement, duplicates, and everything that cannot be used."""
    out.print(members_table(dataset))
    out.print(shares_table(dataset))
    for line in duplicates(dataset):
        out.print(line, highlight=False, soft_wrap=True)
    for kind, name in dataset.skipped:
        out.print(f"left out: {name}: {kind}", highlight=False, soft_wrap=True, markup=False)


def members_table(dataset: Dataset) -> Table:
    """One row a source: what it has, and how far its viewers agree."""
    table = Table(
        title=f"{len(dataset)} pictures",
        caption="agreement: how often two viewers of a picture would name the same of the seven",
        box=box.SIMPLE_HEAD,
    )
    for title in ("data", "pictures", "left out", "votes", "a picture", "weight", "agreement"):
        table.add_column(title, justify="left" if title == "data" else "right")
    table.add_column("valence", justify="right")
    table.add_column("arousal", justify="right")
    for number, member in enumerate(dataset.members):
        mine = dataset.origin[:, 0] == number
        ratings, votes = dataset.ratings[np.flatnonzero(mine)], votes_of(member)
        known = votes[~np.isnan(votes)]
        table.add_row(
            member.label or "Emotion6",
            str(len(member.source)),
            str(len(member.source.skipped)),
            f"{known.sum():.0f}" if len(known) else "unknown",
            f"{known.mean():.1f}" if len(known) else _NOTHING,
            f"{dataset.weights[mine].mean():.2f}",
            _percent(agreement(ratings, votes)),
            *(
                f"{(~np.isnan(scale)).sum()}" if (~np.isnan(scale)).any() else _NOTHING
                for scale in (ratings.valence, ratings.arousal)
            ),
        )
    return table


def shares_table(dataset: Dataset) -> Table:
    """Mean share of each label, and how many pictures each emotion leads."""
    table = Table(title="Mean shares, and pictures led", box=box.SIMPLE_HEAD)
    table.add_column("data")
    for name in LABELS:
        table.add_column(name, justify="right")
    for number, member in enumerate(dataset.members):
        ratings = dataset.ratings[np.flatnonzero(dataset.origin[:, 0] == number)]
        led = np.bincount(ratings.dominant, minlength=len(EMOTIONS)).tolist()
        cells = [
            f"{share:.1%}  {count}"
            for share, count in zip(ratings.shares.mean(axis=0), [*led, ""], strict=True)
        ]
        table.add_row(member.label or "Emotion6", *(cell.strip() for cell in cells))
    return table


def duplicates(dataset: Dataset) -> list[str]:
    """A line for each picture that is there more than once: its names."""
    numbers, counts = np.unique(dataset.groups, return_counts=True)
    return [
        "the same picture: "
        + ", ".join(dataset.names[i] for i in np.flatnonzero(dataset.groups == number))
        for number in numbers[counts > 1]
    ]


def votes_of(member: Member) -> Floats:
    """[N] votes of each picture; NaN where nobody knows."""
    if isinstance(member.source, RatedFiles):
        return member.source.votes
    known = USUAL_VOTES if isinstance(member.source, Emotion6) else np.nan
    return np.full(len(member.source), float(known))


def agreement(ratings: Ratings, votes: Floats) -> float:
    """How often two different viewers of a picture would name the same of the seven labels.

    Unbiased for pictures with at least two votes, by which they are averaged; NaN without any.
    """
    usable = votes >= 2
    if not usable.any():
        return np.nan
    n = votes[usable]
    same = np.square(ratings.shares[usable]).sum(axis=1)
    return float(np.average(np.clip((n * same - 1) / (n - 1), 0, 1), weights=n))


def _percent(value: float) -> str:
    return _NOTHING if np.isnan(value) else f"{value:.1%}"
