"""The progress display, without a run."""

import io

from rich.console import Console

from clc.cli.progress import STOPPING, RunProgress, describe_counters
from clc.records import Verdict
from clc.solving.sampler import Counters

VERDICT = Verdict("q", "7", 3, 4, 0.75, False, {"7": {"en": 3}}, {}, 4)
COUNTERS = Counters(drawn=123_456, reused=234_567, lost=1_234, translations=9_876_543, completion_tokens=9_999)  # fmt: skip


def shown(counters, *, terminal, stop=False):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=80)
    with RunProgress(counters, 1000, console) as progress:
        progress.tick(VERDICT)
        if stop:
            progress.stopping()
    return file.getvalue()


def test_words():
    assert describe_counters(Counters(), 3) == "starting the engine"
    assert describe_counters(Counters(reused=2), 0) == "0 paths, 2 reused, 0 tokens/s"
    assert (
        describe_counters(Counters(drawn=1_000, completion_tokens=500), 2)
        == "1,000 paths, 250 tokens/s"
    )


def test_a_plain_line_is_one_line_however_long():
    (line,) = shown(COUNTERS, terminal=False).splitlines()
    assert line.startswith("1/1000 problems, 123,456 paths, 1,234 lost, 234,567 reused, ")
    assert line.endswith(" s left")


def test_stopping_is_said_on_a_terminal_and_not_in_the_last_line():
    text = shown(Counters(drawn=1), terminal=True, stop=True)
    assert STOPPING in text
    assert "1/1000 problems, 1 paths" in text.splitlines()[-1]
    assert STOPPING not in shown(Counters(drawn=1), terminal=False, stop=True)
