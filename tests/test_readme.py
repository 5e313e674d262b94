"""What README.md tells a newcomer to type."""

import re
import shlex
from pathlib import Path

import click
import pytest

import clc
from clc.catalogue import STRATEGIES
from clc.cli import COMMANDS, cli

from .engines.scripted import ScriptedEngine

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LINES = [line for language, block in BLOCKS if not language for line in block.splitlines()]
TYPED = [line for line in LINES if line.startswith("clc ")]
PYTHON = [block for language, block in BLOCKS if language == "python"]


@pytest.mark.parametrize("line", TYPED)
def test_a_command_parses(line):
    _, *words = shlex.split(line, comments=True)
    command, context = cli, click.Context(cli)
    while isinstance(command, click.Group):
        command = command.get_command(context, words.pop(0))
        assert command is not None, line
    command.make_context("clc", words)


def test_every_command_is_shown():
    assert {shlex.split(line)[1] for line in TYPED} == set(COMMANDS)


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", README))))
def test_an_option_that_is_spoken_of_exists(option):
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in COMMANDS]
    assert any(option in parameter.opts for one in commands for parameter in one.params)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?m)(?:^|`)make ([a-z]+)", README))))
def test_a_make_target_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("block", PYTHON)
def test_the_python_runs_and_gives_what_it_says(block, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("examples", "prompts"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setattr("clc.api.open_engine", lambda model: ScriptedEngine())
    names = {}
    exec(block, names)
    assert names["clc"] is clc
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(
        (ROOT / "examples" / "mgsm_sw.tsv").read_text().splitlines()
    )
    for expression, value in re.findall(r"^(clc\..*?)  # ('.*')$", block, re.MULTILINE):
        assert repr(eval(expression, names)) == value


def test_the_python_block_says_a_value():
    assert re.search(r"^clc\..*  # '.*'$", "".join(PYTHON), re.MULTILINE)


def test_the_table_of_strategies():
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| (\d+) \|$", README, re.MULTILINE)
    assert rows == [(name, str(one.paths)) for name, one in STRATEGIES.items()]


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m (benchmarks[\w.]*)", README))))
def test_a_benchmark_exists(module):
    path = ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_a_link_leads_somewhere(link):
    assert (ROOT / link).exists()
