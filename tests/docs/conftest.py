"""Folders in which a reader of the documentation stands."""

import json

import pytest

import clc
from tests.engines.scripted import ScriptedEngine

from .pages import ROOT


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    """Return a function that makes a folder with the examples, the prompts, and runs to look at."""

    def make():
        folder = tmp_path_factory.mktemp("reader")
        for name in ("examples", "prompts"):
            (folder / name).symlink_to(ROOT / name)
        problems = [
            clc.Problem(f"p-{number}", f"What is {number} plus 1?", "en", gold="7")
            for number in range(24)
        ]
        dev = clc.solve_many(
            problems, engine=ScriptedEngine(), store=folder / "runs" / "dev", cache=False
        )
        assert len(list(dev)) == len(problems)
        rows = [{"id": "a", "language": code, "response": "Answer: 7"} for code in ("en", "de")]
        _write(folder / "generations.jsonl", rows)
        _write(folder / "problems.jsonl", [{"question": "What is 3 plus 4?", "language": "en"}])
        sample = {"doc": {"question": "3 + 4?"}, "resps": [["Antwort: 7"]], "target": "7"}
        _write(folder / "samples_mgsm_de.jsonl", [{"doc_id": 0, **sample}])
        return folder

    return make


def _write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
