"""A run of ``clc solve`` as a process, and whether its folder holds all that was planned."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.records import Usage
from clc.runs.open import open_run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Figures", "read_figures", "solve"]


@dataclass(slots=True)
class Figures:
    """What a run folder holds.

    Attributes:
        problems: those of the run; ``verdicts`` are written to a file.
        planned: paths of all plans. Each is ``recorded``, or lost for one of the ``reasons``, or
            without a prompt because its translation was refused (``untranslated``).
        uncounted: recorded paths and steps with a text and without tokens.
        steps: translations, refused ones included.
        cut: recorded paths and steps that ended at the limit of tokens.
        path_usage: tokens of the recorded paths.
        step_usage: tokens of the steps.
        seconds: of the run, as its manifest has them.
        texts: of the recorded paths.
        notes: of the manifest.
        engine: the engine's fingerprint.
    """

    problems: int = 0
    verdicts: int = 0
    planned: int = 0
    recorded: int = 0
    untranslated: int = 0
    uncounted: int = 0
    steps: int = 0
    cut: int = 0
    path_usage: Usage = field(default_factory=Usage)
    step_usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    texts: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    notes: dict[str, Any] = field(default_factory=dict)
    engine: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether each problem has a verdict, each path its text or reason, and each text tokens.

        A lost path makes a run incomplete.
        """
        arrived = self.recorded + self.untranslated == self.planned > 0
        return arrived and self.verdicts == self.problems > 0 == self.uncounted

    @property
    def usage(self) -> Usage:
        """Tokens of all that was sampled."""
        return self.path_usage + self.step_usage

    def row(self, name: str) -> str:
        """Return a row of a table: what arrived, tokens, and rates over the seconds of the run."""
        tokens = self.usage.completion_tokens
        seconds = self.seconds or float("inf")
        return (
            f"{name:<22} {'complete' if self.is_complete else 'INCOMPLETE':<10} "
            f"{self.verdicts}/{self.problems} verdicts, {self.recorded} + {self.untranslated} "
            f"untranslated of {self.planned} paths, {self.steps} steps, "
            f"{self.usage.prompt_tokens} + {tokens} tokens, {self.seconds:.0f} s: "
            f"{self.recorded / seconds:.2f} paths/s, {tokens / seconds:.0f} tokens/s"
        )


def solve(source: Path, options: Sequence[str], out: Path, engine_file: str) -> Figures:
    """Run ``clc solve`` and count what its folder holds.

    Args:
        source: the file of problems.
        options: more options of the command.
        out: the run folder; the log and the engine file are written beside it.
        engine_file: the text of the engine file.

    Raises:
        SystemExit: the command fails.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    file, log = (out.with_name(f"{out.name}.{kind}") for kind in ("toml", "log"))
    file.write_text(engine_file)
    command = [
        sys.executable, "-m", "clc", "solve", str(source), "--out", str(out), "--no-cache",
        "--engine-file", str(file), *options,
    ]  # fmt: skip
    with log.open("wb") as output:
        code = subprocess.call(command, stdout=output, stderr=subprocess.STDOUT)
    if code != 0:
        tail = log.read_text(errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(command)} ended with {code}; {log} ends:\n{tail}")
    return read_figures(out)


def read_figures(folder: Path) -> Figures:
    """Count what a run folder holds."""
    figures = Figures(verdicts=len((folder / "verdicts.jsonl").read_bytes().splitlines()))
    with open_run(folder) as run:
        manifest = run.manifest() or {}
        figures.problems = run.started()
        figures.seconds = float(manifest.get("seconds", 0.0))
        figures.notes = manifest.get("notes", {})
        figures.engine = manifest["identity"]["engine"]
        for one in run.finished():
            for arm, key in one.plan.paths:
                figures.planned += 1
                if key is None:
                    figures.untranslated += arm.fault is not None
                elif (path := one.paths[key]).error is not None:
                    figures.reasons[path.error] += 1
                else:
                    figures.recorded += 1
                    figures.texts.append(path.text)
                    figures.cut += path.finish_reason == "length"
                    figures.path_usage += path.usage
                    figures.uncounted += bool(path.text) and not path.usage.completion_tokens
    with closing(sqlite3.connect(f"file:{folder / 'run.sqlite'}?mode=ro", uri=True)) as database:
        query = "select text, finish_reason, prompt_tokens, completion_tokens from steps"
        for text, reason, prompt, completion in database.execute(query):
            figures.steps += 1
            figures.cut += reason == "length"
            figures.step_usage += Usage(prompt, completion)
            figures.uncounted += bool(text) and not completion
    return figures
