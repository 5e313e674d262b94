"""Read recorded generations of clc and of other tools, row by row.

Four shapes of JSONL, recognized by each row's fields; packed files (gzip, zstd) and ``-`` for
standard input are read, too:

    clc                      id, language, response; optional question, gold, question_language,
                             finish_reason, confidence, kind, item, level. The confidence is a
                             number that grows with it, or an object with mean, tail, lowest_group
                             and logprob, as clc measures it
    lm-evaluation-harness    doc, resps, target: see ``clc.datasets.lm_eval``
    OpenAI and vLLM batches  custom_id, response.body: see ``clc.datasets.batches``
    PolyMath                 idx, question, answer, thinking_pred, answer_pred in
                             ``LEVEL/LANGUAGE.jsonl``

A response may be a text or the parts of a message's content. A response that is null is an
abstention; a field of ours with another meaning is kept and ignored, with a notice.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from clc.datasets.batches import parse_batch_row
from clc.datasets.custom_ids import CustomIds
from clc.datasets.generation import Generation, missing_response, read_generation
from clc.datasets.line_chunks import parse_lines, read_chunks
from clc.datasets.lm_eval import parse_harness_row
from clc.datasets.notices import Notices
from clc.datasets.own_rows import parse_own_row
from clc.datasets.polymath import parse_polymath_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "Generation",
    "harness_filter",
    "parse_generations",
    "read_generation",
    "read_generations",
    "read_rows",
]


def read_rows(files: Iterable[str | Path]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the rows of JSONL files with file and line (1-based).

    Raises:
        DatasetError: a file cannot be read or a line is not a JSON object.
    """
    for chunk in read_chunks(files):
        for number, row in parse_lines(chunk):
            yield chunk.source, number, row


def parse_generations(
    source: str, line: int, row: dict[str, Any], notices: Notices | None = None
) -> list[Generation]:
    """Return the paths of one row: one in clc's shape, else one for each repeat or choice.

    >>> row = {"id": 7, "language": "de", "response": "Antwort: 5"}
    >>> parse_generations("g.jsonl", 1, row)[0][:3]
    ('7', 'de', 'Antwort: 5')

    Raises:
        DatasetError: the row lacks a field, or one has the wrong type.
    """
    if "resps" in row:
        return parse_harness_row(source, line, row)
    if row.get("custom_id") is not None:
        return parse_batch_row(source, line, row)
    if "answer_pred" in row and "response" not in row:
        return [parse_polymath_row(source, line, row)]
    notices = notices or Notices()
    if "id" in row and row["id"] is None:
        notices.left_out(source, line, "id")
        return []
    path = parse_own_row(source, line, row, notices)
    response = row.get("response")
    if isinstance(response, list) and all(isinstance(one, str | None) for one in response):
        return [  # several samples
            missing_response(path, source, line) if one is None else path._replace(response=one)
            for one in response
        ]
    return [path]


def harness_filter(source: str, row: Mapping[str, Any]) -> tuple[tuple[str, str, object], object]:
    """Return which sample of lm-eval a row is of, and the filter that it is of.

    lm-eval repeats every row for each filter of the task, with the same responses.
    """
    return (source, str(row.get("doc_id")), row.get("doc_hash")), row.get("filter")


def read_generations(files: Sequence[str | Path]) -> Iterator[tuple[str, int, list[Generation]]]:
    """Yield (source, line, paths) of the rows; repetitions by lm-eval's filters are skipped.

    Rows with a ``custom_id``, which may name a language, come last, when all of them were seen.

    Raises:
        DatasetError: a row is wrong.
    """
    filters: dict[tuple[str, str, object], object] = {}
    notices = Notices()
    with closing(CustomIds()) as custom:
        for source, line, row in read_rows(files):
            if "resps" in row:
                sample, filtered = harness_filter(source, row)
                if filters.setdefault(sample, filtered) != filtered:
                    continue
            paths = parse_generations(source, line, row, notices)
            rest = [one for one in paths if not (one.custom_id and custom.add(source, line, one))]
            if rest:
                yield source, line, rest
        yield from custom.resolved()
