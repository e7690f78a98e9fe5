"""Reading Emotion6 as it is published, and refusing it where it is not.

The folder holds ``ground_truth.txt`` (tab-separated, one row per picture) and the pictures in six
folders that are named after the search keyword, either under ``images/`` or right beside the file.
The keyword is no label: it equals the voters' dominant emotion on 57 % of the pictures.

Source: Peng, Chen, Sadovnik, Gallagher: A Mixed Bag of Emotions, CVPR 2015. For academic research
only; the pictures belong to their owners.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from moodlens.emotions import EMOTIONS, LABELS, SCALE_RANGE
from moodlens.errors import DatasetError, PictureError
from moodlens.pictures.reading import PictureLimits, read_picture
from training.data.ratings import Floats, Ratings

GROUND_TRUTH = "ground_truth.txt"
FULL_SIZE = 1980
"""Pictures in Emotion6 as published."""

HEADER = ("[image_filename]", "[valence]", "[arousal]", *(f"[prob. {name}]" for name in LABELS))

_NAME = re.compile(rf"(?:{'|'.join(EMOTIONS)})/[0-9]+\.jpg")
_SUM_TOLERANCE = 1e-3
_CHECK_SIDE = 32
_NAMED_AT_MOST = 5


class Problem(NamedTuple):
    """What is wrong with one row or picture, and which."""

    kind: str
    name: str


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
        progress: bool = False,
    ) -> Emotion6:
        """Read and check every row, and decode every picture once at small scale.

        Args:
            folder: holds ``ground_truth.txt`` and the pictures.
            missing: what to do about rows and pictures that cannot be used.
            progress: show a progress bar while the pictures are checked.

        Raises:
            DatasetError: naming and counting what is wrong; with ``skip``, only where nothing
                usable is left or the file as a whole is not Emotion6's.
        """
        rows, problems = _read_rows(folder / GROUND_TRUTH)
        pictures = folder / "images" if (folder / "images").is_dir() else folder
        usable: dict[str, Floats] = {}
        for name, values in tqdm(
            rows.items(), desc="checking pictures", unit="", disable=not progress, leave=False
        ):
            problem = _picture_problem(pictures / name)
            if problem is None:
                usable[name] = values
            else:
                problems.append(Problem(problem, name))
        if problems and missing == "refuse":
            raise DatasetError(f"{_summary(problems)} Use --skip-broken to go on without them.")
        if not usable:
            raise DatasetError(f"Emotion6 has no usable picture here. {_summary(problems)}".strip())
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
        return decode(self.paths[index], short_side=short_side)

    def describe_skipped(self) -> str:
        """One sentence about what was left out; empty where nothing was."""
        return _summary(self.skipped)


def decode(path: Path, *, short_side: int | None = None) -> Image.Image:
    """Decode a picture file by the app's own decoder; see :meth:`Emotion6.picture`."""
    return read_picture(path.read_bytes(), limits=PictureLimits(), short_side=short_side)


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
        decode(path, short_side=_CHECK_SIDE)
    except FileNotFoundError:
        return "missing picture"
    except (OSError, PictureError):
        return "picture that cannot be decoded"
    return None


def _summary(problems: Iterable[Problem]) -> str:
    """``Emotion6 has problems: 2 x missing picture (anger/1.jpg, joy/3.jpg); ...``."""
    by_kind: dict[str, list[str]] = {}
    for problem in problems:
        by_kind.setdefault(problem.kind, []).append(problem.name)
    if not by_kind:
        return ""
    parts = []
    for kind, names in by_kind.items():
        more = ", ..." if len(names) > _NAMED_AT_MOST else ""
        parts.append(f"{len(names)} x {kind} ({', '.join(names[:_NAMED_AT_MOST])}{more})")
    return f"Emotion6 has problems: {'; '.join(parts)}."
