"""Figures about many pictures, from counts: a figure of ten million is as large as one of ten."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from moodlens.emotions import EMOTIONS, PALETTE
from moodlens.telling.charts import ACCENT, AXIS, GRID, layout
from moodlens.telling.wording import Wording, capitalised

_HEIGHT = 360
_SCALE = [[0, "rgba(126, 46, 250, 0)"], [0.15, "rgba(126, 46, 250, 0.25)"], [1, "#7E2EFA"]]
_DIVERGING = [[0, "#BC2F98"], [0.5, "rgba(128, 128, 128, 0.12)"], [1, "#1A97F9"]]


def leaders_chart(
    dominant: Mapping[str, int], means: Mapping[str, float], wording: Wording
) -> go.Figure:
    """How many pictures each emotion leads, and its mean share."""
    names = [capitalised(wording.emotion(name)) for name in EMOTIONS]
    total = max(sum(dominant.values()), 1)
    figure = go.Figure()
    series = (
        (wording("report.led"), [dominant.get(name, 0) / total for name in EMOTIONS], 1.0),
        (wording("report.mean"), [means[name] for name in EMOTIONS], 0.45),
    )
    for title, values, opacity in series:
        figure.add_bar(
            x=names,
            y=values,
            name=title,
            text=[wording.percent(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            opacity=opacity,
            marker={"color": [emotion.colour for emotion in PALETTE], "cornerradius": 5},
            hovertemplate=f"%{{x}}: %{{text}}<extra>{title}</extra>",
        )
    figure.update_layout(
        **{**layout(_HEIGHT, wording), "showlegend": False},
        barmode="group",
        margin={"l": 10, "r": 10, "t": 24, "b": 40},
    )
    figure.update_yaxes(visible=False, rangemode="tozero")
    return figure


def spread_chart(shares: Mapping[str, NDArray[np.int64]], wording: Wording) -> go.Figure:
    """For each emotion how many pictures have a share of so much, as rows of a heat map.

    Colours go by the root of the count: most shares are small.
    """
    counts = np.stack([shares[name] for name in reversed(EMOTIONS)])
    bins = counts.shape[1]
    figure = go.Figure(
        go.Heatmap(
            x=[(place + 0.5) / bins for place in range(bins)],
            y=[capitalised(wording.emotion(name)) for name in reversed(EMOTIONS)],
            z=np.sqrt(counts).tolist(),
            customdata=counts.tolist(),
            colorscale=_SCALE,
            showscale=False,
            ygap=4,
            hovertemplate="%{y}, %{x:.0%}: %{customdata}<extra></extra>",
        )
    )
    figure.update_layout(**layout(_HEIGHT, wording), margin={"l": 90, "r": 16, "t": 10, "b": 46})
    figure.update_xaxes(
        title=wording("report.share"), tickformat=".0%", gridcolor=GRID, range=[0, 1]
    )
    figure.update_yaxes(showgrid=False, zeroline=False)
    return figure


def grid_chart(
    counts: NDArray[np.int64],
    axes: tuple[tuple[str, tuple[float, float]], tuple[str, tuple[float, float]]],
    wording: Wording,
) -> go.Figure:
    """How many pictures lie where.

    Args:
        counts: [N, N], rows by y, from the smallest.
        axes: title and range of x, and of y.
        wording: the language of the numbers.
    """
    (x_title, x_range), (y_title, y_range) = axes
    figure = go.Figure(
        go.Heatmap(
            x=_middles(x_range, counts.shape[1]),
            y=_middles(y_range, counts.shape[0]),
            z=[[math.sqrt(value) if value else None for value in row] for row in counts.tolist()],
            customdata=counts.tolist(),
            colorscale=_SCALE,
            showscale=False,
            hovertemplate="%{x:.2f}, %{y:.2f}: %{customdata}<extra></extra>",
        )
    )
    figure.update_layout(**layout(_HEIGHT, wording), margin={"l": 60, "r": 16, "t": 10, "b": 50})
    figure.update_xaxes(title=x_title, range=list(x_range), gridcolor=GRID, zeroline=False)
    figure.update_yaxes(title=y_title, range=list(y_range), gridcolor=GRID, zeroline=False)
    for axis, limits in (("x", x_range), ("y", y_range)):
        middle = sum(limits) / 2
        line = {"color": AXIS, "width": 1}
        add = figure.add_vline if axis == "x" else figure.add_hline
        add(middle, line=line, layer="below")
    return figure


def correlation_chart(coefficients: NDArray[np.float64], wording: Wording) -> go.Figure:
    """Which emotions come together, and which shut each other out."""
    names = [capitalised(wording.emotion(name)) for name in EMOTIONS]
    cells = [
        [None if not math.isfinite(value) else round(value, 2) for value in row]
        for row in coefficients.tolist()
    ]
    figure = go.Figure(
        go.Heatmap(
            x=names,
            y=names,
            z=cells,
            zmin=-1,
            zmax=1,
            colorscale=_DIVERGING,
            showscale=False,
            xgap=3,
            ygap=3,
            text=[["" if v is None else wording.number(v, 2) for v in row] for row in cells],
            texttemplate="%{text}",
            hovertemplate="%{x}, %{y}: %{text}<extra></extra>",
        )
    )
    figure.update_layout(**layout(_HEIGHT, wording), margin={"l": 90, "r": 16, "t": 10, "b": 40})
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(showgrid=False, zeroline=False, autorange="reversed")
    return figure


def histogram(counts: Sequence[int], title: str, wording: Wording) -> go.Figure:
    """How many pictures have a figure, 0 to 1, of so much."""
    figure = go.Figure(
        go.Bar(
            x=_middles((0, 1), len(counts)),
            y=list(counts),
            marker={"color": ACCENT},
            hovertemplate="%{x:.2f}: %{y}<extra></extra>",
        )
    )
    figure.update_layout(
        **layout(_HEIGHT, wording), margin={"l": 60, "r": 16, "t": 10, "b": 50}, bargap=0.08
    )
    figure.update_xaxes(title=title, range=[0, 1])
    figure.update_yaxes(gridcolor=GRID)
    return figure


def _middles(limits: tuple[float, float], count: int) -> list[float]:
    low, high = limits
    return [low + (place + 0.5) * (high - low) / count for place in range(count)]
