"""Logs as one JSON object a line, for people with ``grep`` and for machines.

Whoever writes in this process writes through here: the server, Gradio, and what only knows standard
error. Each entry is bounded in length, and what repeats itself in rate, so that no client can fill
a disk with what it makes the app complain about.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime, timezone
from typing import Any, TextIO

_ALWAYS_THERE = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = ("httpx", "httpx2")
"""Gradio's client and the Hub's, which tell every request."""
_SERVER = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio")

_MOST_MESSAGE = 1000
_MOST_TRACE = 4000
_PERIOD_SECONDS = 60.0
_MOST_COMPLAINTS = 5
"""Warnings and errors from one line of code within a period."""
_MOST_NOTES = 100
"""Of all else, but for what is said of each request."""
_EACH_REQUEST = "moodlens.serving.telemetry"
_ORIGINS = 1000


def configure_logging() -> None:
    """Write records of INFO and above to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    handler.addFilter(Complaints())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    logging.raiseExceptions = False


def speak_for_others() -> None:
    """From now on, log what the server and Gradio would write to standard error by themselves."""
    traceback.print_exc = _log_exception  # Gradio's way to tell of one
    sys.stderr = _Lines(sys.stderr)
    for name in _SERVER:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


@contextmanager
def logged_instead_of_printed() -> Iterator[None]:
    """In the block, what Gradio prints becomes entries of the log."""
    with redirect_stdout(_Lines(sys.stdout, "stdout", logging.INFO)):
        yield


class JsonFormatter(logging.Formatter):
    """Time (UTC), level, logger, message, whatever came as ``extra``, a trace if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line without line breaks."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        entry: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _short(record.getMessage(), _MOST_MESSAGE),
        }
        for name, value in vars(record).items():
            if name not in _ALWAYS_THERE:
                entry[name] = value if isinstance(value, int | float) else _short(str(value), 200)
        if record.exc_info:
            entry["trace"] = _short(self.formatException(record.exc_info), _MOST_TRACE)
        line = json.dumps(entry, ensure_ascii=False)
        return line.encode("utf-8", "backslashreplace").decode()  # half a character is no text


class Complaints(logging.Filter):
    """Lets a few entries of each line of code pass in a minute, and counts the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        if record.name == _EACH_REQUEST:
            return True
        most = _MOST_COMPLAINTS if record.levelno >= logging.WARNING else _MOST_NOTES
        now = time.monotonic()
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        origin = record.name, record.pathname, record.lineno, kind
        with self._lock:
            began, count = self._seen.get(origin, (now, 0))
            left_out = max(0, count - most)
            if now - began > _PERIOD_SECONDS:
                began, count = now, 0
                if left_out:
                    record.left_out = left_out
            if len(self._seen) >= _ORIGINS:
                self._seen.clear()
            self._seen[origin] = began, count + 1
        return count < most


class _Lines(io.TextIOBase):
    """Standard error for those who write text: each line becomes an entry.

    Args:
        stream: the real one, for who asks what kind it is.
        name: of the logger.
        level: of the entries.
    """

    def __init__(self, stream: TextIO, name: str = "stderr", level: int = logging.WARNING) -> None:
        self._stream = stream
        self._logger, self._level = logging.getLogger(name), level
        self._part = threading.local()

    def write(self, text: str) -> int:
        lines = (getattr(self._part, "text", "") + text).split("\n")
        self._part.text = lines.pop()[-_MOST_MESSAGE:]
        for line in lines:
            if line.strip():
                self._logger.log(self._level, "%s", line)
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> Any:  # type: ignore[override]
        return self._stream.encoding


def _log_exception(*_: Any, **__: Any) -> None:
    """In place of ``traceback.print_exc``."""
    logging.getLogger("moodlens.trace").error("an exception was printed", exc_info=True)


def _short(text: str, most: int) -> str:
    """Its two ends, which say what it was and how it came to that."""
    if len(text) <= most:
        return text
    return f"{text[: most // 4]} [...] {text[-most * 3 // 4 :]}"
