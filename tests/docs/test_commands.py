"""Every command of the pages parses; those that can run here run, and the first page on vLLM.

A line that names a host or a model of the reader's own is parsed only. The other pages are answered
by the scripted engine: what real ones do with the same requests is tested in tests/engines.
"""

import io
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from clc.cli import cli, main
from clc.engines.factory import open_engine
from clc.records import Confidence
from tests.cli.running import environment
from tests.engines.scripted import ScriptedEngine

from .pages import NAMES, ROOT, blocks, commands, lines, write_files

# The reader's hosts, models, data sets and files. What a cluster does is tested in tests/cluster.
ELSEWHERE = re.compile(
    r"https?://(?:host|gpu)\b|\b(?:Qwen|google|juletxara)/|\bmy-model\b| (?:mgsm_de\.tsv|cmath)"
    r"|--cluster|runs/spread"
)
SERVERS = ("serve", "view")  # they end when they are told to
PROGRAMS = ("clc", "make", "pip", "python", ".venv/bin/python", "curl", "sqlite3", "inspect", "lm_eval")  # fmt: skip
PORT = "127.0.0.1:8400"
FIRST = "docs/index.md"


class Measured(ScriptedEngine):
    """Is as sure of every path as of any other."""

    async def complete(self, request):
        done = await super().complete(request)
        return replace(
            done, confidence=Confidence(1.0, 1.0, 1.0, -0.1) if request.measure else None
        )


def scripted(*arguments, **options):
    """Open the scripted engine where the real one could be opened with the same options."""
    if options.get("engine", "auto") == "auto" or find_spec(options["engine"]):
        open_engine(*arguments, **options)
    return Measured()


def words(line):
    return shlex.split(line, comments=True)[1:]


def runs_here(line):
    return not ELSEWHERE.search(line) and words(line)[0] not in SERVERS


def call(*arguments):
    """Run in this process; returns code and output."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    code = 0
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.setattr("sys.argv", ["clc", *arguments])
        try:
            main()
        except SystemExit as ended:
            code = ended.code  # type: ignore[assignment]
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *said)


@pytest.mark.parametrize("line", sorted({line for name in NAMES for line in commands(name)}))
def test_a_command_parses(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = words(line)
    if "--prompts" in told:  # the folder is read as soon as its name is
        Path(told[told.index("--prompts") + 1]).mkdir()
    for page in NAMES:
        if line in commands(page):  # so is a run file
            write_files(page, tmp_path)
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        chosen = command.get_command(context, told.pop(0))
        assert chosen is not None
        command = chosen
    command.make_context("clc", told)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_typed_is_a_program_that_is_known(name):
    for line in lines(name):
        assert line.split()[0] in (*PROGRAMS, "#"), line


@pytest.fixture(scope="module")
def reader(stand):
    """Return a folder with the runs that several pages look at; the scripted engine drew them."""
    folder = stand()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLC_CACHE", str(folder / "cache"))
        patch.setattr("clc.engines.factory.open_engine", scripted)
        patch.chdir(folder)
        for arguments in ((), ("--strategy", "sc")):
            out = "runs/de-sc" if arguments else "runs/de"
            done = call("solve", "examples/mgsm_de.tsv", *arguments, "--out", out)
            assert done.returncode == 0, done.stderr
        for name, run in {"clc": "de", "sc": "de-sc"}.items():
            (folder / "runs" / name).symlink_to(run)
        (folder / "mine.toml").write_text(call("strategies", "show", "clc").stdout)
    return folder


@pytest.fixture
def here(reader, monkeypatch):
    monkeypatch.setenv("CLC_CACHE", str(reader / "cache"))
    monkeypatch.chdir(reader)
    return reader


@pytest.mark.parametrize("name", [n for n in NAMES if any(map(runs_here, commands(n)))])
@pytest.mark.slow
def test_the_commands_of_a_page_run(name, here, monkeypatch):
    monkeypatch.setattr("clc.engines.factory.open_engine", scripted)
    run_the_commands(name, here)


@pytest.mark.engine
def test_the_commands_of_the_first_page_run_on_vllm(stand, bundled_vllm, monkeypatch):
    def opened(*arguments, **options):
        open_engine(*arguments, **options)  # it could be opened
        return bundled_vllm

    monkeypatch.setattr("clc.engines.factory.open_engine", opened)
    folder = stand()
    monkeypatch.setenv("CLC_CACHE", str(folder / "cache"))
    monkeypatch.chdir(folder)
    run_the_commands(FIRST, folder)


def run_the_commands(name, folder):
    write_files(name, folder)
    for line in filter(runs_here, commands(name)):
        given = (part for word in words(line) for part in _expanded(word, folder))
        done = call(*given, *_few(line))
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        assert done.stdout or done.stderr, line


def _few(line):
    """Two problems are enough, where a line does not say how many and its run is not there."""
    made = "--limit" in line or re.search(r"--out runs/de(-sc)?( |$)|runs/de ", line)
    return () if made or words(line)[0] not in ("solve", "compare") else ("--limit", "2")


def _expanded(word, folder):
    """A shell would put file names in the place of a pattern."""
    return [str(path.relative_to(folder)) for path in folder.glob(word)] if "*" in word else [word]


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs the sqlite3 shell")
def test_a_run_is_read_with_sqlite3(here):
    (line,) = [line for line in lines("docs/store.md") if line.startswith("sqlite3 ")]
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True)
    assert re.search(r"(?m)^sw\|1\d\|\d", done.stdout)


@pytest.mark.engine
def test_what_is_served_answers(here):
    """The README's server, asked by its curl and by the Python of the server's page.

    On the engine that starts sooner; tests/serving/test_engines.py has the other one.
    """
    openai = pytest.importorskip("openai")
    (line,) = {line for line in commands("README.md") if words(line)[0] == "serve"} - {
        line for line in commands("README.md") if ELSEWHERE.search(line)
    }
    with Started(*words(line), "--port", "0", "--engine", "transformers") as url:
        host = url.removeprefix("http://").removesuffix("/v1")
        (curl,) = [line for line in lines("README.md") if line.startswith("curl ")]
        assert PORT in curl
        if shutil.which("curl"):
            told = ["curl", "-sS", *shlex.split(curl.replace(PORT, host))[1:]]
            done = subprocess.run(told, capture_output=True, text=True, check=True)
            assert '"answer":"17"' in done.stdout.replace(" ", "")
        names = {}
        (block,) = blocks("docs/server.md", "python")
        exec(block.text.replace(PORT, host), names)
        assert names["reply"].clc["paths"] == 22
        assert names["openai"] is openai


@pytest.mark.slow
def test_a_run_is_viewed(here):
    (line,) = [line for line in commands("README.md") if words(line)[0] == "view"]
    with Started(*words(line), "--no-browser") as url:
        import httpx

        assert "<html" in httpx.get(url).text


class Started:
    """A command that serves, until the block ends; gives the address that it tells."""

    def __init__(self, *arguments):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "clc", *arguments],
            env=environment(PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def __enter__(self):
        for told in self._process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+\S*", told):
                return found[0]
        raise AssertionError(f"it ended with {self._process.wait()}")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.communicate(timeout=60)
