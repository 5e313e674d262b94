"""JSON on standard output, and the file or stream that a command writes its rows to."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import click
import orjson

from clc.errors import InputError
from clc.runs.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["echo_json", "json_line", "rows_to"]

_DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))  # /dev/stdout may be a file

# What acts on a terminal and is no ASCII control, which JSON escapes: see clc.cli.text. Each
# pattern begins with two bytes that a text without them is searched for very fast.
_ACTS = (
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f]")),
    (b"\xd8\x9c", re.compile(rb"\xd8\x9c")),
    (b"\xe2\x80", re.compile(rb"\xe2\x80[\x8e\x8f\xa8-\xae]")),
    (b"\xe2\x81", re.compile(rb"\xe2\x81[\xa6-\xaf]")),
    (b"\xef\xbf", re.compile(rb"\xef\xbf[\xb9-\xbb]")),
)


def json_line(value: Any, *, indent: bool = False) -> bytes:
    r"""Write a value as JSON and a newline, with escapes for what a terminal would act on.

    >>> json_line({"id": "a\u202eb\x9b\x7f"})
    b'{"id":"a\\u202eb\\u009b\\u007f"}\n'
    """
    option = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    try:
        data = orjson.dumps(value, option=option)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise
        separators = (",", ": " if indent else ":")
        text = json.dumps(
            value, ensure_ascii=False, indent=2 if indent else None, separators=separators
        )
        data = f"{text}\n".encode()
    if b"\x7f" in data:
        data = data.replace(b"\x7f", b"\\u007f")
    if not data.isascii():
        for mark, pattern in _ACTS:
            if mark in data:
                data = pattern.sub(_escape, data)
    return data


def echo_json(value: Any, *, indent: bool = False, err: bool = False) -> None:
    """Print a value as JSON."""
    click.echo(json_line(value, indent=indent).decode(), nl=False, err=err)


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


@contextmanager
def rows_to(out: str | None) -> Iterator[IO[bytes]]:
    """Open ``out`` for writing, or standard output without it.

    The file is replaced when the block ends, so that it may be one of the inputs.

    Raises:
        InputError: ``out`` cannot be written.
    """
    if out is None:
        yield cast("IO[bytes]", sys.stdout.buffer)
        return
    target = Path(out)
    whole = target.parent not in _DEVICES and (target.is_file() or not target.exists())
    target = target.resolve() if whole else target  # a link stays one
    try:
        with replacing(target) if whole else target.open("wb") as sink:
            yield sink
    except BrokenPipeError:
        raise
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written: {error.strerror or error}") from error
