"""Stands before every route, MoodLens's own and Gradio's, and refuses what none of them bounds.

A request's body may take so many bytes, so much time, and so many senders at once. Doors that
Gradio opens and this page never uses stay shut. What is refused gets the contract's JSON.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from moodlens.errors import BusyError, MoodLensError, PictureTooLargeError, SlowUploadError
from moodlens.serving.arriving import Body, Memory, Room
from moodlens.serving.failures import Honest
from moodlens.serving.questions import check_address, check_question, check_sender
from moodlens.serving.rest import PATHS, error_response
from moodlens.serving.telemetry import Kind, Telemetry
from moodlens.serving.tool_refusal import tool_refusal
from moodlens.settings import Settings

_PAGE_UPLOAD = "/gradio_api/upload"
_ASKING: dict[str, Kind] = {"/predict": "rest", _PAGE_UPLOAD: "upload"}
"""Where pictures come in."""
_FORM_OVERHEAD = 64 * 1024
"""Bytes a multipart body may have beyond its picture: boundaries, headers, small fields."""
_OTHER_BODY = 1_000_000
"""Bytes of any body that is no upload: what the page sends along with a click."""
_PICTURE_IN_JSON = re.compile(r"/gradio_api/(queue/join|(call|call/v2|run|api)/predict|mcp)(/|$)")
"""Where programs may send a picture as a data: URI. The page asks by the first of them, too."""
_TOOLS = re.compile(r"/gradio_api/mcp(/|$)")
_PATIENCE = 4
"""So many times what a call may have is waited for, to tell its model in its own protocol."""
_IN_MEMORY = 160_000_000
"""Bytes of all bodies that lie in memory at once; more where a single one may be larger."""
_LONG_QUESTION = 100_000
"""Bytes of JSON that take so long to look at that others should not wait for it."""
_LINGER_SECONDS = 5.0
_NOTHING_HERE = JSONResponse({"detail": "Not Found"}, status_code=404)

_SHUT = re.compile(
    r"/gradio_api/(file/|proxy=|process_recording|deep_link|custom_component/|stream/|component_server"
    r"|vibe|undo-vibe|run-history|runs|dev/)|/monitoring|/login|/logout|/gradio_api/file=\w+://",
    re.IGNORECASE,
)
"""Among them what fetches addresses, starts ffmpeg or writes files that nobody deletes."""
_QUESTIONS = re.compile(r"/gradio_api/(?!mcp|upload)")
"""Where the page and Gradio's clients ask."""


def gate(
    settings: Settings, telemetry: Telemetry, on_disk: Room
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """The lifespan to hand to ``Blocks.launch(app_kwargs={"lifespan": ...})``.

    Middleware handed to ``launch`` would stand behind Gradio's own, which has the last word on
    CORS. When the app's life begins its stack is complete, and can be put behind the gate whole.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        app.middleware_stack = Gate(
            app.middleware_stack or app.router, settings, telemetry, on_disk
        )
        yield

    return lifespan


def most_json_bytes(settings: Settings) -> int:
    """Of a body that may hold a picture in base64, which makes it a third larger.

    A picture that is a little too large is let in, so that its sender hears so in its own protocol.
    """
    return settings.limits.max_bytes * 5 // 3


class Gate:
    """ASGI middleware.

    Args:
        app: everything behind it.
        settings: for its limits.
        telemetry: for the pictures that are turned away here.
        on_disk: what the page's uploads share.
    """

    def __init__(
        self, app: ASGIApp, settings: Settings, telemetry: Telemetry, on_disk: Room
    ) -> None:
        self._app = app
        self._settings = settings
        self._telemetry = telemetry
        self._arriving = 0
        self._on_disk = on_disk
        self._in_memory = Memory(max(_IN_MEMORY, 2 * settings.limits.max_bytes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        send = _with_own_headers(send, rest=path in PATHS)
        try:
            check_sender(scope["headers"], self._settings.hosts)
            check_address(path, scope["query_string"])
        except MoodLensError as error:
            await error_response(error)(scope, receive, send)
            return
        if _SHUT.match(path):
            await _NOTHING_HERE(scope, receive, send)
        elif scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._answer(_whole_files(scope), receive, send)
        else:
            await self._admit(path, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whatever the app behind does, its answer is one."""
        honest = Honest(send)
        try:
            await self._app(scope, receive, honest.send)
        except Exception as error:
            await honest.settle(error)
        else:
            await honest.settle()

    async def _admit(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        form = headers.get("content-type", "").lower().startswith("multipart/")
        upload = form or (
            _PICTURE_IN_JSON.match(path) is not None
            and int(headers.get("content-length", _OTHER_BODY + 1)) > _OTHER_BODY
        )
        limit, too_large = self._too_large(path, upload)
        body = Body(
            receive,
            limit=limit,
            too_large=too_large,
            seconds=self._settings.upload_seconds,
            room=self._on_disk if form and path == _PAGE_UPLOAD else self._in_memory,
        )
        if int(headers.get("content-length", "0")) > body.limit:
            self._turn_away(path, body, body.too_large)
        elif upload and self._arriving >= self._settings.max_uploads:
            busy = BusyError("Many pictures are on their way here; try again soon.", 2)
            self._turn_away(path, body, busy)
        else:
            self._arriving += upload
            body.when_over = lambda: self._leave(upload)
            try:
                coming: Receive = body.receive
                if _QUESTIONS.match(path):
                    coming = await _question(body)
                await self._answer(scope, coming, body.guard(send))
            except MultiPartException:
                pass  # said below
            finally:
                body.over()
                body.forgotten()
        if body.refusal is None or body.answered:
            return
        told = None
        if _TOOLS.match(path) and not body.broken_off:
            told = await tool_refusal(
                body.refusal,
                body.plain_receive,
                most=_PATIENCE * limit,
                seconds=self._settings.upload_seconds,
            )
        if told is None:
            await _refuse(body.refusal, body.plain_receive, scope, send)
        else:
            await told(scope, receive, send)

    def _turn_away(self, path: str, body: Body, error: MoodLensError) -> None:
        body.refusal = error
        kind = _ASKING.get(path)
        if kind is not None:
            self._telemetry.turned_away(kind, error)

    def _leave(self, upload: bool) -> None:
        self._arriving -= upload

    def _too_large(self, path: str, upload: bool) -> tuple[int, PictureTooLargeError]:
        settings = self._settings
        if path == _PAGE_UPLOAD and upload:
            most = settings.max_upload_bytes
            return most, PictureTooLargeError(
                f"These files are too large together: at most {most / 1e6:.0f} MB at once."
            )
        if path in PATHS:
            most = settings.limits.max_bytes
            return most + _FORM_OVERHEAD, PictureTooLargeError(
                f"The file is too large: at most {most / 1e6:.0f} MB are accepted."
            )
        if _PICTURE_IN_JSON.match(path):
            most = settings.limits.max_bytes
            return most_json_bytes(settings), PictureTooLargeError(
                f"This request is too large: a picture may have at most {most / 1e6:.0f} MB."
            )
        return _OTHER_BODY, PictureTooLargeError("This request is too large.")


async def _question(body: Body) -> Receive:
    """Wait for a whole question and look at it; what the app behind is to receive then.

    Raises:
        MultiPartException: it did not come, or is refused.
    """
    parts: list[bytes] = []
    more = True
    while more:
        message = await body.receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    whole = b"".join(parts)
    try:
        if len(whole) < _LONG_QUESTION:
            check_question(whole)
        else:
            await run_in_threadpool(check_question, whole)
    except MoodLensError as error:
        # Its trace holds the question, and in a circle itself: for minutes, and a crowd's at once.
        raise body.break_off(error.with_traceback(None)) from None
    ahead = [{"type": "http.request", "body": whole, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        return ahead.pop() if ahead else await body.plain_receive()

    return receive


def _whole_files(scope: Scope) -> Scope:
    """Without the wish for several ranges of a file at once, which HTTP lets a server overlook."""
    kept = [
        (name, value) for name, value in scope["headers"] if name != b"range" or b"," not in value
    ]
    return scope if len(kept) == len(scope["headers"]) else {**scope, "headers": kept}


async def _refuse(error: MoodLensError, receive: Receive, scope: Scope, send: Send) -> None:
    """Answer at once, then let go of the connection.

    Closed with bytes unread, a connection is reset, and some senders then never see the answer. So
    what they still send is dropped for a moment.
    """
    response = error_response(error)
    response.headers["connection"] = "close"

    async def send_all_but_the_end(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "more_body": True}
        await send(message)

    await response(scope, receive, send_all_but_the_end)
    if not isinstance(error, SlowUploadError):
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drain(receive), _LINGER_SECONDS)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass


def _with_own_headers(send: Send, *, rest: bool) -> Send:
    """Browsers guess no types; and pages of strangers cannot read what REST answers."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-content-type-options"] = "nosniff"
            if rest:
                for name in ("origin", "credentials", "methods", "headers"):
                    del headers[f"access-control-allow-{name}"]
        await send(message)

    return sending
