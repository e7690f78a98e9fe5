"""Figures of two sides, their ratio, and whether it reaches its goal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """What the ratio of ours to the reference's has to be.

    Attributes:
        ratio: the bound.
        better: ``lower``, and the ratio must not pass it; or ``higher``, and it must reach it.
    """

    ratio: float
    better: Literal["lower", "higher"] = "lower"

    def is_met(self, ratio: float) -> bool:
        return ratio <= self.ratio if self.better == "lower" else ratio >= self.ratio

    def __str__(self) -> str:
        return f"{'<=' if self.better == 'lower' else '>='} {self.ratio:g}x"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report.

    Attributes:
        name: what was measured.
        unit: of both figures.
        ours: MoodLens's.
        reference: what it is held against; None where there is nothing to hold it against.
        goal: for the ratio, if one was set.
    """

    name: str
    unit: str
    ours: float
    reference: float | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.reference is None else self.ours / self.reference

    @property
    def verdict(self) -> str:
        if self.goal is None or self.ratio is None:
            return ""
        return "met" if self.goal.is_met(self.ratio) else "MISSED"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent lie, between neighbours in proportion."""
    if percent == 50:
        return statistics.median(values)
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def table(rows: Sequence[Row]) -> str:
    """The report, as Markdown that reads well in a terminal too."""
    cells = [("", "MoodLens", "reference", "ratio", "goal", "")]
    cells += [
        (
            row.name,
            f"{row.ours:.3g} {row.unit}",
            "" if row.reference is None else f"{row.reference:.3g} {row.unit}",
            "" if row.ratio is None else f"{row.ratio:.2f}x",
            "" if row.goal is None else str(row.goal),
            row.verdict,
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
