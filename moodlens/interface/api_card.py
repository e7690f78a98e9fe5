"""How a program asks the same: the lines of code, with the address that the viewer sees."""

from __future__ import annotations

import json
from html import escape

import gradio as gr
from gradio.route_utils import API_PREFIX, get_root_url

from moodlens.interface.api_routes import describe
from moodlens.telling.wording import Wording

_LANGUAGES = {"Python": "python", "JavaScript": "javascript", "curl": "bash"}
"""What they are called, and what Gradio calls them."""


def api_card(page: gr.Blocks, request: gr.Request, wording: Wording) -> str:
    """The card on the About tab; the same lines as in Gradio's own panel, at the page's foot."""
    asked = request.request
    root = get_root_url(asked, asked.url.path, page.root_path)
    (endpoint,) = describe(page, root)["named_endpoints"].values()
    lines = {title: endpoint["code_snippets"][name] for title, name in _LANGUAGES.items()}
    if page.mcp_server:
        servers = {"mcpServers": {"moodlens": {"url": f"{root}{API_PREFIX}/mcp/"}}}
        lines["MCP"] = json.dumps(servers, indent=2)
    parts = "".join(
        f'<details><summary>{title}</summary><pre tabindex="0"><code>{escape(code)}</code></pre>'
        "</details>"
        for title, code in lines.items()
    )
    return (
        f'<div class="ml-api"><h2>{escape(wording("about.api_title"))}</h2>'
        f"<p>{escape(wording('about.api'))}</p>{parts}"
        f"<p>{escape(wording('about.api_panel'))}</p></div>"
    )
