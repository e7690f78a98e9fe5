"""Parts that a browser builds only when somebody can see them.

Gradio builds whatever is visible before it says that the page is there, be it behind a tab or below
the fold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.blocks import Block

_WHEN_IDLE = "await new Promise((go) => (window.requestIdleCallback ?? setTimeout)(go));"


@contextmanager
def late_tab(label: Any, name: str) -> Iterator[gr.Tab]:
    """A tab whose content is built when the tab is opened for the first time."""
    with gr.Tab(label, id=name) as tab:
        yield tab
    tab.select(None, None, tab.children, js=_show(tab.children), api_visibility="private")


def show_when_idle(page: gr.Blocks, parts: Sequence[Block]) -> None:
    """Build parts only when the rest of the page stands."""
    page.load(None, None, parts, js=_show(parts, _WHEN_IDLE), api_visibility="private")


def _show(parts: Sequence[Block], first: str = "") -> str:
    """Hide the parts; the script that shows them."""
    for part in parts:
        part.visible = False
    updates = ", ".join(["{ __type__: 'update', visible: true }"] * len(parts))
    return f"async () => {{ {first} return [{updates}]; }}"
