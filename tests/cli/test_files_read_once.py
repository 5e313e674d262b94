"""Each file that a command line names is opened once when a run starts."""

import os
import sys
from collections import Counter

import pytest

from .running import call

_COUNTED: list[tuple[str, Counter[str]]] = []  # a folder, and how often its files were opened


def _count(event, arguments):
    if event == "open" and _COUNTED and isinstance(arguments[0], str | bytes | os.PathLike):
        folder, opened = _COUNTED[-1]
        path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100
        if os.path.dirname(path) == folder:  # noqa: PTH120
            opened[os.path.basename(path)] += 1  # noqa: PTH119


sys.addaudithook(_count)  # it stays for good, and counts in this fixture alone


@pytest.fixture(name="named")
def _named(tmp_path):
    folder = tmp_path / "named"
    folder.mkdir()
    _COUNTED.append((str(folder), Counter()))
    yield folder, _COUNTED[-1][1]
    _COUNTED.pop()


@pytest.mark.parametrize("command", ["solve", "ask"])
def test_strategy_engine_voter_verifier_and_judge(quick, file, named, tmp_path, command):
    folder, opened = named
    engine = f'model = "%s"\n[[endpoint]]\nurl = "{quick}"\n'
    files = {
        "strategy.toml": '[[arms]]\nlanguage = "question"\n[[arms]]\nlanguage = "en"\n',
        "engine.toml": engine % "m",
        "voter.toml": engine % "m",
        "verifier.toml": 'kind = "judge"\nengine = "judge.toml"\n',
        "judge.toml": engine % "m",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    opened.clear()
    given = ["--strategy", folder / "strategy.toml", "--engine-file", folder / "engine.toml",
             "--voter", "own", "--voter", folder / "voter.toml",
             "--verifier", folder / "verifier.toml", "--weighting", "reward", "--paths", "3"]  # fmt: skip
    source = ["solve", file, "--limit", "1", "--out", tmp_path / "run", "--no-cache"]
    done = call(*(source if command == "solve" else ["ask", "Wie viele?"]), *given)
    assert done.returncode == 0, done.stderr
    assert opened == dict.fromkeys(files, 1)
