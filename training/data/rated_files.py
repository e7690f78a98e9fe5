"""Pictures in a folder or zip file, rated row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.errors import DatasetError, MoodLensError
from training.data.files import PictureFiles, decode, decode_file, is_inside
from training.data.looks import SMALL_SIDE, Look, in_parallel, look_of
from training.data.problems import Problem, summary
from training.data.ratings import Floats, Ratings
from training.data.source import Indices

Missing = Literal["refuse", "skip"]

USUAL_VOTES = 15
"""Of a picture of Emotion6, which has weight 1; taken for granted where votes are unknown."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a source.

    Attributes:
        missing: what to do about rows and pictures that cannot be used.
        vote_weight: exponent of a picture's votes in its weight: with 0 every picture counts the
            same, with 1 every vote.
        prior: votes that the model's own prediction is worth in viewers' feedback.
    """

    missing: Missing = "refuse"
    vote_weight: float = 0.5
    prior: float = 1.0

    def weights(self, votes: Floats) -> Floats:
        """[N] weights of pictures with so many votes, 1 for as many as Emotion6 has."""
        known = np.where(np.isnan(votes), USUAL_VOTES, votes)
        weights: Floats = (known / USUAL_VOTES) ** self.vote_weight
        return weights


USUALLY = Reading()


@dataclass(frozen=True, slots=True)
class RatedRow:
    """One sound row.

    Attributes:
        line: where it stands, for people.
        file: of the picture.
        shares: [7] summing to 1.
        affect: [2] valence and arousal; NaN where they were not asked for.
        votes: how many viewers; NaN where nobody knows.
        fold: that the row asks for, or ``NO_FOLD``.
    """

    line: str
    file: str
    shares: Floats
    affect: Floats
    votes: float
    fold: int


@dataclass(frozen=True, slots=True, eq=False)
class RatedFiles:
    """A source whose pictures are files; see :class:`training.data.source.Source`.

    Attributes:
        names: of the files.
        ratings: of each.
        weights: [N] by their votes.
        folds: [N].
        skipped: what was left out.
        votes: [N] viewers of each picture; NaN where nobody knows.
        files: where they lie.
        looks: [N, 769], see :mod:`training.data.looks`.
    """

    names: list[str]
    ratings: Ratings
    weights: Floats
    folds: Indices
    skipped: tuple[Problem, ...]
    votes: Floats
    files: PictureFiles
    looks: NDArray[np.uint8]

    @classmethod
    def of(
        cls,
        rows: Sequence[RatedRow],
        problems: Sequence[Problem],
        files: PictureFiles,
        *,
        source: str,
        reading: Reading,
    ) -> RatedFiles:
        """Look at every picture once and keep the rows whose pictures can be used.

        Args:
            rows: sound ones.
            problems: what was wrong with the others.
            files: where the pictures lie.
            source: what to call all of it.
            reading: what to do about what cannot be used, and how votes weigh.

        Raises:
            DatasetError: naming and counting what is wrong; with ``skip``, only where nothing
                usable is left.
        """
        seen = in_parallel(lambda row: _look_at(files, row), rows, total=len(rows))
        usable: dict[str, tuple[RatedRow, Look]] = {}
        found = list(problems)
        for row, look in zip(rows, seen, strict=True):
            if isinstance(look, Problem):
                found.append(look)
            elif row.file in usable:
                found.append(Problem("picture listed twice", _label(row)))
            else:
                usable[row.file] = row, look
        if found and reading.missing == "refuse":
            raise DatasetError(f"{summary(found, source)} Use --skip-broken to go on without them.")
        if not usable:
            raise DatasetError(f"{source} has no usable picture. {summary(found, source)}".strip())
        kept = [row for row, _ in usable.values()]
        affect = np.stack([row.affect for row in kept])
        votes = np.array([row.votes for row in kept], dtype=np.float64)
        return cls(
            names=list(usable),
            ratings=Ratings.of([row.shares for row in kept], affect[:, 0], affect[:, 1]),
            weights=reading.weights(votes),
            folds=np.array([row.fold for row in kept], dtype=np.int64),
            skipped=tuple(found),
            votes=votes,
            files=files,
            looks=np.stack([look for _, look in usable.values()]),
        )

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, index: int, *, short_side: int | None = None) -> Image.Image:
        """See :class:`training.data.source.Source`."""
        return decode_file(self.files, self.names[index], short_side=short_side)

    def digest(self, index: int) -> bytes:
        """See :class:`training.data.source.Source`."""
        return hashlib.sha256(self.files.read(self.names[index])).digest()


def _look_at(files: PictureFiles, row: RatedRow) -> Look | Problem:
    if not is_inside(row.file):
        return Problem("file name that leads out of the folder", row.line)
    try:
        return look_of(decode(files.read(row.file), short_side=SMALL_SIDE))
    except FileNotFoundError:
        return Problem("missing picture", _label(row))
    except (OSError, ValueError, MoodLensError):
        return Problem("picture that cannot be decoded", _label(row))


def _label(row: RatedRow) -> str:
    return f"{row.line} {row.file}"
