"""The output of a batch: a file of replies that survives any end, and is gone on with."""

from __future__ import annotations

import fcntl
import os
import stat
import uuid
from contextlib import ExitStack
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import orjson

from clc.errors import ConfigurationError, InputError, StoreError
from clc.runs.files import create_beside
from clc.serving.errors import ApiError

if TYPE_CHECKING:
    from clc.serving.batch_lines import Line

__all__ = ["Answered", "Output"]

_BEGINS = b'{"id":"batch_req_'
_OK = 200


class Answered(NamedTuple):
    """The outcome of one line; ``paths`` and ``tokens`` (prompt and completion) were spent."""

    key: str | int
    failed: bool
    paths: int = 0
    tokens: int = 0


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


def _write(file: FileIO, row: bytes) -> None:
    """Write a line in one call, so that a kill leaves a whole one or its beginning."""
    written = file.write(row)
    if written != len(row):
        raise OSError(None, f"{written} of {len(row)} bytes were written")


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
