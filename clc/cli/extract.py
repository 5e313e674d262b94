"""``clc extract``: add the answer that each recorded response states."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from clc.cli.options import reading_option, workers_option

if TYPE_CHECKING:
    from clc.answers.reading_files import ReadingFiles
    from clc.records import AnswerKind

__all__ = ["command"]


@click.command("extract")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--out", type=click.Path(dir_okay=False), help="Write here instead of standard output."
)
@click.option(
    "--kind",
    type=click.Choice(["number", "choice", "latex"]),
    help="Kind of the answers; inferred by default.",
)
@reading_option
@workers_option
def command(
    files: tuple[str, ...],
    out: str | None,
    kind: str | None,
    reading: ReadingFiles | None,
    workers: int | None,
) -> None:
    """Add "answer" and "abstain" to every row of recorded generations.

    Reads clc's own JSONL (id, language, response), lm-evaluation-harness samples, and OpenAI or
    vLLM batch output; "-" is standard input. Every row keeps all its fields. "answer" is the
    canonical value or null, "abstain" the reason for null. A row with several responses gets
    lists. Without a single answer the exit code is 1, without a response 2.
    """
    from clc.cli.extract_parts import RowExtractor
    from clc.cli.output import rows_to
    from clc.cli.unread import Unread
    from clc.datasets.line_chunks import read_chunks
    from clc.datasets.notices import Notices
    from clc.errors import InputError
    from clc.worker_processes import Workers

    extractor = RowExtractor(cast("AnswerKind | None", kind), reading)
    notices, unread = Notices(), Unread()
    with rows_to(out) as sink, Workers(workers) as pool:
        for part in pool.map(extractor.extract, read_chunks(files)):
            notices.repeat(part.notices)
            sink.write(part.rows)
            unread.merge(part.unread)
            if part.error is not None:
                raise part.error
        if not unread.paths:
            raise InputError(f"no responses in {', '.join(files)}")
    unread.check()
