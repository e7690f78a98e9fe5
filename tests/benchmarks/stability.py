"""What should not change an answer, and how far it does: ``python -m tests.benchmarks.stability``.

The same picture mirrored, cropped a little, saved again as a poor JPEG, or at half its size,
against the picture as it is. The pictures are the example photos. With ``MOODLENS_EMOTION6`` they
are Emotion6's, each network on those it did not learn from:

    MOODLENS_EMOTION6=path python -m tests.benchmarks.stability --checkpoints runs/cv/fold*
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from moodlens.emotions import EMOTIONS
from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.predictor import Predictor
from moodlens.pictures.reading import read_picture
from moodlens.prediction import ModelInfo
from moodlens.weights.reference import locate_bundled
from tests.benchmarks.guard import unseen_pictures
from tests.benchmarks.pictures import EXAMPLES
from training.data.emotion6 import Emotion6

_BORDER = 0.05  # of each side
_POOR = 60  # JPEG quality


def cropped(picture: Image.Image) -> Image.Image:
    """Without a twentieth of the picture at each of its four sides."""
    width, height = picture.size
    left, top = round(width * _BORDER), round(height * _BORDER)
    return picture.crop((left, top, width - left, height - top))


def recompressed(picture: Image.Image) -> Image.Image:
    """As a messenger might pass it on."""
    file = BytesIO()
    picture.save(file, "JPEG", quality=_POOR)
    return Image.open(file).convert("RGB")


def halved(picture: Image.Image) -> Image.Image:
    """At half its width and height."""
    width, height = picture.size
    return picture.resize((max(1, width // 2), max(1, height // 2)), Image.Resampling.LANCZOS)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    f"cropped by {_BORDER:.0%} at each side": cropped,
    f"saved again as JPEG {_POOR}": recompressed,
    "at half its size": halved,
}


def changes(
    predictor: Predictor, pictures: Iterable[Image.Image]
) -> dict[str, NDArray[np.float64]]:
    """[N, 6] for each kind of change: how far every share of every picture moves."""
    moved: dict[str, list[NDArray[np.float64]]] = {name: [] for name in CHANGES}
    for picture in pictures:
        before = _shares(predictor, picture)
        for name, change in CHANGES.items():
            moved[name].append(np.abs(_shares(predictor, change(picture)) - before))
    return {name: np.stack(rows) for name, rows in moved.items()}


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.stability")
    parser.add_argument("--checkpoints", nargs="+", type=Path, default=[locate_bundled().folder])
    parser.add_argument("--limit", type=int, help="at most so many pictures for each checkpoint")
    args = parser.parse_args()
    folder = os.environ.get("MOODLENS_EMOTION6")
    dataset = Emotion6.read(Path(folder)) if folder else None
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in CHANGES}
    for checkpoint in map(load_checkpoint, args.checkpoints):
        predictor = Predictor(checkpoint, ModelInfo(checkpoint.name, "", "local"))
        paths = EXAMPLES if dataset is None else unseen_pictures(checkpoint, dataset).paths
        pictures = (read_picture(path.read_bytes()) for path in paths[: args.limit])
        for name, moved in changes(predictor, pictures).items():
            found[name].append(moved)
    table = {name: np.concatenate(rows) for name, rows in found.items()}
    size = len(next(iter(table.values())))
    headings = ("mean change of a share", "mean of each picture's largest", "largest of all")
    print(f"| {size} pictures | {' | '.join(headings)} |\n|---|---|---|---|")
    for name, moved in table.items():
        print(f"| {name} | {moved.mean():.4f} | {moved.max(1).mean():.4f} | {moved.max():.3f} |")
    return 0


def _shares(predictor: Predictor, picture: Image.Image) -> NDArray[np.float64]:
    (prediction,) = predictor.predict([picture])
    return np.array([prediction.distribution[name] for name in EMOTIONS])


if __name__ == "__main__":
    sys.exit(main())
