"""Places for the HTML of ``markup.py`` and ``static_parts.py``, which style.css alone dresses."""

from __future__ import annotations

from typing import Any

import gradio as gr

from moodlens.interface.translations import translate


def own_html(value: Any = "", **settings: Any) -> gr.HTML:
    """A gr.HTML without Gradio's own styles for buttons, tables and the like."""
    return gr.HTML(value, apply_default_css=False, **settings)


def static_part(key: str, **settings: Any) -> gr.HTML:
    """One of ``static_parts``, in the language of whoever looks at the page."""
    return own_html(translate(key), **settings)
