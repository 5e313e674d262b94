"""Whatever is in a file, an option or the environment: an exit code of the list, and a message.

``CLC_EXAMPLES=1000 python -m pytest tests/cli/test_no_traceback.py`` tries that many a command.
"""

import json
import os
from importlib import import_module
from unittest import mock

import click
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from clc.cli import COMMANDS
from clc.cli.options import NumberType

from .running import call

EXAMPLES = int(os.environ.get("CLC_EXAMPLES", "6"))
CODES = {0, 1, 2, 130, 141}
ENDPOINT = ["--base-url", "http://127.0.0.1:9/v1", "--model", "m", "--attempts", "1"]  # is refused

# What an argument of a process can be: no NUL, and of surrogates those of bytes that are not UTF-8.
WORDS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from(["\udcff", "\udc80", "\x1b", "\u202e", "\n"]),
    max_size=20,
)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    WORDS,
    st.sampled_from(["9" * 5000, "1e999", "0x1"]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["id", "question", "answer", "gold", "language", "response", "kind", "confidence", "translations",
     "custom_id", "method", "url", "body", "resps", "doc", "error", "answer_number", "golden", "item"]
)  # fmt: skip
ROWS = st.dictionaries(
    FIELDS, VALUES | st.sampled_from(["a", "en", "Answer: 5", "2+3?", 5]), max_size=7
)
GENERATION = {"id": "a", "language": "en", "response": "Answer: 5", "gold": "5"}
PROBLEM = {"question": "2+3?", "answer": 5}
LINES = st.lists(
    ROWS.map(lambda row: json.dumps(row).encode())
    | st.sampled_from([GENERATION, PROBLEM]).map(lambda row: json.dumps(row).encode())
    | st.binary(max_size=40),
    max_size=4,
).map(b"\n".join)
TOML = st.lists(
    st.sampled_from(["paths = 4", "[[arms]]", 'language = "en"', 'name = "x"', "[stopping]", 'rule = "beta"',
                     "threshold = nan", "[planner]", "temperature = 1e999", 'label = "A:"', "[en]", "shots = -1"])
    | st.text(max_size=12),
    max_size=7,
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))  # fmt: skip
TEMPLATES = st.text(max_size=40).map(
    lambda text: f"--- user\n{text}".encode("utf-8", "surrogatepass")
)
ENVIRONMENTS = st.fixed_dictionaries(
    {},
    optional={
        "COLUMNS": NUMBERS.filter(lambda text: "\0" not in text), "LINES": NUMBERS, "TERM": WORDS,
        "NO_COLOR": WORDS, "FORCE_COLOR": WORDS, "LANG": WORDS, "TTY_COMPATIBLE": WORDS,
    },
)  # fmt: skip


def leaves():
    for name in COMMANDS:
        command = import_module(f"clc.cli.{name.replace('-', '_')}").command
        if isinstance(command, click.Group):
            yield from ((name, sub) for sub in command.commands)
        else:
            yield (name,)


def command_of(path):
    command = import_module(f"clc.cli.{path[0].replace('-', '_')}").command
    return command.commands[path[1]] if len(path) > 1 else command


@st.composite
def arguments(draw, path, folder):  # noqa: PLR0912
    """A command line: files of any content, a few options of any value."""
    contents = {"view": st.binary(max_size=60).map(lambda data: b"\xff" + data)}
    ending = draw(
        st.sampled_from(
            [".jsonl", ".json", ".tsv", ".toml", "", ".gz", ".parquet", f"{draw(WORDS)}"]
        )
    )
    name = "".join(character for character in f"f{ending}" if character != "/")[:60]
    file = folder / name
    content = draw(contents.get(path[0], st.one_of(LINES, TOML, st.binary(max_size=80))))
    file.write_bytes(content)
    prompts = folder / "prompts"
    prompts.mkdir(exist_ok=True)
    (prompts / "cot.jinja").write_bytes(draw(TEMPLATES))
    (prompts / "languages.toml").write_bytes(draw(TOML))
    places = (
        st.sampled_from([str(file), str(folder), str(folder / "nowhere"), str(prompts)]) | WORDS
    )
    if path[0] == "view":
        places = st.sampled_from([str(file), str(folder / "nowhere")])
    line = list(path)
    command = command_of(path)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            count = draw(st.integers(0, 2)) if parameter.nargs == -1 else 1
            line += [
                draw(places if parameter.name != "name" else WORDS | places) for _ in range(count)
            ]
        elif parameter.required:
            line += [parameter.opts[0], str(folder / "out")]
    options = [one for one in command.params if isinstance(one, click.Option) and not one.required]
    safe = [one for one in options if one.name not in {"base_urls", "cluster", "engine", "model", "translator",
                                                        "translator_urls", "attempts", "no_browser"}]  # fmt: skip
    for option in draw(st.lists(st.sampled_from(safe), max_size=3)) if safe else ():
        flag = option.opts[0]
        if option.is_flag:
            line.append(flag)
        elif isinstance(option.type, NumberType):
            line += [flag, draw(NUMBERS | st.integers(1, 9).map(str))]
        elif isinstance(option.type, click.Choice):
            line += [flag, draw(st.sampled_from(option.type.choices) | WORDS)]
        elif "folder" in option.name or option.name in {
            "parallel",
            "portfolio",
            "figures",
            "against",
        }:
            line += [flag, draw(places)]
        elif option.name == "out":
            line += [flag, str(folder / "out.file")]
        else:
            line += [flag, draw(WORDS | st.sampled_from(["en", "en,de", "clc", "sc", "en=1"]))]
    if any(one.name == "base_urls" for one in options):
        line += [*ENDPOINT, "--timeout", "1"]
    if path[0] == "serve":
        line += ["--start-timeout", "0.01"]
    if path[0] == "view":
        line += ["--no-browser"]
    return line


@pytest.mark.parametrize("path", list(leaves()), ids=" ".join)
@pytest.mark.slow
def test_a_command_ends_with_a_code_and_a_message(path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("f")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=EXAMPLES < 50,
    )
    @given(st.data())
    def check(data):
        line = data.draw(arguments(path, folder))
        variables = data.draw(ENVIRONMENTS)
        assume(not any("\0" in value or "=" in name for name, value in variables.items()))
        with mock.patch.dict(os.environ, variables):
            done = call(*line, stdin="2+3?")
        assert done.returncode in CODES
        assert "Traceback" not in done.stderr
        if done.returncode:
            assert done.stderr.strip()

    check()
