"""Plotly figures of shares.

Gradio draws the figures with a plotly.js of its own and does not adapt them to its themes, so they
stay with basic traces on transparent paper, and the page's style sheet colours their text. Values
are passed as lists: arrays would reach API clients as base64.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from moodlens.emotions import EMOTIONS, NEUTRAL, PALETTE
from moodlens.telling.wording import Wording, capitalised, colour_emoji

CHART_HEIGHT = 316

GRID = "rgba(128, 128, 128, 0.22)"
AXIS = "rgba(128, 128, 128, 0.55)"
ACCENT = "#7E2EFA"
_LONGEST_LABEL = 18
_SERIES_COLOURS = (ACCENT, "#1A97F9", NEUTRAL.colour, "#BD8905")

_COLOURS = {emotion.name: emotion.colour for emotion in PALETTE}
_EMOTIONS = {emotion.name: emotion for emotion in PALETTE}


def share_chart(distribution: Mapping[str, float] | None, wording: Wording) -> go.Figure:
    """Six bars, always in the same place.

    Args:
        distribution: the six shares; None draws the empty chart that waits for a picture.
        wording: the language of names, numbers and hover texts.
    """
    shares = distribution or dict.fromkeys(EMOTIONS, 0.0)
    names = list(EMOTIONS)
    figure = go.Figure(
        go.Bar(
            x=[shares[name] for name in names],
            y=[_axis_name(name, wording) for name in names],
            orientation="h",
            marker={"color": [_COLOURS[name] for name in names], "cornerradius": 6},
            text=[wording.percent(shares[name]) if distribution else "" for name in names],
            textposition="outside",
            cliponaxis=False,
            hovertext=[
                wording(
                    "chart.hover",
                    emotion=wording.emotion(name),
                    count=wording.number(100 * shares[name], 0),
                )
                for name in names
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    longest = max(shares.values(), default=0) or 0.6
    figure.update_layout(
        **layout(CHART_HEIGHT, wording),
        margin={"l": 4, "r": 12, "t": 6, "b": 34},
        bargap=0.34,
    )
    figure.update_xaxes(
        range=[0, min(1.12, max(0.58, longest * 1.2))],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        ticktext=[wording.percent(value) for value in (0, 0.25, 0.5, 0.75, 1)],
        tickangle=0,
        gridcolor=GRID,
        zeroline=False,
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticklabelstandoff=8)
    return figure


def difference_chart(
    left: Mapping[str, float], right: Mapping[str, float], wording: Wording
) -> go.Figure:
    """By how many points the right picture's shares exceed the left's, emotion by emotion."""
    points = [100 * (right[name] - left[name]) for name in EMOTIONS]
    reach = max(10.0, *(abs(value) for value in points)) * 1.35
    figure = go.Figure(
        go.Bar(
            x=points,
            y=[_axis_name(name, wording) for name in EMOTIONS],
            orientation="h",
            marker={"color": [_COLOURS[name] for name in EMOTIONS], "cornerradius": 2},
            text=[signed(value, wording) for value in points],
            textposition="outside",
            cliponaxis=False,
            hovertext=[
                wording(
                    "compare.hover",
                    emotion=capitalised(wording.emotion(name)),
                    left=wording.percent(left[name]),
                    right=wording.percent(right[name]),
                )
                for name in EMOTIONS
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_layout(
        **layout(CHART_HEIGHT, wording), margin={"l": 4, "r": 12, "t": 6, "b": 34}, bargap=0.34
    )
    figure.update_xaxes(
        range=[-reach, reach],
        gridcolor=GRID,
        zeroline=True,
        zerolinecolor=AXIS,
        zerolinewidth=2,
        showticklabels=False,
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticklabelstandoff=8)
    return figure


def grouped_bars(
    names: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    texts: Mapping[str, Sequence[str]],
    wording: Wording,
) -> go.Figure:
    """Bars in groups: one group for each name, one colour for each series, the first on top."""
    labels = ["<br>".join(textwrap.wrap(name, _LONGEST_LABEL)) for name in names]
    figure = go.Figure(
        [
            go.Bar(
                name=label,
                x=list(values),
                y=labels,
                orientation="h",
                text=list(texts[label]),
                textposition="outside",
                cliponaxis=False,
                marker={"color": colour, "cornerradius": 4},
                hovertemplate=f"{label}: %{{text}}<extra></extra>",
            )
            for (label, values), colour in zip(series.items(), _SERIES_COLOURS, strict=False)
        ]
    )
    longest = max((value for values in series.values() for value in values if value), default=1)
    figure.update_layout(
        **layout(70 + len(names) * (22 + 22 * len(series)), wording) | {"showlegend": True},
        barmode="group",
        bargap=0.3,
        margin={"l": 4, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(
        range=[0, 1.2 * longest],
        gridcolor=GRID,
        zeroline=False,
        fixedrange=True,
        showticklabels=False,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticklabelstandoff=8)
    return figure


def signed(points: float, wording: Wording) -> str:
    """Percentage points with their sign; none for what rounds to zero."""
    rounded = round(points)
    sign = "+" if rounded > 0 else "−" if rounded < 0 else "±"
    return sign + wording.number(abs(rounded), 0)


def _axis_name(name: str, wording: Wording) -> str:
    return f"{colour_emoji(_EMOTIONS[name])} {capitalised(wording.emotion(name))}"


def layout(height: int, wording: Wording) -> dict[str, object]:
    """What every figure of the page has in common, at ``height`` pixels."""
    return {
        "template": "none",
        "height": height,
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 14},
        "separators": wording.separators,
        "showlegend": False,
        "dragmode": False,
    }
