"""The endpoint as a tool for models, over the Model Context Protocol, where ``mcp`` is installed.

Gradio serves it; here are the two things in which its way does not fit: an answer that is JSON and
no text of Python's, and a bound on what comes in that is this app's own.
"""

from __future__ import annotations

import json
from functools import partial
from inspect import signature
from typing import Any

import gradio.mcp
from gradio.mcp import GradioMCPServer
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import TextContent

from moodlens.serving.gate import most_json_bytes
from moodlens.settings import Settings


class McpServer(GradioMCPServer):
    """Gradio's, for one tool that answers with one JSON object."""

    def postprocess_output_data(self, data: Any, root_url: str) -> list[TextContent]:
        """What the tool's caller reads; the answer still has Gradio's type for JSON around it."""
        return [TextContent(type="text", text=json.dumps(answer.root)) for answer in data]


def serve_as_tool(settings: Settings) -> None:
    """Let Gradio use this server from now on."""
    manager = StreamableHTTPSessionManager
    if "max_request_body_size" in signature(manager).parameters:
        manager = partial(manager, max_request_body_size=most_json_bytes(settings))
    McpServer.StreamableHTTPSessionManager = staticmethod(manager)
    gradio.mcp.GradioMCPServer = McpServer
