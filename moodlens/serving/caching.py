"""How long browsers keep what they got.

Gradio's files carry no Cache-Control although most have their content's hash in their name.
"""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moodlens.serving.whole_answers import path_of

FOR_EVER = "public, max-age=31536000, immutable"
"""For what has another name as soon as it has another content."""
FOR_A_DAY = "public, max-age=86400"
"""For what keeps its name."""

_HASHED = re.compile(r"/assets/.+-[\w-]{8,}\.\w+")


class CacheControl:
    """ASGI middleware: hashed files are kept for ever, and the page is asked for each time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = _keeping(scope) if scope["type"] == "http" else None
        if kept is None:
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in {200, 206, 304}:
                MutableHeaders(scope=message).setdefault("cache-control", kept)
            await send(message)

        await self._app(scope, receive, sending)


def _keeping(scope: Scope) -> str | None:
    path = path_of(scope)
    if _HASHED.match(path):
        return FOR_EVER
    if path == "/theme.css" and scope.get("query_string", b"").startswith(b"v="):
        return FOR_EVER
    return "no-cache" if path == "/" else None
