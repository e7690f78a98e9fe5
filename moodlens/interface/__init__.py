"""The page: Gradio Blocks made of one small module for each panel."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr

from moodlens.feedback import FeedbackStore
from moodlens.interface.about_panel import build_about_panel
from moodlens.interface.agreement_panel import build_agreement_panel
from moodlens.interface.api_routes import build_api_routes, call_problems
from moodlens.interface.compare_panel import build_compare_panel
from moodlens.interface.endpoint import build_endpoint, take_pictures_of_programs
from moodlens.interface.gradio_parts.clean_uploads import take_uploads_carefully
from moodlens.interface.gradio_parts.gradio_scripts import chart_file
from moodlens.interface.gradio_parts.last_words import have_last_words
from moodlens.interface.gradio_parts.light_sessions import keep_sessions_light
from moodlens.interface.gradio_parts.space import leave_space_extras_out
from moodlens.interface.gradio_parts.steady_queue import queue_steadily
from moodlens.interface.gradio_parts.uploads_only import refuse_addresses
from moodlens.interface.live_panel import build_live_panel
from moodlens.interface.many_panel import build_many_panel
from moodlens.interface.picture_panel import build_picture_panel
from moodlens.interface.shown_later import late_tab
from moodlens.interface.status import build_header
from moodlens.interface.theme import build_theme
from moodlens.interface.translations import translate
from moodlens.serving.service import PredictionService
from moodlens.settings import Settings

__all__ = ["build", "build_api_routes", "call_problems", "launch_options"]

MCP_IS_INSTALLED = find_spec("mcp") is not None
"""It is on every Space; elsewhere ``pip install 'moodlens[mcp]'`` brings it."""

_FOLDER = Path(__file__).parent
_SESSIONS_REMEMBERED = 500


def build(service: PredictionService) -> gr.Blocks:
    """The page and the ``/predict`` endpoint, ready to launch; no weights need to be loaded yet."""
    settings = service.settings
    have_last_words()
    take_uploads_carefully()
    store = FeedbackStore(
        settings.feedback_folder,
        salt=settings.feedback_salt,
        dataset=settings.feedback_dataset,
        max_bytes=settings.feedback_max_bytes,
    )
    with gr.Blocks(title="MoodLens", analytics_enabled=False) as page:
        build_header(service)
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab(translate("picture.tab"), id="picture"):
                build_picture_panel(service, store, page)
            with late_tab(translate("live.tab"), "live"):
                build_live_panel()
            with late_tab(translate("compare.tab"), "compare"):
                build_compare_panel(service)
            with late_tab(translate("many.tab"), "many"):
                build_many_panel(service)
            if settings.show_agreement:
                with late_tab(translate("agreement.tab"), "agreement") as tab:
                    build_agreement_panel(store, tab)
            with late_tab(translate("about.tab"), "about") as tab:
                build_about_panel(service, page, tab)
        build_endpoint(service)
    if MCP_IS_INSTALLED:
        from moodlens.interface.mcp_tool import serve_as_tool

        serve_as_tool(settings)
    refuse_addresses(page)
    take_pictures_of_programs(page)
    leave_space_extras_out(page)
    keep_sessions_light(page)
    queue = queue_steadily(page, max_size=settings.max_queue, default_concurrency_limit=8)
    service.watch("The page answers nobody for a moment.", lambda: queue.running)
    return page


def launch_options(settings: Settings) -> dict[str, Any]:
    """What ``Blocks.launch`` needs so that the page looks, speaks and keeps quiet as it should."""
    return {
        "theme": build_theme(),
        "head": _head(),
        "i18n": translate,
        # Said even where it is the default: on a Space, or by its environment, Gradio has others.
        "share": False,
        "pwa": False,
        "num_workers": 0,
        "ssr_mode": False,
        "max_file_size": settings.limits.max_bytes,
        "state_session_capacity": _SESSIONS_REMEMBERED,
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "mcp_server": MCP_IS_INSTALLED,
        "footer_links": ["api"],
        "quiet": True,
    }


def _head() -> str:
    style = (_FOLDER / "style.css").read_text(encoding="utf-8")
    script = (_FOLDER / "charts_early.js").read_text(encoding="utf-8")
    script = script.replace("{address}", f"./assets/{chart_file()}")
    return f"<style>{style}</style><script>{script}</script>"
