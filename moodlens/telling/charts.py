"""Plotly figures and heatmap overlays.

Gradio draws the figures with a plotly.js of its own and does not adapt them to its themes, so they
stay with basic traces on transparent paper, and the page's style sheet colours their text. Values
are passed as lists: arrays would reach API clients as base64.
"""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from moodlens.emotions import EMOTIONS, NEUTRAL, PALETTE, SCALE_RANGE, Emotion
from moodlens.prediction import Prediction
from moodlens.telling.wording import Wording, capitalised

Order = Literal["fixed", "sorted"]

CHART_HEIGHT = 316
PLANE_HEIGHT = 340

_GRID = "rgba(128, 128, 128, 0.22)"
_AXIS = "rgba(128, 128, 128, 0.55)"
_ACCENT = "#7E2EFA"
_OVERLAY_SIDE = 192
_LONGEST_LABEL = 18
_SERIES_COLOURS = (_ACCENT, "#1A97F9", NEUTRAL.colour, "#BD8905")

_COLOURS = {emotion.name: emotion.colour for emotion in PALETTE}
_EMOTIONS = {emotion.name: emotion for emotion in PALETTE}


@dataclass(frozen=True, slots=True)
class AffectError:
    """How far off valence and arousal are on pictures the network had not seen.

    Attributes:
        valence: mean absolute error on the 1..9 scale.
        arousal: mean absolute error on the 1..9 scale.
    """

    valence: float
    arousal: float


def share_chart(
    distribution: Mapping[str, float] | None, wording: Wording, order: Order = "fixed"
) -> go.Figure:
    """Six bars, largest at the top or always in the same place.

    Args:
        distribution: the six shares; None draws the empty chart that waits for a picture.
        wording: the language of names, numbers and hover texts.
        order: ``fixed`` as in ``EMOTIONS``, or ``sorted`` by share.
    """
    shares = distribution or dict.fromkeys(EMOTIONS, 0.0)
    names = list(EMOTIONS)
    if order == "sorted":
        names.sort(key=lambda name: -shares[name])
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
        **_layout(CHART_HEIGHT, wording),
        margin={"l": 4, "r": 12, "t": 6, "b": 34},
        bargap=0.34,
    )
    figure.update_xaxes(
        range=[0, min(1.12, max(0.58, longest * 1.2))],
        tickvals=[0, 0.25, 0.5, 0.75, 1],
        ticktext=[wording.percent(value) for value in (0, 0.25, 0.5, 0.75, 1)],
        tickangle=0,
        gridcolor=_GRID,
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
        **_layout(CHART_HEIGHT, wording), margin={"l": 4, "r": 12, "t": 6, "b": 34}, bargap=0.34
    )
    figure.update_xaxes(
        range=[-reach, reach],
        gridcolor=_GRID,
        zeroline=True,
        zerolinecolor=_AXIS,
        zerolinewidth=2,
        showticklabels=False,
        fixedrange=True,
    )
    figure.update_yaxes(autorange="reversed", fixedrange=True, automargin=True, ticklabelstandoff=8)
    return figure


def affect_plane(
    prediction: Prediction | None, wording: Wording, error: AffectError | None = None
) -> go.Figure:
    """Valence and arousal as a point on the circumplex (Russell, 1980).

    Args:
        prediction: None draws the empty plane.
        wording: the language of the labels.
        error: drawn as an ellipse around the point, its half-axes the mean absolute errors; left
            out where the checkpoint was never evaluated.
    """
    figure = go.Figure()
    middle = sum(SCALE_RANGE) / 2
    for key, x, y in (
        ("plane.tense", 2.7, 8.4),
        ("plane.excited", 7.3, 8.4),
        ("plane.gloomy", 2.7, 1.6),
        ("plane.calm", 7.3, 1.6),
    ):
        figure.add_annotation(x=x, y=y, text=wording(key), showarrow=False, opacity=0.85)
    if prediction is not None:
        x, y = prediction.valence, prediction.arousal
        if error is not None:
            figure.add_shape(
                type="circle",
                x0=x - error.valence,
                x1=x + error.valence,
                y0=y - error.arousal,
                y1=y + error.arousal,
                fillcolor=_ACCENT,
                opacity=0.3,
                line={"width": 2, "color": _ACCENT},
            )
        hover = wording("plane.hover", valence=wording.number(x), arousal=wording.number(y)) + (
            ""
            if error is None
            else "<br>"
            + wording(
                "plane.error",
                valence=wording.number(error.valence),
                arousal=wording.number(error.arousal),
            )
        )
        figure.add_trace(
            go.Scatter(
                x=[x],
                y=[y],
                mode="markers",
                marker={"size": 15, "color": _ACCENT, "line": {"color": "white", "width": 2}},
                hovertext=[hover],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    else:
        figure.add_trace(go.Scatter(x=[middle], y=[middle], mode="markers", opacity=0))
    figure.update_layout(
        **_layout(PLANE_HEIGHT, wording), margin={"l": 46, "r": 12, "t": 10, "b": 46}
    )
    axis = {
        "range": [SCALE_RANGE[0] - 0.3, SCALE_RANGE[1] + 0.3],
        "tickvals": [1, 3, 5, 7, 9],
        "gridcolor": _GRID,
        "zeroline": False,
        "fixedrange": True,
    }
    figure.update_xaxes(
        title={"text": wording("plane.valence"), "standoff": 6, "font": {"size": 13}}, **axis
    )
    figure.update_yaxes(
        title={"text": wording("plane.arousal"), "standoff": 4, "font": {"size": 13}}, **axis
    )
    for shape in (
        {"x0": middle, "x1": middle, "y0": 1, "y1": 9},
        {"x0": 1, "x1": 9, "y0": middle, "y1": middle},
    ):
        figure.add_shape(type="line", line={"color": _AXIS, "width": 1}, layer="below", **shape)
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
        **_layout(70 + len(names) * (22 + 22 * len(series)), wording) | {"showlegend": True},
        barmode="group",
        bargap=0.3,
        margin={"l": 4, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(
        range=[0, 1.2 * longest],
        gridcolor=_GRID,
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


def heat_overlays(maps: NDArray[np.float32]) -> dict[str, Image.Image]:
    """Where each emotion's share comes from, as transparent pictures in the emotions' colours.

    A softmax does not see what all logits have in common, so each position is taken relative to the
    mean over the seven. What speaks for an emotion is opaque, what does not is clear; all six share
    one scale, so that a faint map means a weak reason.

    Args:
        maps: [7, h, w] class activation maps in the order of ``LABELS``.

    Returns:
        For each of ``EMOTIONS`` a square RGBA picture.
    """
    relative = maps - maps.mean(axis=0, keepdims=True)
    reasons = np.clip(relative[: len(EMOTIONS)], 0, None)
    strongest = float(reasons.max())
    scaled = reasons / strongest if strongest > 0 else reasons
    overlays = {}
    for emotion, heat in zip(PALETTE, scaled, strict=True):
        alpha = Image.fromarray((255 * heat).astype(np.uint8), "L").resize(
            (_OVERLAY_SIDE, _OVERLAY_SIDE), Image.Resampling.BICUBIC
        )
        overlay = Image.new("RGB", alpha.size, emotion.colour)
        overlay.putalpha(alpha)
        overlays[emotion.name] = overlay
    return overlays


def colour_emoji(emotion: Emotion) -> str:
    """The emotion's emoji with the sign that asks for it in colour.

    Some text fonts hold plain outlines of the six, which browsers would take instead.
    """
    return f"{emotion.emoji}\N{VARIATION SELECTOR-16}"


def data_uri(picture: Image.Image) -> str:
    """A picture as a ``data:`` address: PNG where it is transparent, else JPEG."""
    file = io.BytesIO()
    if picture.mode == "RGBA":
        picture.save(file, "PNG")
        kind = "png"
    else:
        picture.save(file, "JPEG", quality=86)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def _axis_name(name: str, wording: Wording) -> str:
    return f"{colour_emoji(_EMOTIONS[name])} {capitalised(wording.emotion(name))}"


def _layout(height: int, wording: Wording) -> dict[str, object]:
    return {
        "template": "none",
        "height": height,
        "autosize": True,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 14},
        "separators": ",." if wording.language == "de" else ".,",
        "showlegend": False,
        "dragmode": False,
    }
