"""Log lines as JSON objects, without keys, questions and answers."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["JsonLines", "Sparse", "log_to"]

_SPARSE_S = 60.0
_KINDS = 256
_KIND_CHARS = 80


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


class Sparse(logging.Filter):
    """Lets one line of a kind pass in a minute: clients cause them, and could fill a disk.

    Lines are of a kind when their logger, their first line and the type of their exception are.
    The next one that passes has the number of those that did not as ``repeated``.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line passes."""
        error = record.exc_info[0] if record.exc_info else None
        first = record.getMessage().partition("\n")[0][:_KIND_CHARS]
        kind = (record.name, first, "" if error is None else error.__name__)
        now = time.monotonic()
        last, repeated = self._kinds.get(kind, (None, 0))
        if last is not None and now - last < _SPARSE_S:
            self._kinds[kind] = last, repeated + 1
            return False
        if len(self._kinds) >= _KINDS:
            self._kinds.clear()
        self._kinds[kind] = now, 0
        if repeated:
            record.fields = {"repeated": repeated}
        return True


def log_to(stream: TextIO, *, requests: bool = True) -> None:
    """Log to ``stream``; without ``requests``, warnings only."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name, level in (
        ("clc", logging.WARNING),
        ("clc.serving", logging.INFO if requests else logging.WARNING),
        ("uvicorn.error", logging.WARNING),
        ("asyncio", logging.WARNING),
    ):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if name != "clc.serving":  # its lines reach clc's handler
            logger.handlers = [handler]
            logger.propagate = False
        if name in {"uvicorn.error", "asyncio"}:
            logger.filters = [Sparse()]
