"""Votes of the rows in a chunk of lines, as plain values that another process can take."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from clc.datasets.custom_ids import may_name_language
from clc.datasets.generations import harness_filter, parse_generations, read_generation
from clc.datasets.line_chunks import parse_lines
from clc.datasets.notices import CollectedNotices
from clc.errors import ClcError
from clc.records import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clc.answers.reading_files import ReadingFiles
    from clc.datasets.generation import Generation
    from clc.datasets.line_chunks import LineChunk
    from clc.records import AnswerKind

__all__ = ["VoteReader", "VoteRows"]


@dataclass(slots=True)
class VoteRows:
    """The votes of consecutive rows of a file, up to its first ``error``.

    Attributes:
        source: the file.
        problems: the item, kind and level of each problem by its id and language ("" without one),
            in the order of their first rows.
        votes: id and language of the problem, line, and language, answer, reason, kind, confidence
            in JSON, gold and characters of each path.
        filters: sample and filter of lm-eval's rows by line.
        custom: paths whose ids may name a language, unread, with their lines.
        ids: the other ids of requests.
        notices: calls of ``Notices``.
    """

    source: str
    problems: dict[tuple[str, str], tuple[str, str | None, str | None]] = field(
        default_factory=dict
    )
    votes: list[tuple[Any, ...]] = field(default_factory=list)
    filters: dict[int, tuple[tuple[str, str, object], object]] = field(default_factory=dict)
    custom: list[tuple[int, Generation]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    notices: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    error: ClcError | None = None


class VoteReader(NamedTuple):
    """Settings that turn rows into votes.

    ``languages`` are those whose paths are read, all where there are none. ``kind`` is that of
    problems whose rows give none. ``reading`` are the files of a folder of prompt files.
    """

    languages: tuple[str, ...] = ()
    kind: AnswerKind | None = None
    reading: ReadingFiles | None = None

    def read_lines(self, chunk: LineChunk) -> VoteRows:
        """Read the votes of a chunk of lines."""
        rows, notices = VoteRows(chunk.source), CollectedNotices()
        try:
            for line, row in parse_lines(chunk):
                if "resps" in row:
                    rows.filters[line] = harness_filter(chunk.source, row)
                for path in parse_generations(chunk.source, line, row, notices):
                    if path.custom_id:
                        if may_name_language(path.id):
                            rows.custom.append((line, path))
                            continue
                        rows.ids.append(path.id)
                    self._add(rows, line, path)
        except ClcError as error:
            rows.error = error
        rows.notices = notices.calls
        return rows

    def read_paths(self, source_paths: tuple[str, Iterable[tuple[int, Generation]]]) -> VoteRows:
        """Read the votes of paths of one file, each with its line."""
        source, paths = source_paths
        rows = VoteRows(source)
        for line, path in paths:
            self._add(rows, line, path)
        return rows

    def _add(self, rows: VoteRows, line: int, path: Generation) -> None:
        kind = path.kind or self.kind
        key = (path.id, path.question_language or "")
        if key not in rows.problems:
            rows.problems[key] = (path.item or _item(*key), kind, path.level)
        if self.languages and path.language not in self.languages:
            return
        outcome = read_generation(path._replace(kind=kind) if self.kind else path, self.reading)
        answer: tuple[str | None, ...]
        if isinstance(outcome, Answer):
            answer = (outcome.value, None, outcome.kind)
        else:
            answer = (None, outcome.reason.value, None)
        confidence = None if path.confidence is None else orjson.dumps(path.confidence)
        rows.votes.append(
            (*key, line, path.language, *answer, confidence, path.gold, len(path.response))
        )


def _item(name: str, question_language: str) -> str:
    """Return the id without the language, which translations of one problem share."""
    if not question_language:
        return name
    language = re.escape(question_language)
    return re.sub(rf"(?<![a-zA-Z]){language}(?![a-zA-Z])", "", name)
