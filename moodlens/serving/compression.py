"""Compresses what Gradio leaves as it is, and lets browsers keep what never changes.

Gradio compresses by the extension of a file, so neither ``/`` nor ``/config``, which have none; and
its files carry no Cache-Control although most have their content's hash in their name.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from functools import lru_cache

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moodlens.serving.whole_answers import WholeAnswers, path_of

_KINDS = ("text/html", "application/json")
_WORTH_IT = 1000
"""Bytes below which compression saves no packet."""
_QUALITY = {"br": 5, "gzip": 6}
_REMEMBERED = 16
"""Compressed bodies; the page is the same for everyone who speaks the same language."""

_HASHED = re.compile(r"/assets/.+-[\w-]{8,}\.\w+")
_FOR_EVER = "public, max-age=31536000, immutable"


class Compression:
    """ASGI middleware: brotli or gzip for pages and JSON that come in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = WholeAnswers(app, _accepts_any, _compress)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


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
        return _FOR_EVER
    if path == "/theme.css" and scope.get("query_string", b"").startswith(b"v="):
        return _FOR_EVER
    return "no-cache" if path == "/" else None


def _encoding(scope: Scope) -> str | None:
    accepted = Headers(scope=scope).get("accept-encoding", "").lower()
    offered = {
        name.strip()
        for name, _, weight in (entry.partition(";") for entry in accepted.split(","))
        if weight.replace(" ", "") not in {"q=0", "q=0.0"}
    }
    return next((name for name in _QUALITY if name in offered), None)


def _accepts_any(scope: Scope) -> bool:
    return _encoding(scope) is not None


async def _compress(scope: Scope, headers: MutableHeaders, body: bytes) -> bytes:
    kind = headers.get("content-type", "").split(";")[0]
    encoding = _encoding(scope)
    if encoding is None or kind not in _KINDS or "content-encoding" in headers:
        return body
    if len(body) < _WORTH_IT:
        return body
    headers["content-encoding"] = encoding
    headers.add_vary_header("accept-encoding")
    return await run_in_threadpool(_compressed, encoding, body)


@lru_cache(_REMEMBERED)
def _compressed(encoding: str, body: bytes) -> bytes:
    compress: dict[str, Callable[[], bytes]] = {
        "br": lambda: brotli.compress(body, quality=_QUALITY["br"]),
        "gzip": lambda: gzip.compress(body, _QUALITY["gzip"], mtime=0),
    }
    return compress[encoding]()
