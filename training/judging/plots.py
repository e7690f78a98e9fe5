"""The pictures of an evaluation, drawn from its metrics.json and the ratings behind it.

Small PNG files with few colours: a checkpoint may carry them along.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from moodlens.emotions import EMOTIONS, PALETTE
from training.data.ratings import Ratings
from training.judging.certainty_fit import reliability

_DPI = 100
_COLOURS = 64
_INK = "#333333"


def draw_all(
    folder: Path, document: Mapping[str, Any], predicted: Ratings, true: Ratings
) -> list[Path]:
    """Draw every picture of an evaluation into a folder.

    Args:
        folder: made if it is missing.
        document: what :func:`training.judging.metrics_document.judge` returned.
        predicted: the network's ratings.
        true: the viewers' ratings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "reliability.png": reliability_diagram(document, predicted, true),
        "confusion.png": confusion_matrix(document["confusion"]),
        "shares.png": share_scatter(document["per_emotion"], predicted, true),
        "coverage.png": coverage_curve(document["coverage"], len(true)),
    }
    return [_save(figure, folder / name) for name, figure in figures.items()]


def reliability_diagram(document: Mapping[str, Any], predicted: Ratings, true: Ratings) -> Figure:
    """Stated against observed: shares of viewers by emotion and, where there is one, certainty."""
    certainty = document["certainty"]
    figure = Figure(figsize=(10 if certainty else 5.2, 5), layout="constrained")
    left, *right = figure.subplots(1, 2 if certainty else 1, squeeze=False)[0]
    for index, emotion in enumerate(PALETTE):
        bins = reliability(predicted.distribution[:, index], true.distribution[:, index])
        left.plot(
            [b.stated for b in bins],
            [b.observed for b in bins],
            marker="o",
            markersize=3,
            linewidth=1,
            color=emotion.colour,
            label=emotion.name,
        )
    _curve(left, document["reliability"], label="all six")
    _unit_square(left, "predicted share of viewers", "mean share of viewers", "Shares")
    left.legend(frameon=False, fontsize=8)
    for axes in right:
        _curve(axes, certainty["reliability"], label=None)
        for row in certainty["reliability"]:
            at = (row["stated"], row["observed"])
            axes.annotate(
                str(int(row["size"])), at, (4, -10), textcoords="offset points", fontsize=7
            )
        _unit_square(axes, "certainty", "dominant emotion is right", "Certainty (with counts)")
    return figure


def confusion_matrix(counts: Sequence[Sequence[int]]) -> Figure:
    """Counts, coloured by the share of each row."""
    table = np.asarray(counts)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5.6, 5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        colour = "white" if share > 0.5 else _INK
        axes.text(column, row, str(table[row, column]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=30)
    axes.set_yticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_xlabel("predicted dominant emotion")
    axes.set_ylabel("viewers' dominant emotion")
    axes.set_title("Dominant emotion, pictures", fontsize=10)
    return figure


def share_scatter(per_emotion: Mapping[str, Any], predicted: Ratings, true: Ratings) -> Figure:
    """Predicted against voted shares, one panel per emotion."""
    figure = Figure(figsize=(9, 6.2), layout="constrained")
    panels = np.ravel(figure.subplots(2, 3, sharex=True, sharey=True))
    for index, (axes, emotion) in enumerate(zip(panels, PALETTE, strict=True)):
        axes.scatter(
            predicted.distribution[:, index],
            true.distribution[:, index],
            s=5,
            linewidth=0,
            alpha=0.5,
            color=emotion.colour,
        )
        r = per_emotion[emotion.name]["pearson"]["value"]
        _unit_square(axes, "", "", f"{emotion.name}, r = {r:.2f}")
    figure.supxlabel("predicted share of viewers", fontsize=10)
    figure.supylabel("share of viewers", fontsize=10)
    return figure


def coverage_curve(coverage: Mapping[str, Any], size: int) -> Figure:
    """Accuracy when the least certain predictions are set aside."""
    figure = Figure(figsize=(5.6, 4), layout="constrained")
    axes = figure.subplots()
    kept = np.array([row["coverage"] for row in coverage["rows"]])
    accuracy = np.array([row["accuracy"] for row in coverage["rows"]])
    # A binomial standard error: wide where little is left.
    error = np.sqrt(accuracy * (1 - accuracy) / np.maximum(kept * size, 1))
    axes.fill_between(kept, accuracy - error, accuracy + error, color="#2F7FC1", alpha=0.2, lw=0)
    axes.plot(kept, accuracy, marker="o", markersize=4, color="#2F7FC1")
    axes.set_xlim(1.02, 0)
    axes.set_ylim(min(0.5, float(accuracy.min()) - 0.05), 1.01)
    axes.set_xlabel(f"share of pictures kept, the highest {coverage['by']} first")
    axes.set_ylabel("dominant emotion is right")
    axes.set_title("Accuracy against coverage, with one standard error", fontsize=10)
    axes.grid(alpha=0.3)
    return figure


def _curve(axes: Axes, bins: Sequence[Mapping[str, float]], *, label: str | None) -> None:
    axes.plot(
        [row["stated"] for row in bins],
        [row["observed"] for row in bins],
        marker="s",
        markersize=4,
        linewidth=2,
        color="black",
        label=label,
    )


def _unit_square(axes: Axes, xlabel: str, ylabel: str, title: str) -> None:
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--", zorder=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_title(title, fontsize=10)


def _save(figure: Figure, path: Path) -> Path:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    with Image.open(buffer) as drawn:
        drawn.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path
