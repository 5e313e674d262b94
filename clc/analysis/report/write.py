"""Write a report: one page, and a folder of texts if they are too large for the page."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, NamedTuple

from clc.analysis.report.comparison import comparison
from clc.analysis.report.page import data, display_name, page
from clc.analysis.report.problems import problem_record, problem_row
from clc.analysis.report.summary import SummaryBuilder
from clc.errors import ConfigurationError, StoreError
from clc.runs.files import replacing, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from clc.analysis.report.sections import Section, Summary
    from clc.analysis.report.sources import ReportSource
    from clc.runs.revote import Solved

__all__ = ["MOST_INLINE", "Report", "data_folder", "write_report"]

MOST_INLINE = 24 << 20  # bytes of texts that the page itself holds
_PART = 1 << 19  # bytes of texts that the page loads at once; a longer problem is its own part
_PIECE = 1 << 20  # bytes

_PART_FILE = re.compile(r"[0-9a-f]{16}\.js\Z")  # what this module writes into the folder


class Report(NamedTuple):
    """A written report: the page, the folder of its texts (None if the page holds them) and sizes.

    ``summaries`` and ``comparison`` are the contents of the page, to plot its figures.
    """

    page: Path
    folder: Path | None
    problems: int
    bytes: int
    summaries: tuple[Summary, ...]
    comparison: tuple[Section, ...]


def write_report(
    sources: Mapping[str, ReportSource],
    out: Path,
    *,
    title: str | None = None,
    most_inline: int = MOST_INLINE,
) -> Report:
    """Write the page of one run, or of several with their comparison.

    Each run is read once (twice if several are compared), a problem at a time: only numbers and at
    most ``most_inline`` bytes of texts stay in memory. Longer texts are written in parts beside the
    page, in the folder ``data_folder(out)``. The same runs give the same bytes, and an interrupted
    report leaves the old one intact.

    Raises:
        ConfigurationError: no run has a finished problem.
        StoreError: ``out`` cannot be written.
    """
    parts = _Parts(data_folder(out), most_inline)
    summaries = []
    try:
        with TemporaryFile() as rows:
            rows.write(b'{"runs":[')
            languages: dict[str, None] = {}
            for position, (name, source) in enumerate(sources.items()):
                rows.write(b"," if position else b"")
                summaries.append(_add(name, source, parts, rows, languages))
            if not parts.problems:
                raise ConfigurationError(
                    f"{', '.join(sources)}: no problem is done, so there is nothing to report; "
                    "clc solve goes on with a run"
                )
            parts.flush()
            names = {code: display_name(code) for code in languages}
            tail = {"names": names, "folder": parts.folder.name, "files": parts.files}
            rows.write(b"]," + data(tail)[1:])
            compared = comparison(sources.items())
            chunks = page(
                title=title or ", ".join(sources),
                summaries=summaries,
                comparison=compared,
                report=_pieces(rows),
                parts=parts.inline,
                folder=parts.folder.name if parts.files else None,
            )
            written = _write(out, chunks)
        parts.clean()
    except OSError as error:
        raise StoreError(f"{out}: cannot write the report: {error.strerror or error}") from error
    folder = parts.folder if parts.files else None
    return Report(out, folder, parts.problems, written + parts.bytes, tuple(summaries), compared)


def data_folder(out: Path) -> Path:
    """Return the folder of a large report's texts: ``report.data`` beside ``report.html``.

    The page names it, so bytes that are not UTF-8 are left out.
    """
    stem = out.stem.encode("utf-8", "ignore").decode()
    return out.with_name(f"{stem or 'report'}.data")


def _add(
    name: str, source: ReportSource, parts: _Parts, rows: IO[bytes], languages: dict[str, None]
) -> Summary:
    """Read a run once, for its summary, its rows and its problems' texts."""
    builder = SummaryBuilder(name, source.manifest)
    rows.write(b'{"name":' + data(name) + b',"problems":[')
    for number, solved in enumerate(source.solved()):
        builder.add(solved)
        part, position = parts.add(data(problem_record(solved)))
        row = {**problem_row(solved), "part": part, "at": position}
        rows.write((b",\n" if number else b"\n") + data(row))
        languages.update(dict.fromkeys(_languages(solved)))
    rows.write(b"]}")
    return builder.summary()


def _languages(solved: Solved) -> Iterator[str]:
    yield solved.problem.language
    yield from solved.plan.languages
    yield from (one.language for one in solved.votes)


class _Parts:
    """The problems' records in parts: in memory while they are few, otherwise each in a file.

    A file is named by a hash of its contents: the files of the old page stay until the new page
    replaces it, and unchanged files are not written again.
    """

    def __init__(self, folder: Path, most_inline: int) -> None:
        self.folder = folder
        self.inline: list[bytes] = []
        self.files: list[str] = []
        self.problems = 0
        self.bytes = 0  # of files
        self._most_inline = most_inline
        self._held = 0
        self._records: list[bytes] = []
        self._size = 0

    def add(self, record: bytes) -> tuple[int, int]:
        """Add one problem; returns the indices of its part and of the problem in it."""
        if self._records and self._size + len(record) > _PART:
            self.flush()
        self._records.append(record)
        self._size += len(record)
        self.problems += 1
        return len(self.inline) + len(self.files), len(self._records) - 1

    def flush(self) -> None:
        """End the part."""
        part = b"[" + b",\n".join(self._records) + b"]"
        self._records, self._size = [], 0
        self._held += len(part)
        if self._held <= self._most_inline:
            self.inline.append(part)
            return
        if self.folder.is_symlink():
            raise StoreError(f"{self.folder}: is a link, and the page's texts go there; remove it")
        self.folder.mkdir(exist_ok=True)
        for waiting in (*self.inline, part):
            self._write(waiting)
        self.inline.clear()

    def clean(self) -> None:
        """Remove the files of older reports."""
        kept = set(self.files)
        if self.folder.is_dir() and not self.folder.is_symlink():
            for file in self.folder.iterdir():
                if _PART_FILE.match(file.name) and file.name not in kept:
                    file.unlink()
            with suppress(OSError):  # something else lies there
                self.folder.rmdir()

    def _write(self, part: bytes) -> None:
        name = f"{hashlib.blake2b(part, digest_size=8).hexdigest()}.js"
        content = b"clcPart(" + part + b");\n"
        file = self.folder / name
        if file.is_symlink() or not file.is_file() or file.read_bytes() != content:
            write_atomically(file, content)
        self.files.append(name)
        self.bytes += len(content)


def _pieces(rows: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows in large chunks of whole lines, so that no character is split."""
    rows.seek(0)
    while lines := rows.readlines(_PIECE):
        yield b"".join(lines)


def _write(out: Path, chunks: Iterator[str]) -> int:
    """Write the page atomically; returns its size in bytes."""
    with replacing(out) as file:  # which may be a pipe
        return sum(file.write(chunk.encode()) for chunk in chunks)
