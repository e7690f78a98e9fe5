"""The line above the page: waking up, or other weights than those that were asked for."""

from __future__ import annotations

from typing import Any

import gradio as gr

from moodlens.interface import markup
from moodlens.interface.own_parts import own_html
from moodlens.interface.translations import wording_of
from moodlens.serving.service import PredictionService
from moodlens.telling.wording import Wording

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
        if status.state == "failed":
            sentence = wording_of(request).remark(status.notice or "")
            return markup.notice(sentence, kind="failed"), gr.Timer(active=False)
        sentence = other_weights(status.notice, wording_of(request))
        return markup.notice(sentence), gr.Timer(active=False)

    settings: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "concurrency_limit": None,
    }
    page.load(look, None, [line, timer], **settings)
    timer.tick(look, None, [line, timer], **settings)


def other_weights(notice: str | None, wording: Wording) -> str:
    """That other weights answer than were asked for, and why; nothing where they do not."""
    return wording("status.notice", reason=notice) if notice else ""
