"""Give a checkpoint its certainty: ``python -m training.calibrate``.

::

    python -m training.calibrate --data DIR --predictions FILE --checkpoint DIR

The predictions are out-of-fold ratings, each made by a network that did not learn from the picture,
as ``training.crossvalidate`` writes them. The weights stay as they are; an older metrics.json goes,
since it was measured without this certainty.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from moodlens.errors import MoodLensError
from training.data.ratings_file import read_ratings
from training.judging.certainty_fit import (
    certainties,
    dominant_is_right,
    fit_certainty,
    judge_certainty,
    store_certainty,
)
from training.options import add_source_options, data_from


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit on the predictions, store in the checkpoint, say how good it is."""
    parser = argparse.ArgumentParser(
        prog="python -m training.calibrate",
        description="Fit the certainty on out-of-fold predictions and store it in a checkpoint.",
    )
    add_source_options(parser)
    parser.add_argument("--predictions", type=Path, required=True, help="out-of-fold ratings, CSV")
    parser.add_argument("--checkpoint", type=Path, required=True, help="folder to store it in")
    args = parser.parse_args(arguments)
    try:
        dataset = data_from(args)
        predicted = read_ratings(args.predictions, dataset.names)
        certainty = fit_certainty(predicted, dataset.ratings)
        store_certainty(args.checkpoint, certainty)
    except MoodLensError as error:
        print(error.message, file=sys.stderr)
        return 2
    right = dominant_is_right(predicted, dataset.ratings)
    report = judge_certainty(certainties(certainty, predicted), right)
    print(
        f"certainty fitted on {len(dataset)} pictures, {right.mean():.1%} right: "
        f"calibration error {report.ece:.3f}, Brier {report.brier:.3f} "
        f"(stating the rate alone: {report.brier_of_constant:.3f})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
