"""What Gradio remembers of a session, without what only strangers make use of.

For deep links, which are shut here, Gradio copies the whole page for each session, and keeps in it
whatever a client gives as the value of a component, even one that it refuses in the next line. For
its cleaner, which ``serving.uploads`` makes unnecessary, it keeps the path of every file that was
ever named.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio import blocks, state_holder
from gradio.state_holder import SessionState


class LightState(SessionState):
    """A session's state, the components that its events have changed, and no copy of the page."""

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__(SimpleNamespace(default_config=page.default_config, blocks=()))

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.pop(key, None)
        if hasattr(value, "temp_files"):
            value.temp_files = Forgetful()

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


class Forgetful(set[str]):
    """A set that nothing can be put into."""

    def add(self, element: str) -> None:
        pass

    def update(self, *others: Iterable[str]) -> None:
        pass


def keep_sessions_light(page: gr.Blocks) -> None:
    """Let a page keep no more than that, once all of its components are made."""
    state_holder.SessionState = LightState
    blocks.SessionState = LightState
    page.upload_file_set = Forgetful()
    page.temp_file_sets = []
    for block in page.blocks.values():
        block.temp_files = Forgetful()
