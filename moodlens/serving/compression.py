"""Compresses what Gradio leaves as it is.

Gradio compresses by the extension of a file, so neither ``/`` nor ``/config``, which have none.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import lru_cache

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from moodlens.serving.whole_answers import WholeAnswers

_KINDS = ("text/html", "application/json")
_WORTH_IT = 1000
"""Bytes below which compression saves no packet."""
_QUALITY = {"br": 5, "gzip": 6}
_REMEMBERED = 16
"""Compressed bodies; the page is the same for everyone who speaks the same language."""


class Compression:
    """ASGI middleware: brotli or gzip for pages and JSON that come in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = WholeAnswers(app, _accepts_any, _compress)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


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
