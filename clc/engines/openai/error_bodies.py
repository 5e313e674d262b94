"""Read the bodies of errors: their message, code and Retry-After."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from clc.bounds import abbreviate
from clc.engines.openai.secrets import NO_SECRETS, Secrets

__all__ = ["error_code", "error_message", "read_json", "retry_after_s"]


def error_message(body: bytes, secrets: Secrets = NO_SECRETS) -> str:
    """Return the message in an error body, or else the beginning of the body, without secrets.

    >>> error_message(b'{"error": {"message": "no such model"}}')
    'no such model'
    >>> error_message(b"<h1>Bad gateway</h1>")
    '<h1>Bad gateway</h1>'
    """
    reply = read_json(body)
    if isinstance(reply, dict):
        error = reply.get("error")
        for holder in (error, reply):
            if isinstance(holder, dict):
                message = holder.get("message") or holder.get("detail")  # detail: FastAPI
                if message:
                    text = message if isinstance(message, str) else _write(message)
                    return secrets.quote(text)
        if isinstance(error, str) and error:  # ollama, TGI
            return secrets.quote(error)
    return secrets.quote(body) or "nothing"


def error_code(body: bytes) -> str:
    """Find the machine-readable code of an error body (``context_length_exceeded``), or ''."""
    reply = read_json(body)
    error = reply.get("error") if isinstance(reply, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def retry_after_s(value: str | None, now: datetime, longest_s: float) -> float:
    """Read a Retry-After header, in seconds or as an HTTP date; 0.0 if absent or invalid.

    >>> retry_after_s("3", datetime.now(UTC), 60), retry_after_s("9999", datetime.now(UTC), 60)
    (3.0, 60)
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> retry_after_s("Thu, 01 Jan 2026 00:00:07 GMT", at, 60)
    7.0
    """
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            when = parsedate_to_datetime(value)
            aware = when if when.tzinfo else when.replace(tzinfo=UTC)
            seconds = (aware - now).total_seconds()
        except (ValueError, OverflowError):
            return 0.0
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), longest_s)


def read_json(body: bytes) -> Any:
    """Parse JSON; None for invalid JSON (and for ``null``, which is no reply either)."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _write(value: Any) -> str:
    """Write a JSON value as JSON, or abbreviated where it is nested deeper than orjson writes."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return abbreviate(value)
