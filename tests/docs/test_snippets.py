"""Python, TOML, JSON and templates of the pages, and where their words lead."""

import ast
import importlib.util
import itertools
import json
import os
import re
import tomllib

import click
import pytest

import clc
from clc.cli import COMMANDS, cli
from clc.engines.engine_file import EngineSpec
from clc.prompts.template import PromptTemplate
from clc.strategies.catalogue import STRATEGIES
from tests.engines.scripted import ScriptedEngine

from .pages import NAMES, ROOT, blocks, commands, lines, prose, slugs, text, write_files

SERVED = "docs/server.md"  # its Python speaks to a server: see test_commands.py
_VALUE = re.compile(r"  # (.+)$")
_LINK = re.compile(r"\]\(([^)#: ]*)(?:#([^)]*))?\)")
_PACKAGES = ("pandas", "vllm")


def _literal(source):
    try:
        return ast.literal_eval(source)
    except (SyntaxError, ValueError):
        return _literal


class _Checked(ast.NodeTransformer):
    """Makes ``expression  # literal`` a comparison."""

    def __init__(self, source):
        self._lines = source.splitlines()
        self.checks = 0

    def visit_Expr(self, node):
        comment = _VALUE.search(self._lines[node.end_lineno - 1])
        value = _literal(comment[1]) if comment else _literal
        if value is _literal:
            return node
        self.checks += 1
        called = ast.Name("_check", ast.Load())
        line = ast.Constant(self._lines[node.end_lineno - 1])
        call = ast.Call(called, [node.value, ast.Constant(repr(value)), line], [])
        return ast.copy_location(ast.Expr(call), node)


def _check(value, expected, line):
    assert repr(value) == expected, line


@pytest.mark.parametrize("name", [n for n in NAMES if n != SERVED and blocks(n, "python")])
@pytest.mark.slow
def test_python_runs_and_gives_what_it_says(name, stand, monkeypatch):
    for package in _PACKAGES:
        if package in text(name):
            pytest.importorskip(package)
    folder = stand()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(EngineSpec, "open", lambda *_: ScriptedEngine())
    write_files(name, folder)
    problems = clc.load_problems("examples/mgsm_de.tsv")
    assert len(list(clc.solve_many(problems, store="runs/de"))) == 12
    names = {"_check": _check, "__name__": "a_page"}
    for block in blocks(name, "python"):
        tree = ast.fix_missing_locations(_Checked(block.text).visit(ast.parse(block.text)))
        exec(compile(tree, name, "exec"), names)
    assert names["clc"] is clc


def test_values_are_said():
    checked = 0
    for name in NAMES:
        for block in blocks(name, "python"):
            transformer = _Checked(block.text)
            transformer.visit(ast.parse(block.text))
            checked += transformer.checks
    assert checked >= 10


@pytest.mark.parametrize("name", NAMES)
def test_data_is_well_formed(name, tmp_path):
    write_files(name, tmp_path)
    for block in blocks(name, "toml"):
        tables = tomllib.loads(block.text)
        if "arms" in tables:
            path = tmp_path / "strategy.toml"
            path.write_text(block.text)
            assert clc.load_strategy(path).arms
    for block in blocks(name, "json"):
        single = not (block.title or "").endswith(".jsonl")
        for row in [block.text] if single else block.text.splitlines():
            json.loads(row)
    for block in blocks(name, "jinja"):
        assert PromptTemplate("page", block.text, name).turns


def test_the_language_page_shows_our_template():
    (shown, *_) = blocks("docs/languages-and-prompts.md", "jinja")
    assert shown.text == (ROOT / "prompts" / "cot.jinja").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    for target, anchor in _LINK.findall(prose(name)):
        page = (ROOT / name).parent / target if target else ROOT / name
        assert page.exists(), target
        if anchor and page.suffix == ".md":
            assert anchor in slugs(os.path.relpath(page, ROOT)), f"{target}#{anchor}"


def _options(command):
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    own = {option for parameter in command.params for option in parameter.opts}
    return own.union(*map(_options, inner))


@pytest.mark.parametrize("name", NAMES)
def test_options_that_are_spoken_of_exist(name):
    context = click.Context(cli)
    known = set().union(*(_options(cli.get_command(context, one)) for one in COMMANDS))
    assert set(re.findall(r"`(--[a-z][a-z-]+)", prose(name))) <= known


def test_every_command_is_in_the_readme():
    assert {line.split()[1] for line in commands("README.md")} == set(COMMANDS)


def test_the_table_of_strategies():
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| .* \| (\d+) \|$", text("docs/strategies.md"))
    assert rows == [(name, str(one.paths)) for name, one in STRATEGIES.items()]


@pytest.mark.parametrize("name", NAMES)
def test_make_targets_exist(name):
    makefile = text("Makefile")
    spoken = re.findall(r"`make ([a-z]+)", prose(name))
    typed = [line.split()[1] for line in lines(name) if line.startswith("make ")]
    for target in {*spoken, *typed}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("name", NAMES)
def test_modules_and_scripts_exist(name):
    for module in re.findall(r"python -m ((?:benchmarks|clc)[\w.]*)", text(name)):
        assert importlib.util.find_spec(module), module
    for script in re.findall(r"(?:python|eval) (examples/\S+)", text(name)):
        compile(text(script), script, "exec")


def test_the_table_of_the_rooms_is_the_contract():
    config = tomllib.loads(text("pyproject.toml"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    depth = {
        module.strip(" ()").removeprefix("clc."): number
        for number, layer in enumerate(layers)
        for module in layer.split("|")
    }
    lines: list[list[str]] = []
    for number, rooms in re.findall(r"(?m)^\| (\d*) *\| (`.+?) \| ", text("CONTRIBUTING.md")):
        lines += [[]] * bool(number)
        lines[-1] = [*lines[-1], *re.findall(r"`([a-z_]+)/?`", rooms)]
    assert sorted(room for line in lines for room in line) == sorted(depth)
    for above, below in itertools.pairwise(lines):
        assert max(depth[room] for room in above) < min(depth[room] for room in below)


def test_the_citation():
    import yaml

    cited = yaml.safe_load(text("CITATION.cff"))
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(cited)
    assert cited["version"] == clc.__version__
    assert cited["authors"] == [{"name": "The clc developers"}]
    (paper,) = cited["references"]
    assert {"type", "title", "authors"} <= set(paper)
    assert paper["identifiers"] == [{"type": "other", "value": "arXiv:2504.01857"}]
