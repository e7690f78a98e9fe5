"""Places for HTML and charts, which style.css alone dresses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from moodlens.interface.translations import translate

_CHART = Path(__file__).with_name("chart.js").read_text(encoding="utf-8")


def own_html(value: Any = "", **settings: Any) -> gr.HTML:
    """A gr.HTML without Gradio's own styles for buttons, tables and the like."""
    return gr.HTML(value, apply_default_css=False, **settings)


def own_chart(*, elem_id: str, visible: bool = True) -> gr.HTML:
    """A place for a Plotly figure, whose JSON is its value.

    gr.Plot takes an element away with each figure and lays the next one out twice in another.
    """
    return own_html(
        html_template="<div></div>",
        js_on_load=_CHART,
        visible=visible,
        elem_id=elem_id,
        elem_classes="ml-plot",
    )


def static_part(key: str, **settings: Any) -> gr.HTML:
    """One of ``static_parts``, in the language of whoever looks at the page."""
    return own_html(translate(key), **settings)
