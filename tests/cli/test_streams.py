"""Standard streams that are closed, full or not read, and interrupts: a status and a message."""

import json
import signal
import subprocess
import sys

import pytest

from .running import CLC, ROOT, environment

ROW = {"id": "a", "language": "en", "response": "Answer: 5.", "gold": "5"}
DEVICE_FULL = "clc: standard output cannot be written: No space left on device\n"
CLOSED = "clc: standard output cannot be written: Bad file descriptor\n"
TRACES = ("Traceback", "Exception ignored", "Error:")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "g.jsonl"
    path.write_text(json.dumps(ROW) + "\n")
    return path


def sh(line, file, **more):
    """Run a line of bash; ``clc`` is the command and FILE the file."""
    script = f'set -o pipefail; clc() {{ {" ".join(CLC)} "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script.replace("FILE", str(file))],
        cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("clc vote FILE --json >&-", 1, CLOSED),
        ("clc vote FILE --json >/dev/full", 1, DEVICE_FULL),
        ("clc extract FILE >&-", 1, CLOSED),
        ("clc extract FILE >/dev/full", 1, DEVICE_FULL),
        ("clc --help >&-", 1, CLOSED),
        ("clc --help >/dev/full", 1, DEVICE_FULL),
        ("clc strategies list >/dev/full", 1, DEVICE_FULL),
        ("clc strategies show clc >&-", 1, CLOSED),
        ("clc vote FILE --out /dev/full", 2, "clc: --out /dev/full: cannot be written: No space"),
        ("clc extract FILE --out /dev/stdout >/dev/full", 2, "clc: --out /dev/stdout: cannot be"),
        ("clc vote - <&-", 2, "clc: no paths in -\n"),
        ("clc ask - <&-", 2, "clc: the question is empty\n"),
        ("clc solve - --out FILE.run --base-url http://127.0.0.1:9/v1 --model m <&-", 2,
         "clc: <stdin>: the file is empty"),
        ("clc vote nowhere.jsonl 2>&-", 2, ""),
        ("clc vote nowhere.jsonl 2>/dev/full", 2, ""),
        ("clc vote FILE 0<&- 1>&- 2>&-", 1, ""),
        ("clc --help | true", 141, ""),
        ("clc strategies list | true", 141, ""),
        ('yes "$(cat FILE)" | head -4000 | clc extract - | head -1 >/dev/null', 141, ""),
        ("clc vote FILE 2>&1 >/dev/null | true", 141, ""),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_a_stream_that_fails_ends_with_a_status_and_a_message(file, line, status, message):
    done = sh(line, file)
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") <= 1
    assert not any(trace in done.stderr for trace in TRACES)


def test_no_file_takes_the_number_of_a_closed_stream(file):
    """What is written to a closed stream would else end up in it."""
    code = "import clc.cli.streams as s; s.prepare_streams(); print(open(%r).fileno() > 2, file=open(%r, 'w'))"
    out = file.with_name("out")
    line = f'{sys.executable} -c "{code % (str(file), str(out))}" 0<&- 1>&- 2>&-'
    assert sh(line, file).returncode == 0
    assert out.read_text() == "True\n"


@pytest.mark.parametrize("columns", ["0", "abc", "-5", "1", "99999999999", "²"])
@pytest.mark.slow
def test_a_width_that_is_none_changes_nothing(file, columns):
    done = sh("clc strategies list", file, COLUMNS=columns, LINES=columns)
    assert done.returncode == 0
    assert not done.stderr
    assert len(done.stdout) > 1000
    assert len(max(done.stdout.splitlines(), key=len)) <= 1000


@pytest.mark.parametrize(
    "more",
    [{"LANG": "C", "LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"},
     {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"NO_COLOR": "1"},
     {"TERM": ""}, {"TERM": "dumb"}, {"TERM": "no such"}, {"FORCE_COLOR": "1"}],
    ids=str,
)  # fmt: skip
@pytest.mark.slow
def test_any_text_is_printed_in_any_locale(file, more):
    file.write_text(json.dumps(ROW | {"id": "日本語-é-"}) + "\n")
    done = sh("clc vote FILE && clc prompts show cot --language zh", file, **more)
    assert done.returncode == 0, done.stderr
    assert not any(trace in done.stderr for trace in TRACES)


INTERRUPTED = """
import os, signal, sys
from unittest import mock
from clc.cli import main

def interrupt(*_, **__):
    os.kill(os.getpid(), signal.NUMBER)
    signal.pause()

{setting}
with mock.patch("clc.cli.cli.main", {work}):
    main()
"""
ONE = ("", "side_effect=interrupt")
WHILE_CLEANING = (
    """
def clean(*_, **__):
    try:
        interrupt()
    finally:
        interrupt()
""",
    "side_effect=clean",
)
WHILE_PRINTING = (
    "import click; click.echo = interrupt",
    "side_effect=interrupt",
)
IN_A_DESTRUCTOR = (
    """
class Loose:
    def __del__(self):
        os.kill(os.getpid(), signal.NUMBER)

def drop(*_, **__):
    Loose()
    for _ in range(10**6):
        pass
""",
    "side_effect=drop",
)
AT_EXIT = ("import atexit; atexit.register(interrupt)", "side_effect=interrupt")
IN_A_LOOP = (
    """
import asyncio
from clc.cli.interrupts import run_interruptible

async def work():
    os.kill(os.getpid(), signal.NUMBER)
    try:
        await asyncio.Event().wait()
    finally:
        os.kill(os.getpid(), signal.NUMBER)
        await asyncio.Event().wait()
""",
    "side_effect=lambda *_, **__: run_interruptible(work())",
)


@pytest.mark.parametrize(
    ("number", "status", "script"),
    [
        *((signal.SIGINT, 130, one) for one in (ONE, WHILE_CLEANING, WHILE_PRINTING)),
        *((signal.SIGINT, 130, one) for one in (IN_A_DESTRUCTOR, AT_EXIT, IN_A_LOOP)),
        *((signal.SIGTERM, 143, one) for one in (ONE, WHILE_CLEANING, IN_A_LOOP)),
    ],
)
def test_interrupts_end_without_a_traceback(number, status, script):
    setting, work = script
    code = INTERRUPTED.format(setting=setting, work=work)
    done = subprocess.run(
        [sys.executable, "-c", code.replace("NUMBER", number.name)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert set(done.stderr.splitlines()) == {"clc: interrupted"}
