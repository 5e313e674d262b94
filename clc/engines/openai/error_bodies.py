"""Read the bodies of errors: their message, code and Retry-After."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import orjson

from clc.bounds import abbreviate
from clc.engines.openai.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["error_code", "error_message", "read_json", "retry_after_s", "retry_hint_s"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNIX_TIMES = 1e9  # seconds since 1970 that are no duration


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


def retry_hint_s(headers: Mapping[str, str], now: datetime, longest_s: float) -> float:
    """Read how long a server wants no request, in seconds; 0.0 where it does not say.

    Read are ``retry-after-ms``, ``retry-after``, and the resets of those limits that have nothing
    left (``x-ratelimit-reset-requests`` of OpenAI, ``x-ratelimit-reset`` of others).

    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> retry_hint_s({"retry-after-ms": "1500"}, now, 60)
    1.5
    >>> limit = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2s"}
    >>> retry_hint_s(limit, now, 100)
    62.0
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(max(milliseconds / 1000, 0.0), longest_s)
    if value := headers.get("retry-after"):
        return retry_after_s(value, now, longest_s)
    resets = []
    for kind in ("", "-requests", "-tokens"):
        left = _number(headers.get(f"x-ratelimit-remaining{kind}"))
        if left is not None and left <= 0:
            resets.append(_reset_s(headers.get(f"x-ratelimit-reset{kind}", ""), now))
    return min(max(resets, default=0.0), longest_s)


def _reset_s(value: str, now: datetime) -> float:
    """Return the seconds of a reset: a duration (``1m2s``, ``20ms``), seconds, or a Unix time.

    >>> _reset_s("6m0s", datetime.now(UTC)), _reset_s("20ms", datetime.now(UTC))
    (360.0, 0.02)
    """
    number = _number(value)
    if number is None:
        parts = _DURATION.findall(value)
        return sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    if number > _UNIX_TIMES:  # OpenRouter's in milliseconds, others' in seconds
        number = number / 1000 if number > _UNIX_TIMES * 1000 else number
        number -= now.timestamp()
    return max(number, 0.0)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_json(body: bytes) -> Any:
    """Parse JSON; None for invalid JSON (and for ``null``, which is no reply either).

    Half a surrogate pair, where a server cut a text in the middle of a character, becomes U+FFFD.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _with_halves(body) if "surrogate" in str(error) else None


def _with_halves(body: bytes) -> Any:
    with suppress(ValueError, RecursionError):
        text = json.dumps(json.loads(body.decode()), ensure_ascii=False)
        return orjson.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return None


def _write(value: Any) -> str:
    """Write a JSON value as JSON, or abbreviated where it is nested deeper than orjson writes."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return abbreviate(value)
