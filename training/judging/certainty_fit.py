"""Whether stated shares and certainties can be taken at their word.

Sources: for the reliability diagram and the expected calibration error, Guo, Pleiss, Sun,
Weinberger: On Calibration of Modern Neural Networks, ICML 2017; for accuracy against coverage,
Geifman, El-Yaniv: Selective Classification for Deep Neural Networks, NIPS 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from moodlens.model.certainty import Certainty, DistributionShape, distribution_shape
from moodlens.model.checkpoint import CONFIG, METRICS, load_checkpoint
from moodlens.model.checkpoint_files import read_json, write_json
from training.data.ratings import Floats, Ratings

BINS = 10
COVERAGES = tuple(step / 10 for step in range(10, 0, -1))


class ReliabilityBin(NamedTuple):
    """The cases whose stated value falls into one bin.

    Attributes:
        low: lower edge of the bin.
        high: upper edge.
        size: cases in it.
        stated: their mean stated value.
        observed: their mean observed value.
    """

    low: float
    high: float
    size: int
    stated: float
    observed: float


class Coverage(NamedTuple):
    """What is left when the least certain predictions are set aside.

    Attributes:
        coverage: share of the pictures that is kept.
        accuracy: share of those whose dominant emotion is right.
        threshold: the least certainty among them.
    """

    coverage: float
    accuracy: float
    threshold: float


@dataclass(frozen=True, slots=True)
class CertaintyReport:
    """How good the certainty is on one set of pictures.

    Attributes:
        ece: expected calibration error: mean distance of stated from observed, over bins.
        brier: mean squared distance of the certainty from 1 where right and 0 where wrong.
        brier_of_constant: the same for always stating the accuracy, which knows nothing.
        bins: for a reliability diagram.
    """

    ece: float
    brier: float
    brier_of_constant: float
    bins: tuple[ReliabilityBin, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "ece": round(self.ece, 5),
            "brier": round(self.brier, 5),
            "brier_of_constant": round(self.brier_of_constant, 5),
            "reliability": rows_to_json(self.bins),
        }


def fit_certainty(predicted: Ratings, true: Ratings) -> Certainty:
    """Fit the chance that the dominant emotion is right, by logistic regression.

    Args:
        predicted: out-of-fold: of each picture by a network that did not learn from it.
        true: the viewers' ratings of the same pictures.
    """
    shapes = np.array([distribution_shape(row) for row in predicted.shares.tolist()])
    right = dominant_is_right(predicted, true)
    if right.all() or not right.any():
        # Nothing tells right from wrong: state the rate, half a case away from certain.
        rate = (right.sum() + 0.5) / (len(right) + 1)
        flat = dict.fromkeys(DistributionShape._fields, 0.0)
        return Certainty(intercept=float(np.log(rate / (1 - rate))), **flat)
    model = LogisticRegression(max_iter=1000).fit(shapes, right)
    coefficients = dict(zip(DistributionShape._fields, model.coef_[0].tolist(), strict=True))
    return Certainty(intercept=float(model.intercept_[0]), **coefficients)


def certainties(certainty: Certainty, predicted: Ratings) -> Floats:
    """[N]: the certainty of each prediction."""
    return np.array([certainty(row) for row in predicted.shares.tolist()])


def dominant_is_right(predicted: Ratings, true: Ratings) -> NDArray[np.bool_]:
    """[N]: whether the predicted dominant emotion is the viewers'."""
    return predicted.dominant == true.dominant


def judge_certainty(stated: Floats, right: NDArray[np.bool_]) -> CertaintyReport:
    """Compare stated certainties [N] with what turned out to be right [N]."""
    observed = right.astype(np.float64)
    bins = reliability(stated, observed)
    return CertaintyReport(
        ece=expected_calibration_error(bins),
        brier=float(np.mean((stated - observed) ** 2)),
        brier_of_constant=float(np.var(observed)),
        bins=bins,
    )


def reliability(
    stated: Floats, observed: Floats, *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Group by stated value into equal bins of 0..1, average both sides, leave out empty bins.

    Args:
        stated: [N] in 0..1.
        observed: [N] in 0..1: outcomes, or shares of viewers.
        bins: how many.
    """
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.clip(np.digitize(stated, edges) - 1, 0, bins - 1)
    return tuple(
        ReliabilityBin(
            low=float(edges[b]),
            high=float(edges[b + 1]),
            size=int(inside.sum()),
            stated=float(stated[inside].mean()),
            observed=float(observed[inside].mean()),
        )
        for b in range(bins)
        if (inside := bin_of == b).any()
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Mean distance of stated from observed, each bin weighted by its cases."""
    total = sum(b.size for b in bins)
    return sum(b.size * abs(b.stated - b.observed) for b in bins) / total


def accuracy_by_coverage(stated: Floats, right: NDArray[np.bool_]) -> tuple[Coverage, ...]:
    """Accuracy among the most certain share of the pictures, for each of ``COVERAGES``."""
    order = np.argsort(-stated, kind="stable")
    rows = []
    for coverage in COVERAGES:
        kept = order[: max(1, round(coverage * len(order)))]
        rows.append(Coverage(coverage, float(right[kept].mean()), float(stated[kept[-1]])))
    return tuple(rows)


def rows_to_json(rows: Sequence[ReliabilityBin] | Sequence[Coverage]) -> list[dict[str, float]]:
    """Bins or coverages as JSON, rounded to five digits."""
    return [{k: round(v, 5) for k, v in row._asdict().items()} for row in rows]


def store_certainty(folder: Path, certainty: Certainty) -> None:
    """Put a certainty into a checkpoint's config; its metrics.json goes, its weights stay.

    Raises:
        CheckpointError: the folder is not a sound checkpoint.
    """
    load_checkpoint(folder)
    (folder / METRICS).unlink(missing_ok=True)
    write_json(folder / CONFIG, read_json(folder / CONFIG) | {"certainty": certainty.to_json()})
