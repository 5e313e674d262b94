"""Answer a file of chat requests in OpenAI's batch format into another file.

Every line of the input becomes one line of the output, written when its reply is complete. Lines
that are in the output are skipped, so the same call resumes after any end, including a kill in the
middle of a write.
"""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clc.errors import DatasetError, InputError
from clc.serving.batch_lines import read_lines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from clc.serving.batch_output import Answered, Output
    from clc.serving.completions import Completions

__all__ = ["Batch", "answer_lines", "open_batch"]


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
