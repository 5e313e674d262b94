"""``clc report`` and ``clc view``: the page from the command line."""

import html
import os
import re
import shlex
import shutil
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from clc.analysis.export import export
from clc.analysis.report import write
from clc.analysis.report.page_server import page_server
from clc.runs.store import Store
from tests.analysis.report.conftest import problems, report, solve

from .running import CLC, ROOT, call, clc, endpoint, start

DOCS = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return solve(tmp_path_factory.mktemp("runs") / "small", list(problems())[:6], paths=4)


@pytest.fixture
def run(small, tmp_path):
    """A run folder to write into."""
    folder = tmp_path / "clc"
    folder.mkdir()
    for file in small.iterdir():
        if file.name in {"run.sqlite", "manifest.json"}:
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_the_page_lies_in_the_run_folder(run):
    done = call("report", run)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"6 problems, \d+\.\d MB: {run}/report.html\n", done.stdout)
    assert (run / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_planted_link_does_not_lead_to_another_file(run, tmp_path):
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    for name in (".report.html.part", "report.html", ".verdicts.jsonl.part", "verdicts.jsonl"):
        (run / name).symlink_to(precious)
    assert call("report", run).returncode == 0
    with Store(run) as store:
        export(store)
    assert precious.read_bytes() == b"mine"
    assert (run / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert (run / "verdicts.jsonl").read_bytes().count(b"\n") == 6


def test_it_may_lie_elsewhere_with_its_figures(run, tmp_path):
    done = call("report", run, "--out", tmp_path / "page.html", "--figures", tmp_path / "figures")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page.html").is_file()
    assert not (run / "report.html").exists()
    names = {file.suffix for file in (tmp_path / "figures").iterdir()}
    assert names == {".csv", ".svg", ".png"}


@pytest.mark.slow
def test_several_runs_are_compared(run, tmp_path):
    other = solve(tmp_path / "other" / "clc", list(problems())[:6], paths=2)
    out, figures = tmp_path / "both.html", tmp_path / "figures"
    done = call("report", run, other, "--out", out, "--figures", figures)
    assert done.returncode == 0, done.stderr
    page = out.read_text("utf-8")
    assert '<h2 id="comparison-head">' in page
    assert f"{other}: clc" in page  # both folders are called clc
    assert (figures / "strategies.csv").is_file()
    assert (figures / "clc" / "left_out.csv").is_file()


@pytest.mark.slow
def test_a_folder_of_clc_compare(tmp_path):
    questions = tmp_path / "mgsm_sw.tsv"
    questions.write_text(
        "".join(f"Tom ana tufaha {n} na {n}. Ana mangapi?\t{2 * n}\n" for n in range(4))
    )
    out = tmp_path / "pool"
    with endpoint("--delay", 0) as (url, _):
        done = clc("compare", questions, "--strategies", "clc", "--paths", 3, "--out", out,
                   "--languages", "en,sw,zh", "--base-url", url, "--model", "m")  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = call("report", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("16 problems, ")
    page = (out / "report.html").read_text("utf-8")
    for name in ("native-cot", "sc", "sc-en", "clc"):
        assert f">{name}</h2>" in page


def test_generations(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = (
        '{"id": "a", "language": "en", "question": "2 + 2?", "gold": "4", "response": "It is 4."}\n'
    )
    Path("generations.jsonl").write_text(row)
    done = call("report", "generations.jsonl")
    assert done.returncode == 0, done.stderr
    assert "1 problems" in done.stdout
    assert Path("report.html").is_file()


@pytest.mark.parametrize("command", ["report", "view"])
def test_what_cannot_be_reported_is_said(run, tmp_path, command):
    none = call(command, tmp_path / "none")
    assert none.returncode == 2
    assert f"{tmp_path / 'none'}: is not there" in none.stderr
    (tmp_path / "folder").mkdir()
    assert call(command, tmp_path / "folder").returncode == 2
    with Store(tmp_path / "empty"):
        pass
    empty = call(command, tmp_path / "empty")
    assert empty.returncode == 2
    assert "no problem is done" in empty.stderr


def test_a_page_that_cannot_be_written_is_said(run, tmp_path):
    done = call("report", run, "--out", tmp_path / "none" / "report.html")
    assert done.returncode == 2
    assert "cannot write the report" in done.stderr


@pytest.fixture
def served(run):
    page = report(run, run / "report.html", most_inline=100).page
    server = page_server(page, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], page
    server.shutdown()
    server.server_close()


def get(port, path, host="127.0.0.1"):
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_only_the_report_is_served(served):
    port, page = served
    assert get(port, "/") == get(port, "/report.html") == (200, page.read_bytes())
    (part,) = write.data_folder(page).iterdir()
    assert get(port, f"/report.data/{part.name}") == (200, part.read_bytes())
    (page.parent / "report.data" / "secret.txt").write_text("no")
    for path in ("/run.sqlite", "/manifest.json", "/report.data/", "/report.data",
                 "/report.data/secret.txt", "/report.data/../run.sqlite", "/../report.html",
                 "/report.data/%2e%2e/run.sqlite", "//etc/passwd", "/etc/passwd"):  # fmt: skip
        assert get(port, path)[0] == 404, path
    assert get(port, "/", host="somewhere.example")[0] == 403
    assert get(port, "/", host="localhost")[0] == 200


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_view_serves_until_it_is_interrupted(run, number, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    process = start("view", run, "--no-browser")
    try:
        line = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/", line)[0]
        assert line == f"The report of {run} is at {url} - Ctrl-C ends this\n"
        with urllib.request.urlopen(url, timeout=120) as answer:
            assert answer.read() == report(run, tmp_path / "report.html").page.read_bytes()
        assert not (run / "report.html").exists()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}run.sqlite", timeout=120)
    finally:
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert errors == ""
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_port_that_is_taken(served, run):
    port, _ = served
    done = call("view", run, "--port", port, "--no-browser")
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1" in done.stderr


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.slow
def test_a_command_of_the_documentation(line, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    run.rename(tmp_path / "runs" / "clc")
    solve(tmp_path / "runs" / "sc", list(problems())[:6], paths=2)
    row = (
        '{"id": "a", "language": "en", "question": "2 + 2?", "gold": "4", "response": "It is 4."}\n'
    )
    Path("generations.jsonl").write_text(row)
    _, *words = shlex.split(line, comments=True)
    if words[0] == "view":
        import click

        from clc.cli import cli

        cli.get_command(None, "view").make_context("clc", words[1:])
        assert isinstance(cli, click.Group)
        return
    done = call(*words)
    assert done.returncode == 0, done.stderr


@pytest.mark.engine
@pytest.mark.usefixtures("only_bundled_vllm")
def test_a_run_of_the_bundled_model(tmp_path):
    done = call("solve", ROOT / "examples/mgsm_de.tsv", "--limit", 2, "--paths", 4,
                "--languages", "de,en", "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = call("report", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert '<dt>Model</dt><dd class="value">vllm:' in page
    assert page.count('"finish":') == 8


@pytest.mark.slow
def test_runs_of_like_names_keep_their_figures(small, tmp_path):
    for name in ("a $x^$", "a%$x^$"):
        shutil.copytree(small, tmp_path / name)
    done = call("report", tmp_path / "a $x^$", tmp_path / "a%$x^$", "--out", tmp_path / "p.html",
                "--figures", tmp_path / "figures")  # fmt: skip
    assert done.returncode == 0, done.stderr
    folders = {path.name for path in (tmp_path / "figures").iterdir() if path.is_dir()}
    assert folders == {"a_x_", "a_x_-2"}


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:1", "localhost"])
def test_a_host_needs_no_port(run, host):
    page = report(run, run / "report.html").page
    server = page_server(page, 0)
    threading.Thread(target=server.handle_request, daemon=True).start()
    connection = HTTPConnection("127.0.0.1", server.server_address[1])
    connection.request("GET", "/", headers={"Host": host})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, page.read_bytes())
    connection.close()
    server.server_close()


def test_a_pipe_of_another_encoding_is_written_to(run):
    done = subprocess.run(
        [*CLC, "show", str(run), "--low-agreement", "1"], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"\\u0986" in done.stdout  # a Bengali letter


def test_what_can_be_read_only_once_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = call("report", tmp_path / "pipe", "--out", tmp_path / "p.html")
    assert done.returncode == 2
    assert "neither a file nor a folder" in done.stderr


def _page_of_the_future(run, _):
    (run / "report.html").write_text("<script>steal()</script>")
    os.utime(run / "report.html", (2e9, 2e9))


HOSTILE = {
    "a page": lambda run, secret: (run / "report.html").write_text("<script>steal()</script>"),
    "a link": lambda run, secret: (run / "report.html").symlink_to(secret),
    "a page of the future": _page_of_the_future,
    "a folder": lambda run, secret: (run / "report.html").mkdir(),
    "a FIFO": lambda run, secret: os.mkfifo(run / "report.html"),
    "texts": lambda run, secret: (
        (run / "report.data").mkdir(),
        (run / "report.data" / "0.js").symlink_to(secret),
    ),
    "a folder of texts": lambda run, secret: (run / "report.data").symlink_to(secret.parent),
    "nothing to write into": lambda run, secret: run.chmod(0o500),
    "a page nobody may read": lambda run, secret: (run / "report.html").touch(0o000),
    "a temporary folder": lambda run, secret: (run / "tmp").symlink_to(secret.parent),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.slow
def test_view_shows_its_own_page_whatever_lies_in_the_folder(run, kind, tmp_path, monkeypatch):
    secret = tmp_path / "home" / "0.js"
    secret.parent.mkdir()
    secret.write_text("secret")
    HOSTILE[kind](run, secret)
    before = {path: path.lstat() for path in run.rglob("*") if "sqlite-" not in path.name}
    seen = {}

    def serve(self):
        threading.Thread(target=ThreadingHTTPServer.serve_forever, args=(self,)).start()
        seen[""] = get(self.server_address[1], "/")
        seen["part"] = get(self.server_address[1], "/report.data/0.js")
        self.shutdown()

    monkeypatch.setattr("clc.analysis.report.page_server.PageServer.serve_forever", serve)
    done = call("view", run, "--no-browser")
    run.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert seen[""][0] == 200
    assert seen[""][1].startswith(b"<!doctype html>")
    assert b"steal()" not in seen[""][1]
    assert seen["part"][0] == 404
    after = {path: path.lstat() for path in run.rglob("*") if "sqlite-" not in path.name}
    assert {path: (old.st_ino, old.st_mtime_ns) for path, old in before.items()} == {
        path: (new.st_ino, new.st_mtime_ns) for path, new in after.items()
    }


def test_links_beside_a_page_are_not_served(run, tmp_path):
    (tmp_path / "secret").write_text("secret")
    page = report(run, run / "report.html", most_inline=100).page
    server = page_server(page, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    (part,) = write.data_folder(page).iterdir()
    (part.parent / "aa.js").symlink_to(tmp_path / "secret")
    assert get(port, "/report.data/aa.js")[0] == 404
    part.parent.rename(tmp_path / "moved")
    part.parent.symlink_to(tmp_path / "moved")
    assert get(port, f"/report.data/{part.name}")[0] == 404
    page.unlink()
    page.symlink_to(tmp_path / "secret")
    assert get(port, "/")[0] == 404
    page.unlink()
    os.mkfifo(page)
    assert get(port, "/")[0] == 404
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("most_inline", [100, 10**9])
def test_the_server_sends_the_policy_of_the_page(run, most_inline):
    page = report(run, run / "report.html", most_inline=most_inline).page
    server = page_server(page, 0)
    threading.Thread(target=server.handle_request, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    with urllib.request.urlopen(url, timeout=120) as answer:
        policy = answer.headers["Content-Security-Policy"]
    server.server_close()
    own, _, frames = policy.rpartition("; ")
    assert frames == "frame-ancestors 'none'"
    assert html.escape(own).replace("&#x27;", "&#39;") in page.read_text("utf-8")
    assert ("'strict-dynamic'" in own) == (most_inline == 100)


@pytest.mark.parametrize("name", ["report.data", "part", "figure", "table"])
@pytest.mark.slow
def test_report_writes_through_no_link(run, name, tmp_path, monkeypatch):
    monkeypatch.setattr("clc.analysis.report.write.MOST_INLINE", 100)
    precious = tmp_path / "home"
    precious.mkdir()
    (precious / "0123456789abcdef.js").write_text("mine")
    (precious / "figure").write_text("mine")
    figures = tmp_path / "figures"
    figures.mkdir()
    if name == "report.data":
        (run / "report.data").symlink_to(precious)
    elif name == "part":
        page = report(run, run / "report.html", most_inline=100).page
        (part,) = write.data_folder(page).iterdir()
        (precious / "figure").write_bytes(b"x" * part.stat().st_size)
        part.unlink()
        part.symlink_to(precious / "figure")
    else:
        suffix = "svg" if name == "figure" else "csv"
        (figures / f"left_out.{suffix}").symlink_to(precious / "figure")
    kept = {file: file.read_bytes() for file in precious.iterdir()}
    done = call("report", run, "--figures", figures)
    assert done.returncode == 0, done.stderr
    assert {file: file.read_bytes() for file in precious.iterdir()} == kept
    assert not (figures / "left_out.csv").is_symlink()
    assert not (figures / "left_out.svg").is_symlink()
