"""Valence and arousal as a figure."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

from moodlens.emotions import SCALE_RANGE
from moodlens.prediction import Prediction
from moodlens.telling.charts import ACCENT, AXIS, GRID, layout
from moodlens.telling.wording import Wording

PLANE_HEIGHT = 340


@dataclass(frozen=True, slots=True)
class AffectError:
    """How far off valence and arousal are on pictures the network had not seen.

    Attributes:
        valence: mean absolute error on the 1..9 scale.
        arousal: mean absolute error on the 1..9 scale.
    """

    valence: float
    arousal: float


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
                fillcolor=ACCENT,
                opacity=0.3,
                line={"width": 2, "color": ACCENT},
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
                marker={"size": 15, "color": ACCENT, "line": {"color": "white", "width": 2}},
                hovertext=[hover],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    else:
        figure.add_trace(go.Scatter(x=[middle], y=[middle], mode="markers", opacity=0))
    figure.update_layout(
        **layout(PLANE_HEIGHT, wording), margin={"l": 46, "r": 12, "t": 10, "b": 46}
    )
    axis = {
        "range": [SCALE_RANGE[0] - 0.3, SCALE_RANGE[1] + 0.3],
        "tickvals": [1, 3, 5, 7, 9],
        "gridcolor": GRID,
        "zeroline": False,
        "fixedrange": True,
    }
    for update, scale, standoff in (
        (figure.update_xaxes, "valence", 6),
        (figure.update_yaxes, "arousal", 4),
    ):
        text = _along_the_axis(wording(f"plane.{scale}"))
        update(title={"text": text, "standoff": standoff, "font": {"size": 13}}, **axis)
    for shape in (
        {"x0": middle, "x1": middle, "y0": 1, "y1": 9},
        {"x0": 1, "x1": 9, "y0": middle, "y1": middle},
    ):
        figure.add_shape(type="line", line={"color": AXIS, "width": 1}, layer="below", **shape)
    return figure


def _along_the_axis(title: str) -> str:
    """The title with its ends where the axis has them, in languages from right to left too."""
    mark = "\N{LEFT-TO-RIGHT MARK}"
    return "".join(f"{mark}{sign}{mark}" if sign in "←→" else sign for sign in title)
