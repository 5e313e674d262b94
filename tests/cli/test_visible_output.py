"""No text of a file, folder, id or endpoint acts on the terminal, whatever prints it."""

import json
import logging

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from clc.cli.output import json_line
from clc.cli.text import make_console, visible
from clc.errors import ConfigurationError, DatasetError

from .running import call

ACTS = [*map(chr, (*range(0x20), *range(0x7F, 0xA0))), "\u061c", "\u200e", "\u200f",
        *map(chr, range(0x2028, 0x202F)), *map(chr, range(0x2066, 0x2070)), "\ufff9"]  # fmt: skip
EVIL = "\x1b[31m\x1b]0;x\x07\x9b2J\u202e\u2066\u200f\x7f\x85"
LINE = "\n"


def acts(text):
    """What in a text acts on a terminal, line ends apart."""
    return [character for character in text if character in ACTS and character not in "\n\t"]


@pytest.mark.parametrize("character", ACTS)
def test_json_escapes_what_acts(character):
    data = json_line({"id": f"a{character}b"})
    assert not acts(data.decode().rstrip("\n"))
    assert json.loads(data) == {"id": f"a{character}b"}


@given(st.text())
def test_json_is_the_same_value(text):
    assert orjson.loads(json_line([text])) == [text]
    assert not acts(json_line([text]).decode())


@pytest.fixture
def evil_file(tmp_path):
    path = tmp_path / f"g{EVIL}{LINE}.jsonl"
    row = {"id": f"a{EVIL}{LINE}clc: all is well", "language": "en", "response": f"Answer: 5 {EVIL}",
           "gold": f"{EVIL}5", "item": EVIL}  # fmt: skip
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"gold": f"7{EVIL}"}) + "\n")
    return path


def calls(path, folder):
    strategy = folder / f"s{EVIL}.toml"
    strategy.write_text(
        f"summary = {json.dumps(EVIL)}\nname = 'x'\n[[arms]]\nlanguage = 'en'\n", encoding="utf-8"
    )
    prompts = folder / f"p{EVIL}"
    prompts.mkdir(exist_ok=True)
    (prompts / "cot.jinja").write_text(f"--- user\n{EVIL}{{{{question}}}}", encoding="utf-8")
    nowhere = f"no{EVIL}{LINE}where"
    yield from (
        ["vote", path], ["extract", path], ["vote", nowhere], ["extract", nowhere], ["score", nowhere],
        ["show", nowhere, EVIL], ["report", nowhere], ["view", nowhere, "--no-browser"],
        ["calibrate", path], ["calibrate", nowhere],
        ["rank-languages", path], ["rank-languages", nowhere, "--pivot", EVIL],
        ["rank-languages", "--model", "clc-tiny", "--parallel", path], ["compare", nowhere, nowhere],
        ["solve", path, "--out", nowhere, "--format", EVIL], ["solve", nowhere, "--out", str(folder / "o")],
        ["solve", path, "--out", str(folder / f"o{EVIL}"), "--model", EVIL],
        ["ask", EVIL, "--languages", EVIL], ["ask", "2+3?", "--paths", EVIL], ["ask", "2+3?", "--stop", EVIL, "--seed", EVIL],
        ["batch", nowhere, "--out", str(folder / "b")], ["serve", "--api-key-file", nowhere],
        ["serve", "--host", EVIL, "--port", EVIL], ["strategies", "show", strategy],
        ["strategies", "check", strategy, "--prompts", prompts], ["strategies", "check", nowhere],
        ["prompts", "list", "--prompts", prompts], ["prompts", "show", "cot", "--prompts", prompts],
        ["prompts", "show", EVIL], ["prompts", "check", "--prompts", nowhere], [EVIL], ["vote", path, f"--{EVIL}"],
        ["vote", path, "--weights", EVIL, "--rule", "weighted"], ["vote", path, "--languages", EVIL],
    )  # fmt: skip


def test_no_command_prints_what_acts(evil_file, tmp_path):
    for arguments in calls(evil_file, tmp_path):
        done = call(*arguments)
        assert done.returncode in {0, 1, 2}, arguments
        assert not acts(done.stdout), arguments
        assert not acts(done.stderr), (arguments, done.stderr)


@pytest.mark.parametrize("kind", [DatasetError, ConfigurationError])
def test_a_line_in_a_value_cannot_pass_for_a_message(kind):
    from unittest import mock

    with mock.patch("clc.cli.cli.main", side_effect=kind("a\nclc: all is well\n  b")):
        assert call("x").stderr == "clc: a\n  clc: all is well\n  b\n"


def test_a_table_shows_what_acts(capsys):
    table = Table(title=EVIL)
    table.add_column(EVIL)
    table.add_row(Text(EVIL))
    table.add_row(EVIL)
    console = make_console()
    console.print(table)
    console.print(EVIL, Text(EVIL, "bold"), sep=EVIL)
    assert not acts(capsys.readouterr().out)


def test_styles_stay(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    console = make_console()
    with console.capture() as captured:
        console.print(Text(EVIL, "bold red"))
    assert captured.get().startswith("\x1b[1;31m␛")


def test_warnings_are_printed_as_errors_are(capsys):
    from clc.cli import cli

    assert cli.get_command(None, "vote") is not None
    record = logging.LogRecord("clc", logging.WARNING, "", 1, "%s", (EVIL,), None)
    assert logging.lastResort is not None
    assert logging.lastResort.format(record) == visible(EVIL, lines=True)
