"""Logs as one JSON object a line, for people with ``grep`` and for machines."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone

_ALWAYS_THERE = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_QUIET = ("httpx", "httpx2")
"""Gradio's client and the Hub's, which tell every request."""


def configure_logging() -> None:
    """Write records of INFO and above to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class JsonFormatter(logging.Formatter):
    """Time (UTC), level, logger, message, whatever came as ``extra``, a trace if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line without line breaks."""
        time = datetime.fromtimestamp(record.created, timezone.utc)
        entry: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {k: v for k, v in vars(record).items() if k not in _ALWAYS_THERE}
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)
