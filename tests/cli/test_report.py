"""``clc report``: the page from the command line."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from clc.analysis.export import export
from clc.analysis.report import write
from clc.runs.store import Store
from tests.analysis.report.conftest import problems, report, solve

from .running import CLC, ROOT, call, endpoint

DOCS = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


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
        done = call("compare", questions, "--strategies", "clc", "--paths", 3, "--out", out,
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
