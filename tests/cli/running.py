"""The command line as a process, and endpoints as processes."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

from clc.cli import main

ROOT = Path(__file__).parents[2]
CLC = (sys.executable, "-m", "clc")


def environment(**more):
    """Ours, less what would change what is printed."""
    kept = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "NO_COLOR", "COLUMNS"}}
    return kept | {"COLUMNS": "80", "PYTHONWARNINGS": "error::ResourceWarning"} | more


def clc(*arguments, timeout=240, stdin="", **more):
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


def fork(*arguments):
    """Begin, for somebody who will kill it, without the half second that a start takes.

    A process like any other, but forked from one that has imported what it needs.
    """
    assert all(map(find_spec, _PRELOADED))
    process = _FORKS.Process(target=_forked, args=(list(map(str, arguments)), environment()))
    process.start()
    return process


def _forked(arguments, variables):
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    sys.argv = ["clc", *arguments]
    main()


_PRELOADED = (
    __name__, "clc.cli.solve", "clc.cli.batch", "clc.api", "clc.runs.store",
    "clc.serving.completions", "clc.engines.openai.engine",
)  # fmt: skip
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(list(_PRELOADED))  # it passes over names that there are not


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
    out, err = (  # write_through: a command that a signal ends has printed what it wrote
        io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2)
    )
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    code = 0
    with (
        mock.patch.object(sys, "argv", ["clc", *map(str, arguments)]),
        mock.patch.object(sys, "stdin", given),
        mock.patch.dict(os.environ, {"COLUMNS": "80"}),
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch("sys.unraisablehook", sys.unraisablehook),
    ):
        handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            main()
        except SystemExit as ended:
            code = ended.code  # type: ignore[assignment]
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    printed = []
    for stream in (out, err):
        stream.flush()
        printed.append(stream.buffer.getvalue().decode())
    return subprocess.CompletedProcess(arguments, code, *printed)
