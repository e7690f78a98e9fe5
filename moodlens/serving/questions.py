"""What a stranger may put into a question to the page, looked at before Gradio keeps any of it.

Gradio bounds neither the names of sessions, which it remembers, nor the values of components, which
it stores before it refuses them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from moodlens.errors import PictureTooLargeError, RequestError

MOST_FILES = 100
"""Named in one request: the page takes fifty, and says so to who sends some more."""
_MOST_VALUES = 5_000
_MOST_DEPTH = 12
_MOST_TEXT = 100_000
"""Characters of the longest text that is no picture."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Of sessions, events and uploads, as Gradio's own clients make them up."""
_HOST = re.compile(r"(?:[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?")
_NAMES = ("session_hash", "event_id", "upload_id")
_NAME_IN_PATH = re.compile(r"/gradio_api/(?:heartbeat|call/(?:v2/)?[^/]*)/([^/]*)/?$")

_CANNOT_READ = "This request cannot be read."


def check_sender(headers: Iterable[tuple[bytes, bytes]], hosts: frozenset[str]) -> None:
    """Look at the host that a request says it is for: Gradio writes it into the page's addresses.

    Args:
        headers: of the request.
        hosts: the only names to answer to; empty for any that could be one.

    Raises:
        RequestError: it is none of them.
    """
    for name, value in headers:
        if name in (b"host", b"x-forwarded-host"):
            for host in value.decode("latin-1").lower().split(","):  # each proxy may add its own
                named = re.sub(r":\d+$", "", host.strip())
                if not _HOST.fullmatch(host.strip()) or (hosts and named not in hosts):
                    raise RequestError("MoodLens is not at home under this name.")


def check_address(path: str, query: bytes) -> None:
    """Look at the names that a path and its query give to sessions, events and uploads.

    Raises:
        RequestError: one of them is not a name.
    """
    match = _NAME_IN_PATH.match(path)
    if match is not None and not path.rstrip("/").endswith("/v2"):
        _check_name(unquote(match[1]))
    if query:
        try:
            given = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=32)
        except ValueError:
            raise RequestError(_CANNOT_READ) from None
        for name, value in given:
            if name in _NAMES:
                _check_name(value)


def check_question(body: bytes) -> None:
    """Look at the JSON of one question.

    Raises:
        RequestError: it is no JSON object, holds a number that is none, or names a session that is
            not one.
        PictureTooLargeError: it holds more values, deeper ones or more files than any page sends.
    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > _MOST_VALUES:
        raise PictureTooLargeError("This request is too large.")
    try:
        question = json.loads(body)
    except (ValueError, RecursionError):
        question = None
    if not isinstance(question, dict):
        raise RequestError(_CANNOT_READ)
    for name in _NAMES:
        if question.get(name) is not None:
            _check_name(question[name])
    for part in question.values():  # the values, and what happened to them, name the same files
        _check_part([part])


def _check_part(part: list[Any]) -> None:
    files = 0
    for value, depth in _walk(part):
        long = isinstance(value, str) and len(value) > _MOST_TEXT and value[:5] != "data:"
        if depth > _MOST_DEPTH or long:
            raise PictureTooLargeError("This request is too large.")
        if isinstance(value, float) and not math.isfinite(value):  # no JSON, but Python reads it
            raise RequestError(_CANNOT_READ)
        files += isinstance(value, dict) and "path" in value
    if files > MOST_FILES:
        raise PictureTooLargeError(
            "Too many files in one request: at most {most}.", most=MOST_FILES
        )


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RequestError("The name of the session is not one that MoodLens gives.")


def _walk(value: Any) -> Iterator[tuple[Any, int]]:
    """Every value with its depth, without recursion."""
    rest = [(value, 0)]
    while rest:
        value, depth = rest.pop()
        yield value, depth
        if depth <= _MOST_DEPTH:
            inner = value.values() if isinstance(value, dict) else value
            if isinstance(value, dict | list):
                rest += [(item, depth + 1) for item in inner]
