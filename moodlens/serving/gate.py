"""Stands before every route, MoodLens's own and Gradio's, and refuses what none of them bounds.

A request's body may take so many bytes, so much time, and so many senders at once. Doors that
Gradio opens and this page never uses stay shut. What is refused gets the contract's JSON.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from moodlens.errors import BusyError, MoodLensError, PictureTooLargeError, SlowUploadError
from moodlens.serving.rest import PATHS, error_response
from moodlens.serving.telemetry import Kind, Telemetry
from moodlens.settings import Settings

_PAGE_UPLOAD = "/gradio_api/upload"
_ASKING: dict[str, Kind] = {"/predict": "rest", _PAGE_UPLOAD: "upload"}
"""Where pictures come in."""
_FORM_OVERHEAD = 64 * 1024
"""Bytes a multipart body may have beyond its picture: boundaries, headers, small fields."""
_OTHER_BODY = 1_000_000
"""Bytes of any body that is no upload: what the page sends along with a click."""
_BYTES_PER_SECOND = 50_000
"""Each so many bytes that have come give an upload another second."""
_PICTURE_IN_JSON = re.compile(r"/gradio_api/(queue/join|(call|call/v2|run|api)/predict|mcp)(/|$)")
"""Where programs may send a picture as a data: URI. The page asks by the first of them, too."""
_LINGER_SECONDS = 5.0
_NOTHING_HERE = JSONResponse({"detail": "Not Found"}, status_code=404)

_SHUT = re.compile(
    r"/gradio_api/(file/|proxy=|process_recording|deep_link|custom_component/|stream/|component_server"
    r"|vibe|undo-vibe|run-history|runs|dev/)|/monitoring|/login|/gradio_api/file=\w+://",
    re.IGNORECASE,
)
"""Among them what fetches addresses, starts ffmpeg or writes files that nobody deletes."""


def gate(
    settings: Settings, telemetry: Telemetry
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """The lifespan to hand to ``Blocks.launch(app_kwargs={"lifespan": ...})``.

    Middleware handed to ``launch`` would stand behind Gradio's own, which has the last word on
    CORS. When the app's life begins its stack is complete, and can be put behind the gate whole.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        app.middleware_stack = Gate(app.middleware_stack or app.router, settings, telemetry)
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
    """

    def __init__(self, app: ASGIApp, settings: Settings, telemetry: Telemetry) -> None:
        self._app = app
        self._settings = settings
        self._telemetry = telemetry
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
        send = _with_own_headers(send, rest=path in PATHS)
        if _SHUT.match(path):
            await _NOTHING_HERE(scope, receive, send)
        elif scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
        else:
            await self._admit(path, scope, receive, send)

    async def _admit(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        upload = headers.get("content-type", "").startswith("multipart/") or (
            _PICTURE_IN_JSON.match(path) is not None
            and int(headers.get("content-length", _OTHER_BODY + 1)) > _OTHER_BODY
        )
        body = _Body(receive, self._too_large(path, upload), self._settings.upload_seconds)
        if int(headers.get("content-length", "0")) > body.limit:
            self._turn_away(path, body, body.too_large)
        elif upload and self._arriving >= self._settings.max_uploads:
            busy = BusyError("Many pictures are on their way here; try again soon.", 2)
            self._turn_away(path, body, busy)
        else:
            self._arriving += upload
            body.when_over = lambda: self._leave(upload)
            try:
                await self._app(scope, body.receive, body.guard(send))
            except Exception:
                if not body.broken_off:
                    raise
            finally:
                body.over()
        if body.refusal is not None and not body.answered:
            await _refuse(body.refusal, body.plain_receive, scope, send)

    def _turn_away(self, path: str, body: _Body, error: MoodLensError) -> None:
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


class _Body:
    """One request's body on its way in.

    Attributes:
        limit: bytes.
        too_large: what to say beyond them.
        refusal: what the sender is told instead of an answer.
        broken_off: no more of the body will come: it is refused, or its sender is gone.
        answered: whether the app's answer has begun.
        when_over: called once, when the body has come or never will.
    """

    def __init__(
        self, receive: Receive, bound: tuple[int, PictureTooLargeError], seconds: float
    ) -> None:
        self.limit, self.too_large = bound
        self.refusal: MoodLensError | None = None
        self.broken_off = False
        self.answered = False
        self.when_over: Callable[[], None] = lambda: None
        self.plain_receive = receive
        self._seconds = seconds
        self._began = time.monotonic()
        self._received = 0
        self._is_over = False

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message for the app behind.

        Raises:
            MultiPartException: nothing more will come. Of all exceptions this is the one at which
                both Starlette's and Gradio's parser remove what they have stored so far.
        """
        if self._is_over:
            return await self.plain_receive()
        allowed = self._seconds + self._received / _BYTES_PER_SECOND
        left = self._began + allowed - time.monotonic()
        try:
            message = await asyncio.wait_for(self.plain_receive(), max(left, 0))
        except asyncio.TimeoutError:  # no kin of TimeoutError before Python 3.11
            raise self._break_off(
                SlowUploadError("The upload took too long; please try again.")
            ) from None
        if message["type"] == "http.disconnect":
            raise self._break_off(None)
        self._received += len(message.get("body", b""))
        if self._received > self.limit:
            raise self._break_off(self.too_large)
        if not message.get("more_body", False):
            self.over()
        return message

    def guard(self, send: Send) -> Send:
        """Lets through what the app behind answers, unless the body was broken off first."""

        async def guarded(message: MutableMapping[str, Any]) -> None:
            if not self.broken_off:
                self.answered = True
                await send(message)

        return guarded

    def over(self) -> None:
        """The body has come, or nobody waits for it any more."""
        if not self._is_over:
            self._is_over = True
            self.when_over()

    def _break_off(self, refusal: MoodLensError | None) -> MultiPartException:
        self.broken_off = True
        self.refusal = refusal
        self.over()
        return MultiPartException("The body was broken off.")


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
