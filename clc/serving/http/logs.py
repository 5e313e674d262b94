"""Log lines as JSON objects, without keys, questions and answers."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["JsonLines", "log_to"]


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object: time, level, message, and its ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info is not None:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def log_to(stream: TextIO, *, requests: bool = True) -> None:
    """Log to ``stream``; without ``requests``, warnings only."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name, level in (
        ("clc", logging.WARNING),
        ("clc.serving", logging.INFO if requests else logging.WARNING),
        ("uvicorn.error", logging.WARNING),
    ):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if name != "clc.serving":  # its lines reach clc's handler
            logger.handlers = [handler]
            logger.propagate = False
