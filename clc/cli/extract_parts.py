"""Rows of recorded generations with the answers that their responses state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.cli.output import json_line
from clc.cli.unread import Unread
from clc.datasets.generations import parse_generations, read_generation
from clc.datasets.line_chunks import parse_lines
from clc.datasets.notices import CollectedNotices
from clc.errors import ClcError
from clc.records import Answer

if TYPE_CHECKING:
    from clc.answers.reading_files import ReadingFiles
    from clc.datasets.generations import Generation
    from clc.datasets.line_chunks import LineChunk
    from clc.records import AbstainReason, AnswerKind

__all__ = ["ExtractPart", "RowExtractor"]


@dataclass(slots=True)
class ExtractPart:
    """The rows of a chunk of lines, up to the first ``error``, and its calls of ``Notices``."""

    rows: bytes
    unread: Unread
    notices: list[tuple[str, tuple[Any, ...]]]
    error: ClcError | None = None


class RowExtractor(NamedTuple):
    """Settings of ``clc extract``; rows that have a kind keep it."""

    kind: AnswerKind | None = None
    reading: ReadingFiles | None = None

    def extract(self, chunk: LineChunk) -> ExtractPart:
        """Add the answers to the rows of a chunk of lines."""
        rows: list[bytes] = []
        notices = CollectedNotices()
        part = ExtractPart(b"", Unread(), notices.calls)
        try:
            for line, row in parse_lines(chunk):
                paths = parse_generations(chunk.source, line, row, notices)
                read = [self._answer(path) for path in paths]
                several = len(read) != 1
                part.unread.paths += len(read)
                for path, (_, reason) in zip(paths, read, strict=True):
                    if reason is not None:
                        part.unread.count(reason, path.language, f"{chunk.source}:{line}")
                row["answer"] = [answer for answer, _ in read] if several else read[0][0]
                row["abstain"] = [reason for _, reason in read] if several else read[0][1]
                rows.append(json_line(row))
        except ClcError as error:
            part.error = error
        part.rows = b"".join(rows)
        return part

    def _answer(self, path: Generation) -> tuple[str | None, AbstainReason | None]:
        read = read_generation(path._replace(kind=path.kind or self.kind), self.reading)
        return (read.value, None) if isinstance(read, Answer) else (None, read.reason)
