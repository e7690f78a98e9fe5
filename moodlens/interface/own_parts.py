"""Places for HTML and charts, which style.css alone dresses."""

from __future__ import annotations

from typing import Any

import gradio as gr

from moodlens.interface.translations import translate


def own_html(value: Any = "", **settings: Any) -> gr.HTML:
    """A gr.HTML without Gradio's own styles for buttons, tables and the like."""
    return gr.HTML(value, apply_default_css=False, **settings)


def own_plot(*, elem_id: str, visible: bool = True) -> gr.Plot:
    """A gr.Plot without a frame, and without the badge that would cover its top."""
    return gr.Plot(
        show_label=False,
        container=False,
        visible=visible,
        elem_id=elem_id,
        elem_classes="ml-plot",
    )


def static_part(key: str, **settings: Any) -> gr.HTML:
    """One of ``static_parts``, in the language of whoever looks at the page."""
    return own_html(translate(key), **settings)
