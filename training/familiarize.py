"""Give a checkpoint its familiarity: ``python -m training.familiarize``.

::

    python -m training.familiarize --data DIR --checkpoint DIR [--judged-by DIR]

``--judged-by`` names the folder of the cross-validation, or of the soup's folds, with the network
of each finished fold in ``fold<k>``: each picture is then measured by a network that did not learn
from it. Without it, or where no fold's network is there, the checkpoint's own network is asked, and
only what is fitted on its features leaves the picture out; that is fair for frozen backbones.

The network's weights stay as they are, and what metrics.json says of them stays.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from moodlens.errors import MoodLensError, SettingsError
from moodlens.model.checkpoint import (
    WEIGHTS,
    Checkpoint,
    load_checkpoint,
    store_familiarity,
)
from moodlens.model.familiarity import Floats
from moodlens.model.predictor import Predictor
from moodlens.prediction import ModelInfo
from training.data.provenance import seen_in_training
from training.data.source import LabelledPictures
from training.data.split import FOLD_NAMES, load_split, make_folds
from training.judging.familiarity_fit import (
    features_of,
    fit_familiarity,
    out_of_fold_distances,
    unfamiliar_share,
)
from training.options import add_data_options, data_from


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, fit, store, say how often a training picture counts as unfamiliar."""
    args = _parse(arguments)
    try:
        torch.set_num_threads(args.threads)
        checkpoint, dataset = load_checkpoint(args.checkpoint), data_from(args)
        seen = set(seen_in_training(checkpoint.training, dataset.names, dataset) or dataset.names)
        part = dataset.subset([i for i, name in enumerate(dataset.names) if name in seen])
        if not len(part):
            raise SettingsError("None of these pictures is one that the checkpoint learned from.")
        features = _features(checkpoint, part, "its own network")
        found = _by_folds(args.judged_by, part) if args.judged_by else None
        if found is None:
            folds = make_folds(part.ratings.dominant, groups=part.groups)
            found = out_of_fold_distances(checkpoint, features, folds)
        familiarity = fit_familiarity(checkpoint, features, found)
        store_familiarity(args.checkpoint, familiarity)
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    size = (args.checkpoint / WEIGHTS).stat().st_size
    own = unfamiliar_share(familiarity(features))
    print(
        f"familiarity of {len(part)} pictures fitted, {len(found)} of them out of fold; by its own "
        f"features the network finds {own:.1%} of them unfamiliar. {WEIGHTS} is {size / 1e6:.2f} MB"
    )
    return 0


def _features(checkpoint: Checkpoint, part: LabelledPictures, whose: str) -> NDArray[np.float32]:
    model = ModelInfo(checkpoint.name, checkpoint.revision, "local")
    side = Predictor(checkpoint, model, plain=True).decode_side
    pictures = (part.picture(i, short_side=side) for i in range(len(part)))
    return features_of(
        checkpoint, tqdm(pictures, total=len(part), desc=f"features by {whose}", leave=False)
    )


def _by_folds(folder: Path, part: LabelledPictures) -> Floats | None:
    """[M, 2 L] by the networks of the finished folds; None where there is none."""
    rows = []
    for name in FOLD_NAMES:
        if (folder / name / WEIGHTS).is_file():
            checkpoint = load_checkpoint(folder / name)
            judged = np.isin(np.arange(len(part)), load_split(name, part).indices)
            features = _features(checkpoint, part, name)
            folds = np.where(judged, 0, -1)
            rows.append(out_of_fold_distances(checkpoint, features, folds)[judged])
    return np.concatenate(rows) if rows else None


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.familiarize",
        description="Fit how familiar a picture is, and store it in a checkpoint.",
    )
    add_data_options(parser)
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder to store it in")
    parser.add_argument(
        "--judged-by", type=Path, metavar="DIR", help="with the network of each fold in fold<k>"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
