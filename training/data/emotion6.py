"""Reading Emotion6 as it is published, and refusing it where it is not.

The folder holds ``ground_truth.txt`` (tab-separated, one row per picture) and the pictures in six
folders that are named after the search keyword, either under ``images/`` or right beside the file.
The keyword is no label: it equals the voters' dominant emotion on 57 % of the pictures.

Source: Peng, Chen, Sadovnik, Gallagher: A Mixed Bag of Emotions, CVPR 2015. For academic research
only; the pictures belong to their owners.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.emotions import EMOTIONS, LABELS, SCALE_RANGE
from moodlens.errors import DatasetError, PictureError
from training.data.files import decode
from training.data.looks import SMALL_SIDE, in_parallel
from training.data.problems import Problem, summary
from training.data.ratings import Floats, Ratings
from training.data.source import NO_FOLD, Indices

GROUND_TRUTH = "ground_truth.txt"
FULL_SIZE = 1980
"""Pictures in Emotion6 as published."""

HEADER = ("[image_filename]", "[valence]", "[arousal]", *(f"[prob. {name}]" for name in LABELS))

_NAME = re.compile(rf"(?:{'|'.join(EMOTIONS)})/[0-9]+\.jpg")
_SUM_TOLERANCE = 1e-3
_WHAT = "Emotion6"


@dataclass(frozen=True, slots=True, eq=False)
class Emotion6:
    """The pictures and what their viewers said, in the order of ``ground_truth.txt``.

    Attributes:
        names: ``<keyword>/<n>.jpg`` of each picture.
        paths: where each picture lies.
        ratings: seven shares, valence and arousal of each picture.
        skipped: what was left out, and why.
    """

    names: list[str]
    paths: list[Path]
    ratings: Ratings
    skipped: tuple[Problem, ...] = ()

    @classmethod
    def read(
        cls,
        folder: Path,
        *,
        missing: Literal["refuse", "skip"] = "refuse",
    ) -> Emotion6:
        """Read and check every row, and decode every picture once at small scale.

        Args:
            folder: holds ``ground_truth.txt`` and the pictures.
            missing: what to do about rows and pictures that cannot be used.

        Raises:
            DatasetError: naming and counting what is wrong; with ``skip``, only where nothing
                usable is left or the file as a whole is not Emotion6's.
        """
        rows, problems = _read_rows(folder / GROUND_TRUTH)
        pictures = folder / "images" if (folder / "images").is_dir() else folder
        usable: dict[str, Floats] = {}
        checked = in_parallel(lambda name: _picture_problem(pictures / name), rows, total=len(rows))
        for (name, values), problem in zip(rows.items(), checked, strict=True):
            if problem is None:
                usable[name] = values
            else:
                problems.append(Problem(problem, name))
        if problems and missing == "refuse":
            raise DatasetError(
                f"{summary(problems, _WHAT)} Use --skip-broken to go on without them."
            )
        if not usable:
            raise DatasetError(
                f"Emotion6 has no usable picture here. {summary(problems, _WHAT)}".strip()
            )
        table = np.stack(list(usable.values()))
        return cls(
            names=list(usable),
            paths=[pictures / name for name in usable],
            ratings=Ratings.of(table[:, 2:], table[:, 0], table[:, 1]),
            skipped=tuple(problems),
        )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def shares(self) -> Floats:
        """[N, 7] in the order of ``LABELS``, each row summing to 1."""
        return self.ratings.shares

    @property
    def valence(self) -> Floats:
        """[N] on the scale 1..9."""
        return self.ratings.valence

    @property
    def arousal(self) -> Floats:
        """[N] on the scale 1..9."""
        return self.ratings.arousal

    @property
    def weights(self) -> Floats:
        """[N]: every picture has about as many votes, and weight 1."""
        return np.ones(len(self))

    @property
    def folds(self) -> Indices:
        """[N]: the published file says nothing of folds."""
        return np.full(len(self), NO_FOLD, dtype=np.int64)

    @property
    def groups(self) -> Indices:
        """[N]: every picture by itself, since the published splits take no account of likeness."""
        return np.arange(len(self))

    @property
    def is_complete(self) -> bool:
        """Whether these are all the pictures of Emotion6 as published."""
        return len(self) == FULL_SIZE

    def subset(self, indices: Sequence[int] | NDArray[np.integer]) -> Emotion6:
        """Some of the pictures, in the order asked for."""
        rows = np.asarray(indices, dtype=np.int64)
        return Emotion6(
            [self.names[i] for i in rows],
            [self.paths[i] for i in rows],
            self.ratings[rows],
            self.skipped,
        )

    def picture(self, index: int, *, short_side: int | None = None) -> Image.Image:
        """Decode one picture exactly as the app does.

        Args:
            index: into ``names``.
            short_side: in pixels; a large JPEG may be decoded at a reduced scale that still has it.

        Returns:
            Upright, mode RGB.

        Raises:
            PictureError: it cannot be decoded.
        """
        return decode(self.paths[index].read_bytes(), short_side=short_side)

    def digest(self, index: int) -> bytes:
        """SHA-256 of a picture's file."""
        return hashlib.sha256(self.paths[index].read_bytes()).digest()

    def describe_skipped(self) -> str:
        """One sentence about what was left out; empty where nothing was."""
        return summary(self.skipped, _WHAT)


def is_name(name: str) -> bool:
    """Whether a picture of Emotion6 could be called so."""
    return _NAME.fullmatch(name) is not None


def _read_rows(path: Path) -> tuple[dict[str, Floats], list[Problem]]:
    """The sound rows by picture name: valence, arousal, then seven shares; and what was unsound."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise DatasetError(f"The data folder has no readable {GROUND_TRUTH}.") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or tuple(field.strip() for field in lines[0].split("\t")) != HEADER:
        raise DatasetError(
            f"{GROUND_TRUTH} does not begin with Emotion6's header: {' '.join(HEADER)}, "
            "separated by tabs."
        )
    rows: dict[str, Floats] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines[1:], start=2):
        name, *fields = (field.strip() for field in line.split("\t"))
        values = _numbers(fields)
        label = name if _NAME.fullmatch(name) else f"line {number}"
        if values is None:
            problems.append(Problem("malformed row", label))
        elif label != name:
            problems.append(Problem("picture name that is not <keyword>/<n>.jpg", label))
        elif name in rows:
            problems.append(Problem("picture listed twice", name))
        elif wrong := _row_problem(values):
            problems.append(Problem(wrong, name))
        else:
            rows[name] = values
    return rows, problems


def _numbers(fields: Sequence[str]) -> Floats | None:
    """Valence, arousal and seven shares as [9], or None where they are not nine finite numbers."""
    try:
        values = np.array([float(field) for field in fields])
    except ValueError:
        return None
    return values if values.shape == (len(HEADER) - 1,) and np.isfinite(values).all() else None


def _row_problem(values: Floats) -> str | None:
    affect, shares = values[:2], values[2:]
    low, high = SCALE_RANGE
    if ((affect < low) | (affect > high)).any():
        return f"valence or arousal outside {low:g}..{high:g}"
    if ((shares < 0) | (shares > 1)).any():
        return "share outside 0..1"
    if abs(math.fsum(shares) - 1) > _SUM_TOLERANCE:
        return "shares that do not sum to 1"
    if not shares[: len(EMOTIONS)].any():
        return "no share for any of the six emotions"
    return None


def _picture_problem(path: Path) -> str | None:
    try:
        decode(path.read_bytes(), short_side=SMALL_SIDE)
    except FileNotFoundError:
        return "missing picture"
    except (OSError, PictureError):
        return "picture that cannot be decoded"
    return None
