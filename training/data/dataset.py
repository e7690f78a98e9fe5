"""Several sources as one data set: every picture with a name, a weight, and its duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.emotion6 import Emotion6
from training.data.looks import SMALL_SIDE, alike, in_parallel, look_of
from training.data.problems import Problem, summary
from training.data.rated_files import RatedFiles
from training.data.ratings import Floats, Ratings
from training.data.source import Indices, Source


class Member(NamedTuple):
    """A source and its part in a data set.

    Attributes:
        label: short, and its own among the members; empty for Emotion6.
        source: the pictures.
        weight: what the weight of each of its pictures is multiplied by.
    """

    label: str
    source: Source
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """The pictures of all members, one member after the other.

    Attributes:
        members: where the pictures are.
        origin: [N, 2] the number of each picture's member, and its index there.
        names: ``<keyword>/<n>.jpg`` of Emotion6's; ``<label>:<file>`` of all others, so that no
            file of one's own is taken for a picture of a published split.
        ratings: of each picture.
        weights: [N].
        folds: [N] that a source asks for, or ``NO_FOLD``.
        groups: [N] pictures with the same number show the same thing.
        skipped: what the members left out.
    """

    members: tuple[Member, ...]
    origin: NDArray[np.int64]
    names: list[str]
    ratings: Ratings
    weights: Floats
    folds: Indices
    groups: Indices
    skipped: tuple[Problem, ...]

    @classmethod
    def joined(cls, members: Sequence[Member]) -> Dataset:
        """Put sources together, and find the pictures that they share by how these look."""
        origin = np.concatenate(
            [
                np.column_stack([np.full(len(m.source), i), np.arange(len(m.source))])
                for i, m in enumerate(members)
            ]
        )
        sources = [member.source for member in members]
        return cls(
            members=tuple(members),
            origin=origin,
            names=[_name(m.label, name) for m in members for name in m.source.names],
            ratings=Ratings.joined([source.ratings for source in sources]),
            weights=np.concatenate([m.weight * m.source.weights for m in members]),
            folds=np.concatenate([source.folds for source in sources]),
            groups=_groups(sources, origin[:, 0]),
            skipped=tuple(
                Problem(kind, _name(m.label, name))
                for m in members
                for kind, name in m.source.skipped
            ),
        )

    def __len__(self) -> int:
        return len(self.names)

    def subset(self, indices: Sequence[int] | NDArray[np.integer]) -> Dataset:
        """Some of the pictures, in the order asked for."""
        rows = np.asarray(indices, dtype=np.int64)
        return Dataset(
            self.members,
            self.origin[rows],
            [self.names[i] for i in rows],
            self.ratings[rows],
            self.weights[rows],
            self.folds[rows],
            self.groups[rows],
            self.skipped,
        )

    def picture(self, index: int, *, short_side: int | None = None) -> Image.Image:
        """See :class:`training.data.source.Source`."""
        member, row = self.origin[index].tolist()
        return self.members[member].source.picture(row, short_side=short_side)

    def digest(self, index: int) -> bytes:
        """See :class:`training.data.source.Source`."""
        member, row = self.origin[index].tolist()
        return self.members[member].source.digest(row)

    def describe_skipped(self) -> str:
        """What was left out, in a sentence for each member; empty where nothing was."""
        return " ".join(
            summary(m.source.skipped, m.label or "Emotion6")
            for m in self.members
            if m.source.skipped
        )


def _name(label: str, name: str) -> str:
    return f"{label}:{name}" if label else name


def _groups(sources: Sequence[Source], member_of: Indices) -> Indices:
    """Numbers that are the same for pictures which look the same.

    Emotion6 alone is left as it is: its published splits take no account of likeness.
    """
    by_itself = np.arange(len(member_of))
    if len(sources) == 1 and isinstance(sources[0], Emotion6):
        return by_itself
    groups = alike(np.concatenate([_looks(source) for source in sources]))
    fixed = np.isin(member_of, [i for i, s in enumerate(sources) if isinstance(s, Emotion6)])
    others = np.unique(groups[~fixed])
    alone = fixed & ~np.isin(groups, others)
    groups[alone] = groups.max() + 1 + by_itself[alone]
    return groups


def _looks(source: Source) -> NDArray[np.uint8]:
    if isinstance(source, RatedFiles):
        return source.looks
    looks = in_parallel(
        lambda i: look_of(source.picture(i, short_side=SMALL_SIDE)),
        range(len(source)),
        total=len(source),
    )
    return np.stack(list(looks))
