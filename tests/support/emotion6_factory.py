"""A tiny data set in the exact format of Emotion6, made up, from whose colours one can learn.

Each of the six emotions has a colour. A picture's colour mixes them by the shares from which its
viewers' votes are drawn, so that a network which sees colour can learn what they felt.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moodlens.emotions import EMOTIONS

HEADER = (
    "[image_filename]\t[valence]\t[arousal]\t[prob. anger]\t[prob. disgust]\t[prob. fear]\t"
    "[prob. joy]\t[prob. sadness]\t[prob. surprise]\t[prob. neutral]"
)

_COLOURS = np.array(
    [[220, 30, 30], [60, 150, 40], [30, 20, 60], [250, 220, 60], [60, 90, 190], [240, 120, 220]]
)
_PLEASANT = np.array([-3.0, -2.5, -2.5, 3.0, -3.0, 1.0])
_EXCITED = np.array([2.0, 0.5, 2.0, 1.0, -1.5, 2.0])
_VOTERS = 30
_SIZE = (72, 56)


def make_emotion6(
    folder: Path,
    *,
    per_keyword: int = 8,
    seed: int = 0,
    flat: bool = False,
    size: tuple[int, int] = _SIZE,
) -> Path:
    """Write ``ground_truth.txt`` and ``per_keyword`` small JPEGs in each of six folders.

    Args:
        folder: made if it is missing.
        per_keyword: pictures in each folder, numbered from 1.
        seed: same seed, same bytes.
        flat: put the keyword folders right beside ``ground_truth.txt``, without ``images/``.
        size: width and height of every picture.

    Returns:
        The folder.
    """
    rng = np.random.default_rng(seed)
    pictures = folder if flat else folder / "images"
    names = [f"{keyword}/{n}.jpg" for n in range(1, per_keyword + 1) for keyword in EMOTIONS]
    rows = []
    for name in names:
        keyword = EMOTIONS.index(name.split("/")[0])
        felt = rng.dirichlet(np.where(np.arange(6) == keyword, 4.0, 0.4))
        path = pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        paint(felt, rng, size).save(path, quality=90)
        rows.append("\t".join([name, *_fields(felt, rng)]))
    (folder / "ground_truth.txt").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return folder


def paint(
    felt: NDArray[np.float64], rng: np.random.Generator, size: tuple[int, int] = _SIZE
) -> Image.Image:
    """A rough surface in the colour of six shares."""
    width, height = size
    surface = felt @ _COLOURS + rng.normal(0, 12, (height, width, 1))
    return Image.fromarray(np.clip(surface, 0, 255).astype(np.uint8))


def edit_ground_truth(folder: Path, pattern: str, replacement: str) -> None:
    """Replace the first match of a pattern in ``ground_truth.txt``, which has to be there."""
    path = folder / "ground_truth.txt"
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1)
    assert count == 1
    path.write_text(text, encoding="utf-8")


def _fields(felt: NDArray[np.float64], rng: np.random.Generator) -> list[str]:
    """Valence, arousal and seven shares, as the published file writes them."""
    votes = rng.multinomial(_VOTERS, [*(felt * 0.85), 0.15])
    if not votes[:6].any():
        votes[0] += 1
    affect = [5 + felt @ _PLEASANT, 5 + felt @ _EXCITED]
    return [
        *(f"{value:.1f}" for value in affect),
        *(f"{share:.6g}" for share in votes / votes.sum()),
    ]
