"""``clc prompts``, and that every command and option explains itself."""

import click
import pytest

from clc.cli import COMMANDS, cli

from .running import call, clc


def test_list():
    done = call("prompts", "list")
    assert done.returncode == 0
    assert "cot " in done.stdout
    assert "cot.jinja" in done.stdout
    assert " sw " in done.stdout


def test_show_is_what_a_model_is_told():
    done = call("prompts", "show", "cot", "--language", "sw", "--question", "Ngapi?")
    assert done.stdout.startswith("--- user\nNgapi?\n")
    other = call("prompts", "show", "cot", "--language", "sw", "--question-language", "de")
    assert "Fikiria kwa Kiswahili" in other.stdout or "Kiswahili" in other.stdout


def test_check(tmp_path):
    assert call("prompts", "check").returncode == 0
    (tmp_path / "mine.jinja").write_text("--- user\n{{ question }} {{ qestion }}\n")
    done = call("prompts", "check", "--prompts", tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path}/mine.jinja: 'qestion' is undefined; known variables: " in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["show", "none"], "no template 'none'; there are: cot"),
        (["show", "cot", "--language", "xx"], "'xx'"),
        (["list", "--prompts", "/none"], "/none: no such folder"),
    ],
)
def test_bad_input(arguments, word):
    done = call("prompts", *arguments)
    assert done.returncode == 2
    assert word in done.stderr


def commands(command, name):
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for part in command.list_commands(context):
            yield from commands(command.get_command(context, part), f"{name} {part}")


@pytest.mark.parametrize(("name", "command"), list(commands(cli, "clc")))
def test_every_command_and_option_has_help(name, command):
    assert command.help, name
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts[0]}"


@pytest.mark.parametrize("name", ["solve", "ask", "score", "prompts"])
def test_help_teaches_by_examples(name):
    done = call(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: clc {name} ")
    assert f"\n    clc {name} " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_help_as_a_process_imports_nothing_heavy():
    done = clc("--help")
    assert all(name in done.stdout for name in COMMANDS)
