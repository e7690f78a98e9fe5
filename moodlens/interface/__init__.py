"""The page: Gradio Blocks made of one small module for each panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from moodlens.interface import markup
from moodlens.interface.endpoint import build_endpoint
from moodlens.interface.picture_panel import build_picture_panel
from moodlens.interface.status import build_status
from moodlens.interface.theme import build_theme
from moodlens.interface.translations import translate
from moodlens.service import PredictionService
from moodlens.settings import Settings

__all__ = ["build", "launch_options"]

_CACHE_SWEEP_SECONDS = 60
_CACHE_AGE_SECONDS = 300
_SESSIONS_REMEMBERED = 500


def build(service: PredictionService) -> gr.Blocks:
    """The page and the ``/predict`` endpoint, ready to launch; no weights need to be loaded yet."""
    gr.set_static_paths([markup.EXAMPLES])
    with gr.Blocks(
        title="MoodLens",
        analytics_enabled=False,
        delete_cache=(_CACHE_SWEEP_SECONDS, _CACHE_AGE_SECONDS),
    ) as page:
        gr.HTML(translate("part.header"))
        build_status(service, page)
        with gr.Tabs():
            with gr.Tab(translate("picture.tab"), id="picture"):
                build_picture_panel(service, page)
        build_endpoint(service)
    return page.queue(max_size=service.settings.max_queue, default_concurrency_limit=8)


def launch_options(settings: Settings) -> dict[str, Any]:
    """What ``Blocks.launch`` needs so that the page looks, speaks and keeps quiet as it should."""
    return {
        "theme": build_theme(),
        "css_paths": Path(__file__).parent / "style.css",
        "i18n": translate,
        "max_file_size": settings.limits.max_bytes,
        "state_session_capacity": _SESSIONS_REMEMBERED,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "footer_links": [],
        "quiet": True,
    }
