"""The command line as a process, and endpoints as processes."""

import io
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from clc.cli import main

ROOT = Path(__file__).parents[2]
CLC = (sys.executable, "-m", "clc")


def environment(**more):
    """Ours, less what would change what is printed."""
    kept = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "NO_COLOR", "COLUMNS"}}
    return kept | {"COLUMNS": "80", "PYTHONWARNINGS": "error::ResourceWarning"} | more


def clc(*arguments, timeout=60, stdin="", **more):
    """Run to the end."""
    return subprocess.run(
        [*CLC, *map(str, arguments)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=timeout,
        input=stdin, check=False, **more,
    )  # fmt: skip


def start(*arguments, **more):
    """Begin, for somebody who will kill it."""
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | more
    return subprocess.Popen(
        [*CLC, *map(str, arguments)], cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, **more
    )


@contextmanager
def endpoint(*arguments, module="tests.cli.endpoint"):
    """Serve model m; yields (base URL, process)."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def call(*arguments, stdin=""):
    """Run in this process: as `clc`, without the time that a start takes."""
    out, err = io.StringIO(), io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    code = 0
    with (
        mock.patch.object(sys, "argv", ["clc", *map(str, arguments)]),
        mock.patch.object(sys, "stdin", given),
        mock.patch.dict(os.environ, {"COLUMNS": "80"}),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code  # type: ignore[assignment]
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())
