"""Multiple-choice files from the file to the report: prompts, translations, votes, pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from clc.api import solve_many
from clc.datasets import load_problems
from clc.engines.base import Completion
from clc.records import Usage
from clc.runs.open import open_run
from clc.runs.revote import revote
from tests.engines.scripted import TRANSLATE, ScriptedEngine

from .running import call

GOLDEN = Path(__file__).parent / "golden" / "options"
PROX: list[dict[str, object]] = [
    {"question_id": 11, "question": "Welche dieser Zahlen ist durch 7 teilbar?",
     **{f"option_{index}": str(30 + index) for index in range(9)}, "option_9": None,
     "answer": "F", "answer_index": 5, "category": "math"},
    {"question_id": 12, "question": "Wie heißt ein Viereck mit 4 gleichen Seiten?",
     "option_0": "Raute", "option_1": "Kreis", "option_2": "Kegel", "answer": "A", "answer_index": 0},
]  # fmt: skip
GLOBAL: list[dict[str, object]] = [
    {"sample_id": "shapes/test/1", "question": "Umbo lenye pande 3 linaitwaje?",
     "option_a": "mraba", "option_b": "pembetatu", "option_c": "duara", "option_d": "mstari",
     "answer": "B"},
]  # fmt: skip
SETS: dict[str, list[dict[str, Any]]] = {"mmlu-prox_de": PROX, "global-mmlu_sw": GLOBAL}
WORDS = {"F": "F", "A": "A. Raute", "B": "(B)"}


class Chooses(ScriptedEngine):
    """Translates with the labels in another style, and answers with the letters of the golds."""

    def __init__(self, forget: str = ""):
        super().__init__()
        self._forget = forget

    async def complete(self, request):
        completion = await super().complete(request)
        content = request.messages[-1]["content"]
        if content.startswith(TRANSLATE):
            text = completion.text.replace("A. ", "(A) ").replace("B. ", "B) ")
            for letter in self._forget:
                text = "\n".join(line for line in text.split("\n") if f"{letter}" not in line[:2])
            return Completion(text, "stop", Usage(11, 5))
        gold = next(
            letter
            for letter, mark in (("F", "35"), ("A", "Raute"), ("B", "pembetatu"), ("B", "triangle"))
            if mark in content
        )
        return Completion(f"This is so.\nAnswer: {WORDS[gold]}", "stop", Usage(11, 5))


@pytest.fixture(scope="module", params=SETS)
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    file = folder / f"{request.param}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in SETS[request.param]), "utf-8")
    language = request.param[-2:]
    problems = list(load_problems(file, language=language))
    solve_all = solve_many(
        problems, engine=Chooses(), store=folder / "run", languages=["en", language, "zh"],
        paths=6, cache=False,
    )  # fmt: skip
    verdicts = list(solve_all)
    assert [one.answer for one in verdicts] == [one.gold for one in problems]
    return request.param, folder / "run", problems


def test_prompts_have_the_options_in_every_language(run):
    """Every word of a prompt is reviewed: after a change, delete the file and read it."""
    name, folder, problems = run
    with open_run(folder) as store:
        for one in revote(store):
            for arm in one.plan.arms:
                prompt = store.prompts([arm.prompt_key])[arm.prompt_key]
                text = "".join(f"--- {m['role']}\n{m['content']}\n" for m in prompt.messages)
                for letter, option in one.problem.metadata["options"].items():
                    assert f"\n{letter}. {option}\n" in text
                if one.problem.id != problems[0].id:
                    continue
                path = GOLDEN / f"{name}.{arm.language}.txt"
                if not path.exists():
                    path.parent.mkdir(exist_ok=True, parents=True)
                    path.write_text(text, "utf-8")
                    pytest.fail(f"{path} was missing: read it, then run the test again")
                assert text == path.read_text("utf-8")


def test_the_score_the_list_and_the_page_show_the_options(run):
    _, folder, problems = run
    score = json.loads(call("score", folder, "--json").stdout)
    assert score["accuracy"]["value"] == 1
    assert score["unreadable_gold"] == 0
    text = call("show", folder, problems[0].id, "--no-paths").stdout
    for line in problems[0].question.split("\n"):
        assert f"    {line}\n" in text or not line
    assert f"Gold: {problems[0].gold}, so the verdict is right." in text
    assert call("report", folder).returncode == 0
    whole = (folder / "report.html").read_text("utf-8")
    for letter, option in problems[0].metadata["options"].items():
        assert f"{letter}. {option}" in whole


class Names(Chooses):
    """Answers with the text of an option, as the question that it was asked has it."""

    async def complete(self, request):
        completion = await super().complete(request)
        content = request.messages[-1]["content"]
        if content.startswith(TRANSLATE):
            text = completion.text.replace("pembetatu", "triangle")
            return Completion(text, "stop", Usage(11, 5))
        word = "triangle" if "triangle" in content else "pembetatu"
        return Completion(f"It has three.\nAnswer: {word}", "stop", Usage(11, 5))


def test_the_text_of_an_option_is_its_letter_in_the_language_asked(tmp_path):
    file = tmp_path / "set.jsonl"
    file.write_text(json.dumps(GLOBAL[0]), "utf-8")
    problems = list(load_problems(file, language="sw"))
    (verdict,) = solve_many(
        problems, engine=Names(), store=tmp_path / "run", languages=["en", "sw"], paths=4,
        cache=False,
    )  # fmt: skip
    assert verdict.tally == {"B": {"en": 2, "sw": 2}}
    with open_run(tmp_path / "run") as store:
        (one,) = revote(store)
    assert one.verdict.tally == verdict.tally


def test_a_translation_that_loses_an_option_is_no_translation(tmp_path):
    file = tmp_path / "set.jsonl"
    file.write_text(json.dumps(GLOBAL[0]), "utf-8")
    problems = list(load_problems(file, language="sw"))
    (verdict,) = solve_many(
        problems, engine=Chooses(forget="C"), store=tmp_path / "run", languages=["en", "sw"],
        paths=2, cache=False,
    )  # fmt: skip
    assert verdict.answer == "B"
    assert verdict.abstentions == {"translation": {"en": 1}}
    text = call("show", tmp_path / "run", problems[0].id).stdout
    assert "lost the option C" in text
