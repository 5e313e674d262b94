"""Answer a file of chat requests in OpenAI's batch format into another file.

Every line of the input becomes one line of the output, written when its reply is complete. Lines
that are in the output are skipped, so the same call resumes after any end, including a kill in the
middle of a write.
"""

from __future__ import annotations

import fcntl
import os
import stat
import uuid
from contextlib import ExitStack, aclosing
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from clc.bounds import abbreviate
from clc.errors import ConfigurationError, DatasetError, InputError, StoreError
from clc.runs.files import create_beside
from clc.serving.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from typing import BinaryIO

    from clc.serving.completions import Completions

__all__ = ["Answered", "Batch", "Line", "Output", "answer_lines", "open_batch", "read_lines"]

URL = "/v1/chat/completions"
_BEGINS = b'{"id":"batch_req_'
_OK = 200
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


class Answered(NamedTuple):
    """The outcome of one line; ``paths`` and ``tokens`` (prompt and completion) were spent."""

    key: str | int
    failed: bool
    paths: int = 0
    tokens: int = 0


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


class Output:
    """The file of replies, locked by one process, without a line torn by a kill.

    Args:
        path: of the file; created if missing.
        fingerprint: ``system_fingerprint`` of the replies; a file with another one is refused.
        retry: remove the lines that failed, so that they are answered again.

    Attributes:
        done: keys of the lines that are in the file.

    Raises:
        ConfigurationError: it holds replies of other settings.
        InputError: it is some other file, or another process writes to it.
        StoreError: it cannot be written.
    """

    def __init__(self, path: str | Path, fingerprint: str, *, retry: bool = False) -> None:
        self.path = Path(path)
        self.done: set[str | int] = set()
        self._fingerprint = fingerprint
        self._held = ExitStack()
        try:
            self._file = self._open(self.path)
            end, failed = self._check()
            self._file.truncate(end)
            if retry and failed:
                self._forget()
        except BaseException as error:
            self._held.close()
            if isinstance(error, OSError):
                raise self._failed(error) from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def add(self, line: Line, reply: dict[str, Any] | ApiError) -> Answered:
        """Write the line of one reply; it is in the file when this returns.

        Raises:
            StoreError: the disk is full or gone.
        """
        row = orjson.dumps(_row(line, reply), option=orjson.OPT_APPEND_NEWLINE)
        try:
            _write(self._file, row)
        except OSError as error:
            raise self._failed(error) from error
        self.done.add(line.key)
        if isinstance(reply, ApiError):
            return Answered(line.key, failed=True)
        paths = reply["clc"]["paths"] if "clc" in reply else len(reply["choices"])
        return Answered(line.key, failed=False, paths=paths, tokens=reply["usage"]["total_tokens"])

    def _open(self, path: Path) -> FileIO:
        """Open the file, which is read back: no device and no FIFO.

        Raises:
            InputError: it is no regular file, or another process writes to it.
        """
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        file = self._held.enter_context(FileIO(os.open(path, flags, 0o666), "a+"))
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InputError(f"{path}: it is no regular file; name one for the replies")
        return self._lock(file)

    def _lock(self, file: FileIO) -> FileIO:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{self.path}: another process writes to it; wait for it, or give another file"
            ) from None
        return file

    def _check(self) -> tuple[int, int]:
        """Read the file; return the end of its last whole line, and the number of failed lines."""
        end = failed = 0
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if not raw.endswith(b"\n"):
                    if raw[: len(_BEGINS)] != _BEGINS[: len(raw)]:
                        raise self._strange(number, raw)
                    break
                row = self._read(number, raw)
                self.done.add(_key(row))
                failed += row["error"] is not None
                end += len(raw)
        return end, failed

    def _read(self, number: int, raw: bytes) -> dict[str, Any]:
        try:
            row: dict[str, Any] = orjson.loads(raw)
            _key(row)
            theirs = row["response"]["body"].get("system_fingerprint", self._fingerprint)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise self._strange(number, raw) from None
        if theirs != self._fingerprint:
            raise ConfigurationError(
                f"{self.path}:{number}: was answered with other settings ({theirs}, and now "
                f"{self._fingerprint}); give the same options to go on with it, or another file"
            )
        return row

    def _forget(self) -> None:
        """Replace this file by one without the failed lines; it stays locked."""
        part, file = create_beside(self.path)
        kept = self._lock(self._held.enter_context(file))
        self.done.clear()
        try:
            with self.path.open("rb") as lines:
                for raw in lines:
                    row = orjson.loads(raw)
                    if row["error"] is None:
                        _write(kept, raw)
                        self.done.add(_key(row))
            os.fsync(kept.fileno())
            part.replace(self.path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self._file = kept

    def _strange(self, number: int, raw: bytes) -> InputError:
        return InputError(
            f"{self.path}:{number}: is no line of a batch's output: "
            f"{raw[:60].decode(errors='replace')!r}; give another file"
        )

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(f"{self.path}: cannot be written: {error.strerror or error}")


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is too long, its beginning."""
    while raw := file.readline(_LINE_BYTES + 1):
        yield raw
        while len(raw) > _LINE_BYTES and not raw.endswith(b"\n"):
            raw = file.readline(_LINE_BYTES + 1)


def _write(file: FileIO, row: bytes) -> None:
    """Write a line in one call, so that a kill leaves a whole one or its beginning."""
    written = file.write(row)
    if written != len(row):
        raise OSError(None, f"{written} of {len(row)} bytes were written")


class Batch(NamedTuple):
    """A checked batch: number of its lines, and of those answered."""

    lines: int
    answered: int


def open_batch(source: str | Path, output: Output) -> Batch:
    """Check a batch before anything is sampled.

    Raises:
        DatasetError: two lines have one ``custom_id``.
        InputError: the file cannot be read twice, or the output belongs to another batch.
    """
    if not Path(source).is_file():
        raise InputError(f"{source}: is no file; a batch is read twice, so give a file")
    seen: dict[str | int, int] = {}
    for line in read_lines(source):
        before = seen.setdefault(line.key, line.number)
        if before != line.number:
            raise DatasetError.at(
                str(source), line.number,
                f"custom_id {line.custom_id!r} stands on line {before} already; give every line "
                "one of its own",
            )  # fmt: skip
    for key in output.done:
        if key not in seen:
            raise InputError(
                f"{output.path}: holds the reply to {key!r}, which {source} does not ask; "
                "give another file"
                if isinstance(key, str)
                else f"{source}:{key}: was wrong before and is another line now; retry what failed"
            )
    return Batch(len(seen), len(output.done))


async def answer_lines(
    source: str | Path, output: Output, completions: Completions
) -> AsyncGenerator[Answered, None]:
    """Answer the lines that are not in the output; yield the outcome of each.

    Raises:
        EngineError: the engine is lost; the output keeps its lines.
        StoreError: the output cannot be written.
    """
    todo = ((line, line.body) for line in read_lines(source) if line.key not in output.done)
    async with aclosing(completions.stream(todo)) as replies:
        async for line, reply in replies:
            yield output.add(line, reply)


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
        ("url", lambda given: given == URL, f"{URL!r}"),
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


def _row(line: Line, reply: dict[str, Any] | ApiError) -> dict[str, Any]:
    """Make the row of a reply in OpenAI's form; a failed one also has the line of its request."""
    status, error = _OK, None
    body: object = reply
    if isinstance(reply, ApiError):
        status, body = reply.status, reply.body()
        message = f"line {line.number}: {reply.message}"
        error = {"code": reply.code, "message": message, "line": line.number}
    return {
        "id": f"batch_req_{uuid.uuid4().hex}",
        "custom_id": line.custom_id,
        "response": {
            "status_code": status,
            "request_id": f"req_{uuid.uuid4().hex}",
            "body": body,
        },
        "error": error,
    }


def _key(row: dict[str, Any]) -> str | int:
    key: str | int = row["error"]["line"] if row["custom_id"] is None else row["custom_id"]
    return key
