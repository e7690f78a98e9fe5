"""Whether certainty should fall with familiarity.

::

    python -m tests.benchmarks.certainty_by_familiarity --data DIR --pretrained FILE --set levels=3

Heads on frozen features answer in five folds, and each picture's familiarity is measured by what
the other folds' pictures are like. The certainty is fitted on the other folds' answers, from their
shape alone and with the familiarity beside it. First for all pictures, then by fifths of
familiarity: what was stated, and how often it was right.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from moodlens.model.certainty import distribution_shape
from moodlens.model.checkpoint import Checkpoint
from moodlens.model.familiarity import Floats, joint_distance
from training.data.ratings import Ratings
from training.data.split import FOLD_NAMES, load_split
from training.judging.certainty_fit import dominant_is_right, judge_certainty
from training.judging.familiarity_fit import out_of_fold_distances
from training.learning.backbones import pretrained_network
from training.learning.features import frozen_features
from training.learning.heads import fit_heads
from training.options import add_recipe_options, config_from, data_from, engine_from

_FIFTHS = 5


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.certainty_by_familiarity")
    add_recipe_options(parser)
    args = parser.parse_args()
    config = config_from(args)
    engine = engine_from(args, config)
    dataset = data_from(args)
    network = pretrained_network(config)
    features = frozen_features(network, dataset, args.cache, engine=engine)
    true = dataset.ratings
    fold_of = np.empty(len(dataset), dtype=np.int64)
    shares = np.empty_like(true.shares)
    for number, fold in enumerate(FOLD_NAMES):
        inside = load_split(fold, dataset).indices
        outside = load_split(f"without_{fold}", dataset).indices
        l2, affect_l2 = config.heads.l2[-1], config.heads.affect_l2[-1]
        heads = fit_heads(features[:, outside], true[outside], config, l2, affect_l2)
        shares[inside], fold_of[inside] = heads.predict(features[0, inside]).shares, number
    right = dominant_is_right(Ratings.of(shares, true.valence, true.arousal), true)
    unsaved = Checkpoint(network, name="", weights_sha256="", probe=())
    distances = out_of_fold_distances(unsaved, features[0].numpy(), fold_of)
    joint = joint_distance(distances, distances.mean(axis=0), distances.std(axis=0))
    familiarity = 1 - joint.argsort().argsort() / (len(joint) - 1)
    shapes = np.array([distribution_shape(row) for row in shares.tolist()])
    ways = {
        "its shape": shapes,
        "and familiarity": np.column_stack([shapes, familiarity]),
        "and distance": np.column_stack([shapes, joint]),
    }
    stated = {name: _stated(inputs, right, fold_of) for name, inputs in ways.items()}
    print(f"{len(dataset)} pictures, {right.mean():.1%} right\n")
    print("| certainty from | calibration error | Brier | log loss |\n|---|---|---|---|")
    for name, values in stated.items():
        report = judge_certainty(values, right)
        print(f"| {name} | {report.ece:.4f} | {report.brier:.4f} | {log_loss(right, values):.4f} |")
    print(f"\n| familiarity | pictures | right | {' | '.join(stated)} |\n|---" + "|---" * 5 + "|")
    fifth_of = (familiarity * _FIFTHS).astype(int).clip(max=_FIFTHS - 1)
    groups = {"below 0.05": familiarity < 0.05} | {
        f"{k / _FIFTHS:.1f} to {(k + 1) / _FIFTHS:.1f}": fifth_of == k for k in range(_FIFTHS)
    }
    for name, inside in groups.items():
        cells = " | ".join(f"{values[inside].mean():.3f}" for values in stated.values())
        print(f"| {name} | {inside.sum()} | {right[inside].mean():.3f} | {cells} |")


def _stated(inputs: Floats, right: NDArray[np.bool_], fold_of: NDArray[np.int64]) -> Floats:
    """[N] of each picture by what was fitted on the other folds."""
    stated = np.empty(len(right))
    for fold in np.unique(fold_of):
        inside = fold_of == fold
        model = LogisticRegression(max_iter=1000).fit(inputs[~inside], right[~inside])
        stated[inside] = model.predict_proba(inputs[inside])[:, 1]
    return stated


if __name__ == "__main__":
    main()
