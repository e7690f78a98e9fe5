"""A refusal in the words of the Model Context Protocol, whose clients end at a status of HTTP.

An answer there names the call that it answers, by a number that stands behind the picture. So all
of the call is waited for, and all but its two ends is dropped.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive

from moodlens.errors import MoodLensError

_END_BYTES = 4096
"""Of a call's beginning and end; all but the picture."""


async def tool_refusal(
    error: MoodLensError, receive: Receive, *, most: int, seconds: float
) -> JSONResponse | None:
    """What to answer a call that nobody has begun to read; None where it is no call, or too long.

    Args:
        error: what it is told.
        receive: gives the call's body.
        most: bytes to wait for.
        seconds: to wait for them.
    """
    try:
        call = await asyncio.wait_for(_both_ends(receive, most), seconds)
    except asyncio.TimeoutError:  # no kin of TimeoutError before Python 3.11
        return None
    number = _number(call)
    if number is None:
        return None
    content = [{"type": "text", "text": error.message}]
    result = {"content": content, "isError": True}
    return JSONResponse({"jsonrpc": "2.0", "id": number, "result": result})


async def _both_ends(receive: Receive, most: int) -> bytes:
    head = tail = b""
    length, more = 0, True
    while more and length <= most:
        message = await receive()
        part: bytes = message.get("body", b"")
        length += len(part)
        head += part[: _END_BYTES - len(head)]
        tail = (tail + part)[-_END_BYTES:]
        more = message.get("more_body", False)
    if more or length < 2 * _END_BYTES:
        return b""
    return head[: head.rfind(b'"') + 1] + tail[max(tail.find(b'"'), 0) :]


def _number(call: bytes) -> Any:
    try:
        asked = json.loads(call)
    except ValueError:
        return None
    if not isinstance(asked, dict) or asked.get("method") != "tools/call":
        return None
    return asked.get("id")
