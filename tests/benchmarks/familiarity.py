"""Whether a checkpoint knows what it does not know: ``python -m tests.benchmarks.familiarity``.

Strange pictures are drawn here; other photos are the shipped examples and those that installed
packages bring along, and whatever lies in ``--photos``. Familiarity is the share of out-of-fold
training pictures that are less familiar, so the mean of what it lacks to 1 over strange pictures is
the AUROC of telling them from training pictures.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from importlib.resources import files
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from moodlens.errors import PictureError
from moodlens.model.checkpoint import load_checkpoint
from moodlens.model.predictor import Predictor
from moodlens.pictures.reading import read_picture
from moodlens.prediction import UNFAMILIAR, ModelInfo
from moodlens.weights.reference import locate_bundled
from tests.benchmarks.pictures import EXAMPLES
from tests.benchmarks.strange_pictures import strange_pictures

_BROUGHT_ALONG = {
    "sklearn": "datasets/images/*.jpg",
    "matplotlib": "mpl-data/sample_data/*.jpg",
    "gradio": "media_assets/images/*.jp*g",
}


def packaged_photos() -> list[Path]:
    """Photos in packages that are installed anyway."""
    found: list[Path] = []
    for package, pattern in _BROUGHT_ALONG.items():
        try:
            found += sorted(Path(str(files(package))).glob(pattern))
        except ModuleNotFoundError:
            continue
    return found


def main() -> None:
    """Print one line for each kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.familiarity")
    parser.add_argument("--checkpoint", type=Path, default=locate_bundled().folder)
    parser.add_argument("--each", type=int, default=20, help="strange pictures of each kind")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders with more")
    arguments = parser.parse_args()
    checkpoint = load_checkpoint(arguments.checkpoint)
    if checkpoint.familiarity is None:
        parser.error("This checkpoint has no familiarity; training.familiarize gives it one.")
    predictor = Predictor(checkpoint, ModelInfo(checkpoint.name, "", "local"))

    def ask(picture: Image.Image) -> float:
        (prediction,) = predictor.predict([picture])
        return prediction.familiarity or 0.0

    found: dict[str, list[float]] = defaultdict(list)
    for kind, picture in strange_pictures(arguments.each):
        found[kind].append(ask(picture))
    print(f"{'strange':<16}{'AUROC':>8}{'flagged':>9}")
    for kind, values in (*found.items(), ("all", list(chain(*found.values())))):
        flagged = np.mean(np.array(values) < UNFAMILIAR)
        print(f"{kind:<16}{1 - np.mean(values):>8.3f}{flagged:>9.0%}")
    photos = [*EXAMPLES, *packaged_photos()]
    photos += [path for folder in arguments.photos for path in sorted(folder.iterdir())]
    values = []
    for path in photos:
        try:
            values.append(ask(read_picture(path.read_bytes(), short_side=predictor.decode_side)))
        except (PictureError, OSError):
            continue
        print(f"{path.name:<32}{values[-1]:>8.3f}")
    print(f"photos flagged: {np.mean(np.array(values) < UNFAMILIAR):.0%} of {len(values)}")


if __name__ == "__main__":
    main()
