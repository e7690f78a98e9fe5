"""The line above the page: waking up, or other weights than those that were asked for."""

from __future__ import annotations

from typing import Any

import gradio as gr

from moodlens.interface import markup
from moodlens.interface.own_parts import own_html
from moodlens.interface.translations import wording_of
from moodlens.service import PredictionService

_LOOK_AGAIN_SECONDS = 1.0


def build_status(service: PredictionService, page: gr.Blocks) -> None:
    """Add the line; it looks again each second, but only until the checkpoint is loaded."""
    line = own_html(elem_id="status")
    timer = gr.Timer(_LOOK_AGAIN_SECONDS, active=False)

    def look(request: gr.Request) -> tuple[str, Any]:
        status = service.status
        if status.state == "loading":
            sentence = wording_of(request)("status.loading")
            return markup.notice(sentence, kind="loading"), gr.Timer(active=True)
        kind = "failed" if status.state == "failed" else "warning"
        return markup.notice(status.notice, kind=kind), gr.Timer(active=False)

    settings: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "concurrency_limit": None,
    }
    page.load(look, None, [line, timer], **settings)
    timer.tick(look, None, [line, timer], **settings)
