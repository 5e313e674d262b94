"""``clc extract``: add the answer that each recorded response states."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from clc.cli.options import marks_option

if TYPE_CHECKING:
    from clc.datasets.generations import Generation
    from clc.records import AbstainReason, AnswerKind
    from clc.thoughts import Marks

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
@marks_option
def command(files: tuple[str, ...], out: str | None, kind: str | None, marks: Marks | None) -> None:
    """Add "answer" and "abstain" to every row of recorded generations.

    Reads clc's own JSONL (id, language, response), lm-evaluation-harness samples, and OpenAI or
    vLLM batch output; "-" is standard input. Every row keeps all its fields. "answer" is the
    canonical value or null, "abstain" the reason for null. A row with several responses gets
    lists. Without a single answer the exit code is 1.
    """
    from clc.cli.output import json_line, rows_to
    from clc.cli.unread import Unread
    from clc.datasets.generations import parse_generations, read_rows
    from clc.datasets.notices import Notices

    notices, unread = Notices(), Unread()
    with rows_to(out) as sink:
        for source, line, row in read_rows(files):
            paths = parse_generations(source, line, row, notices)
            read = [
                _answer(path._replace(kind=path.kind or cast("AnswerKind | None", kind)), marks)
                for path in paths
            ]
            several = len(read) != 1
            unread.paths += len(read)
            for path, (_, reason) in zip(paths, read, strict=True):
                if reason is not None:
                    unread.count(reason, path.language, f"{source}:{line}")
            row["answer"] = [answer for answer, _ in read] if several else read[0][0]
            row["abstain"] = [reason for _, reason in read] if several else read[0][1]
            sink.write(json_line(row))
    unread.check()


def _answer(path: Generation, marks: Marks | None) -> tuple[str | None, AbstainReason | None]:
    from clc.datasets.generations import read_generation
    from clc.records import Answer

    read = read_generation(path, marks)
    return (read.value, None) if isinstance(read, Answer) else (None, read.reason)
