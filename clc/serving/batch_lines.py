"""The lines of a batch: chat requests in OpenAI's batch format, checked one by one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.bounds import abbreviate
from clc.errors import InputError
from clc.serving.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

__all__ = ["Line", "read_lines"]

_URL = "/v1/chat/completions"
_LINE_BYTES = 1 << 24
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line of the input: its number (1-based) and its request, or its error."""

    number: int
    custom_id: str | None
    body: dict[str, Any] | ApiError

    @property
    def key(self) -> str | int:
        """The key of its line in the output: the ``custom_id``, or the line's number."""
        return self.number if self.custom_id is None else self.custom_id


def read_lines(source: str | Path) -> Iterator[Line]:
    """Yield the lines of a batch; blank ones are skipped, wrong ones hold an error.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with Path(source).open("rb") as file:
            for number, raw in enumerate(_raw_lines(file), 1):
                text = raw.removeprefix(_BOM) if number == 1 else raw
                if len(text) > _LINE_BYTES:
                    yield Line(number, None, _wrong(f"longer than {_LINE_BYTES:,} bytes: split it"))
                elif text.strip():
                    yield _line(number, text)
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}") from error


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is too long, its beginning."""
    while raw := file.readline(_LINE_BYTES + 1):
        yield raw
        while len(raw) > _LINE_BYTES and not raw.endswith(b"\n"):
            raw = file.readline(_LINE_BYTES + 1)


def _line(number: int, raw: bytes) -> Line:
    try:
        row = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return Line(number, None, _wrong(f"no JSON: {error}", raw.strip().decode(errors="replace")))
    if not isinstance(row, dict):
        return Line(number, None, _wrong("no JSON object", row))
    custom_id, body = row.get("custom_id"), row.get("body")
    if not isinstance(custom_id, str) or not custom_id:
        wrong = "a text of its own that is not empty"
        return Line(number, None, _field("custom_id", row, wrong))
    checks: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
        ("method", lambda given: given == "POST", "'POST'"),
        ("url", lambda given: given == _URL, f"{_URL!r}"),
        ("body", lambda given: isinstance(given, dict), "the request, an object"),
    )
    for name, is_valid, needed in checks:
        if not is_valid(row.get(name)):
            return Line(number, custom_id, _field(name, row, needed))
    return Line(number, custom_id, body)  # type: ignore[arg-type]  # checked above


def _field(name: str, row: dict[str, Any], needed: str) -> ApiError:
    if name not in row:
        return _wrong(f"{name} is missing; give {needed}", param=name)
    return _wrong(f"{name} must be {needed}, not", row[name], name)


def _wrong(message: str, value: object = "", param: str | None = None) -> ApiError:
    shown = f" {abbreviate(value)}" if value != "" else ""
    return ApiError(400, message + shown, code="invalid_line", param=param)
