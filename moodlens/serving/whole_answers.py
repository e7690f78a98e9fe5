"""ASGI middleware that may change an answer once its whole body is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
Rewrite = Callable[[Scope, MutableHeaders, bytes], Awaitable[bytes]]
"""From the request, the answer's headers (to be changed in place) and its body: the new body."""


class WholeAnswers:
    """Hands successful answers to GET to ``rewrite``; streams pass as they are.

    Args:
        app: everything behind it.
        wants: whether ``rewrite`` has to see this request's answer at all.
        rewrite: called once the body is complete. Only bodies that come in one piece are given.
    """

    def __init__(self, app: ASGIApp, wants: Callable[[Scope], bool], rewrite: Rewrite) -> None:
        self._app = app
        self._wants = wants
        self._rewrite = rewrite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not self._wants(scope):
            await self._app(scope, receive, send)
            return
        start: MutableMapping[str, Any] | None = None

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and message["status"] == 200:
                start = message  # held back until it is known what the body becomes
                return
            if start is not None:
                held, start = start, None
                if message["type"] == "http.response.body" and not message.get("more_body", False):
                    headers = MutableHeaders(scope=held)
                    body = await self._rewrite(scope, headers, message.get("body", b""))
                    headers["content-length"] = str(len(body))
                    message = {"type": "http.response.body", "body": body}
                await send(held)
            await send(message)

        await self._app(scope, receive, sending)


def path_of(scope: Scope) -> str:
    """The path that was asked for, without the prefix under which a proxy shows this app."""
    path: str = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
    return path


def within(lifespan: Lifespan, *layers: Callable[[ASGIApp], ASGIApp]) -> Lifespan:
    """The lifespan that puts ``layers`` around the app, the last outermost, then runs ``lifespan``.

    Middleware handed to ``launch`` would stand behind Gradio's own; see ``gate``.
    """

    @asynccontextmanager
    async def wrapped(app: Starlette) -> Any:
        stack: ASGIApp = app.middleware_stack or app.router
        for layer in layers:
            stack = layer(stack)
        app.middleware_stack = stack
        async with lifespan(app):
            yield

    return wrapped
