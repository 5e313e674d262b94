"""Files that a user names: a regular file, or an error that says what it is instead."""

import os
import socket
from contextlib import chdir

import pytest

from clc.analysis.portfolio import read_portfolio
from clc.errors import ClcError, InputError, StoreError, StrategyError, TemplateError
from clc.input_files import nested_deeper, parse_toml, printable_path, read_regular
from clc.prompts.templates import Templates
from clc.runs.manifest import read_manifest
from clc.strategies.files import load_strategy
from clc.thoughts.mark_files import load_marks
from tests.cli.running import call


def _socket(path):
    # The name of a socket is short.
    with chdir(path.parent), socket.socket(socket.AF_UNIX) as opened:
        opened.bind(path.name)


def _link_to_fifo(path):
    os.mkfifo(path.with_name("f"))
    path.symlink_to("f")


KINDS = {
    "folder": lambda path: path.mkdir(),
    "FIFO": os.mkfifo,
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "link to a folder": lambda path: path.symlink_to("/tmp"),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "null device": lambda path: path.symlink_to("/dev/null"),
    "socket": _socket,
    "link to a FIFO": _link_to_fifo,
    "link to a link to nothing": lambda path: (
        path.with_name("l").symlink_to("nothing"),
        path.symlink_to("l"),
    ),
    "link through a file": lambda path: (path.with_name("t").touch(), path.symlink_to("t/u")),
}
READERS = {
    "cot.jinja": lambda path: Templates(path.parent).get("cot"),
    "translate.jinja": lambda path: Templates(path.parent).get("translate"),
    "languages.toml": lambda path: Templates(path.parent).languages(),
    "candidates.toml": lambda path: Templates(path.parent).candidates,
    "demonstrations.toml": lambda path: Templates(path.parent).demonstrations,
    "thoughts.toml": lambda path: load_marks(path.parent),
    "own.toml": load_strategy,
    "portfolio.json": read_portfolio,
    "manifest.json": read_manifest,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file_is_named(kind, name, tmp_path):
    KINDS[kind](tmp_path / name)
    with pytest.raises(ClcError, match=rf"{name}: cannot be read: .*; name a regular file"):
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_that_is_no_file_is_never_passed_over(kind, tmp_path):
    KINDS[kind](tmp_path / "cot.jinja")
    for command in (("show", "cot"), ("check",), ("list",)):
        done = call("prompts", *command, "--prompts", tmp_path)
        assert done.returncode == 2
        assert "cot.jinja: cannot be read: " in done.stderr


def test_links_to_regular_files_are_read(tmp_path):
    (tmp_path / "real").write_text("--- user\n{{ question }} {{ cue.think }}\n")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "cot.jinja").symlink_to("../real")
    assert Templates(tmp_path / "prompts").get("cot").path.endswith("cot.jinja")
    assert (
        read_regular(tmp_path / "prompts" / "cot.jinja", InputError)
        == (tmp_path / "real").read_bytes()
    )
    assert read_regular(tmp_path / "none", InputError) is None
    assert read_regular(tmp_path / "real" / "none", InputError) is None


DEEP = {
    "arrays": "a = " + "[" * 3000 + "]" * 3000,
    "tables": "a = " + "{b = " * 3000 + "1" + "}" * 3000,
    "mixed": "a = " + "[{b = " * 1500 + "1" + "}]" * 1500,
    "open": "a = " + "[" * 3000,
    "dotted keys": ".".join("a" * 1200) + " = 1",
    "table names": "[" + ".".join("a" * 1200) + "]",
    "lists of tables": "\n".join(f"[[{'.'.join('a' * depth)}]]" for depth in range(1, 200)),
    "a little too deep": "a = " + "[" * 64 + "]" * 64,
    "digits": "a = " + "9" * 5000,
    "digits in a list": "a = [" + "9" * 5000 + "]",
    "latin": "a = '\xff'",
    "null": "a = '\0'",
    "half a pair": 'a = "\\ud800"',
    "no end": 'a = """',
    "twice": "a = 1\na = 2",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_odd_toml_is_an_error_with_its_name(text, tmp_path):
    data = text.encode("latin-1")
    for error in (StrategyError, TemplateError):
        with pytest.raises(error, match=r"own\.toml(:\d+)?: (nested too deep|not TOML in UTF-8)"):
            parse_toml(data, tmp_path / "own.toml", error)
    for name in ("languages.toml", "candidates.toml", "demonstrations.toml", "own.toml",
                 "thoughts.toml"):  # fmt: skip
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ClcError, match=name):
            READERS[name](tmp_path / name)


def test_levels_are_counted():
    assert parse_toml(b"a = " + b"[" * 63 + b"]" * 63, "x", InputError)
    value: object = 1
    for depth in range(1, 200):
        value = [value, 2] if depth % 2 else {"a": 1, "b": value}
        assert not nested_deeper(value, depth)
        assert nested_deeper(value, depth - 1)


def test_a_name_that_is_not_utf_8_is_shown_escaped(tmp_path):
    path = tmp_path / os.fsdecode(b"bad\xff.toml")
    path.mkdir()
    with pytest.raises(StoreError, match=r"bad\\xff\.toml: cannot be read: it is a folder"):
        read_regular(path, StoreError)
    assert printable_path("Zürich") == "Zürich"
