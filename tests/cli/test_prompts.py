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


def test_show_prints_what_the_model_gets():
    done = call("prompts", "show", "cot", "--language", "sw", "--question", "Ngapi?")
    assert done.stdout.startswith("--- user\nNgapi?\n")
    other = call("prompts", "show", "cot", "--language", "sw", "--question-language", "de")
    assert "Fikiria kwa Kiswahili" in other.stdout or "Kiswahili" in other.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clp", "--language", "sw"], ["--- assistant\n<the model's reply>\n--- user\n", "Jibu:"]),
        (["few-shot", "--language", "sw", "--shots", "1"], ["Jibu: 26\n\n###", "Hebu tufikiri"]),
        (["translate-few", "--language", "de", "--question-language", "fr"], ["French: Combien?\nGerman:"]),
        (["cross-tot", "--languages", "ja,ta"], ["Japanese, Tamil."]),
        (["autocap-select"], ["- vi: Vietnamese (", "Choose 6"]),
        (["autocap-weigh", "--languages", "ja,ta"], ["- ja: Japanese (Japonic), 5.8 %", "- ta\n"]),
        (["usc"], ["answered 3 times", "Response 3:\n3 × 4 = 12"]),
        (["xlt", "--question-language", "th"], ["requests in Thai"]),
    ],
)  # fmt: skip
def test_show_fills_in_what_a_run_would(arguments, words):
    done = call("prompts", "show", *arguments, "--question", "Combien?")
    assert done.returncode == 0
    assert "Combien?" in done.stdout
    assert all(word in done.stdout for word in words)


def test_show_switches_languages_of_demonstrations():
    def shown(*arguments):
        return call("prompts", "show", "few-shot", *arguments).stdout

    assert shown("--switch", "1", "--languages", "de", "--shots", "1").count("Hefte") in {0, 3}
    assert shown("--switch", "0.5", "--seed", "1") == shown("--switch", "0.5", "--seed", "1")
    assert shown("--switch", "0.5", "--seed", "1") != shown("--switch", "0.5", "--seed", "2")
    assert shown("--seed", "1") == shown("--seed", "2")


def test_check(tmp_path):
    assert call("prompts", "check").returncode == 0
    (tmp_path / "mine.jinja").write_text("--- user\n{{ question }} {{ qestion }}\n")
    done = call("prompts", "check", "--prompts", tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path}/mine.jinja: 'qestion' is undefined; known variables: " in done.stderr
    (tmp_path / "mine.jinja").write_text("--- user\nx\n--- reply\n--- user\n{{ qestion }}\n")
    assert "'qestion' is undefined" in call("prompts", "check", "--prompts", tmp_path).stderr
    (tmp_path / "mine.jinja").unlink()
    (tmp_path / "demonstrations.toml").write_text('[x]\nanswer = "1"\n')
    assert "every problem needs English" in call("prompts", "check", "--prompts", tmp_path).stderr


def test_check_names_cue_words_that_stay_english(tmp_path):
    (tmp_path / "languages.toml").write_text('[ga]\nlabel = "Freagra:"\n[de]\nlabel = "Lösung:"\n')
    done = call("prompts", "check", "--prompts", tmp_path)
    assert "[ga] has no think, final, reason_in, only: English ones are used\n" in done.stdout
    assert "[de]" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["show", "none"], "no template 'none'; there are: autocap-select, "),
        (["show", "cot", "--language", "xx"], "'xx'"),
        (["show", "few-shot", "--shots", "9"], "9 demonstrations are not there; ask for 0 to 8"),
        (["show", "cross-tot", "--languages", "en,xx"], "'xx'"),
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
