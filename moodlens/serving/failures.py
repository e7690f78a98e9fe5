"""An answer that failed, turned into the contract's: an honest status and one sentence.

What Gradio and Starlette say by themselves is plain text, a list of what a validator thought, or a
trace; to a person none of it says what to do.
"""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Send

from moodlens.errors import DiskFullError, MoodLensError

logger = logging.getLogger(__name__)

WENT_WRONG = "Something went wrong here; please try again."

_SENTENCES = {
    400: "This request cannot be read.",
    401: "This is not open to everybody.",
    403: "This is not open to everybody.",
    404: "There is nothing here.",
    405: "This address does not take such requests.",
    416: "The file has no such part.",
    422: "This request cannot be read.",
}
_COMPLETE = {"status", "jsonrpc"}
"""What only answers have that are as they should be: our own, and those of MCP."""
_MOST_KEPT = 200
"""Characters of a sentence that somebody else wrote."""
_MOST_READ = 100_000


class Honest:
    """Holds back an answer that failed until it is known why; others pass as they are.

    Args:
        send: to the client.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = self._is_stream = False
        self._start: MutableMapping[str, Any] | None = None
        self._body = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """For the app behind."""
        if message["type"] == "http.response.start":
            self._begun = True
            self._is_stream = "content-length" not in MutableHeaders(scope=message)
            if message["status"] >= 400:
                self._start = message
                return
        elif self._start is not None:
            self._body = (self._body + message.get("body", b""))[:_MOST_READ]
            return
        await self._send(message)

    async def settle(self, error: Exception | None = None) -> None:
        """Send what was held back, or instead of it what the app raised."""
        if error is not None:
            refused = _on_purpose(error)
            if self._start is None and self._begun:
                if self._is_stream:  # whose last event has said what was wrong
                    logger.info("a stream ended early: %r", error)
                    await self._send({"type": "http.response.body", "body": b""})
                    return
                raise error  # too late for words; the server cuts the connection
            if refused is None:
                logger.error("a request failed", exc_info=error)
            status = refused.status if refused else 500
            await self._tell(status, str(refused) if refused else WENT_WRONG)
        elif self._start is not None:
            status = self._start["status"]
            said = _said(self._body)
            if isinstance(said, dict) and said.keys() & _COMPLETE:
                await self._send(self._start)
                await self._send({"type": "http.response.body", "body": self._body})
            else:
                sentence = _sentence(status, said)
                if status == 500 and sentence != WENT_WRONG:  # an event that was refused on purpose
                    self._start = {**self._start, "status": 422}
                await self._tell(status, sentence, self._start)

    async def _tell(
        self, status: int, sentence: str, start: MutableMapping[str, Any] | None = None
    ) -> None:
        answer = {"status": "error", "error": sentence, "detail": sentence}
        body = json.dumps(answer).encode()
        start = start or {"type": "http.response.start", "status": status, "headers": []}
        headers = MutableHeaders(raw=list(start.get("headers", [])))
        del headers["content-encoding"]
        headers["content-type"] = "application/json"
        headers["content-length"] = str(len(body))
        if status == 503 and "retry-after" not in headers:
            headers["retry-after"] = "2"
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def disk_is_full(error: BaseException | None) -> bool:
    """Whether an error, or what led to it, is that the disk takes no more."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        error = error.__cause__ or error.__context__
    return False


def _on_purpose(error: Exception) -> MoodLensError | None:
    if isinstance(error, MoodLensError):
        return error
    return DiskFullError() if disk_is_full(error) else None


def _said(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _sentence(status: int, said: Any) -> str:
    """What the app behind said, where that is a sentence; else one that fits the status."""
    if isinstance(said, dict) and isinstance(said.get("error"), str):
        return str(said["error"])  # of an event, which ``last_words`` has looked at
    detail = said.get("detail") if isinstance(said, dict) else said
    generic = _SENTENCES.get(status, WENT_WRONG)
    if not isinstance(detail, str) or " " not in detail or not detail.endswith("."):
        return generic
    plain = detail.isascii() and detail.isprintable() and not set(detail) & set("<>{}/\\")
    return detail if plain and len(detail) <= _MOST_KEPT else generic
