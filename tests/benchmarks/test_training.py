"""The generator of clc-tiny's problems: right answers, faithful translations, clean splits."""

from itertools import islice

import pytest

from benchmarks.training.examples import LANGUAGE_SHARES, SKILL_SHARES, examples
from benchmarks.training.kinds import HELD_OUT, KINDS, problems, trained
from benchmarks.training.language import languages, load
from benchmarks.training.render import question, solution
from clc.answers import extract_answer
from clc.prompts.templates import Templates
from clc.solving.translation import translation_fault

SAMPLE = list(islice(problems("test", 3), 2 * len(KINDS)))


def test_at_least_thirty_kinds_in_eleven_languages():
    assert len(KINDS) >= 30
    assert sorted(languages()) == sorted(LANGUAGE_SHARES)
    assert {len(problem.steps) for problem in SAMPLE} == {1, 2, 3, 4}


@pytest.mark.parametrize("code", LANGUAGE_SHARES)
def test_the_answer_reader_reads_every_solution(code):
    label = Templates().cues(code).label
    for problem in SAMPLE:
        for native in (False, True):
            text = solution(problem, load(code), label, native=native)
            read = extract_answer(text, language=code)
            assert read.value == str(problem.answer), text


@pytest.mark.parametrize("code", [code for code in LANGUAGE_SHARES if code != "en"])
@pytest.mark.parametrize("wording", [0, 1])
@pytest.mark.slow
def test_parallel_questions_keep_their_numbers(code, wording):
    for problem in SAMPLE:
        for native in (False, True):
            english = question(problem, load("en"), wording)
            other = question(problem, load(code), wording, native=native)
            assert translation_fault(english, other, "en", code, "stop") is None, other
            assert translation_fault(other, english, code, "en", "stop") is None, other


@pytest.mark.parametrize("code", LANGUAGE_SHARES)
def test_steps_are_stated_and_true(code):
    for problem in SAMPLE:
        text = solution(problem, load(code), "Answer:")
        for step in problem.steps:
            left, right = step.left, step.right
            result = {"+": left + right, "-": left - right, "×": left * right}.get(step.op)
            assert step.result == (left // right if result is None else result)
            assert f"{left} {step.op} {right} = {step.result}" in text


def test_no_test_problem_is_in_training():
    held = {(p.kind, tuple(sorted(p.numbers.items()))) for p in islice(problems("test", 0), 600)}
    seen = {(p.kind, tuple(sorted(p.numbers.items()))) for p in islice(problems("train", 0), 5000)}
    assert len(held) > 400  # the same numbers may come with other names
    assert not held & seen


def test_two_kinds_are_held_out_from_some_languages():
    assert len(HELD_OUT) == 2
    for kind, codes in HELD_OUT.items():
        assert codes
        assert all(not trained(kind, code) for code in codes)
        assert trained(kind, "en")


def test_examples_are_clc_prompts_and_shares_are_unequal():
    assert sum(LANGUAGE_SHARES.values()) == pytest.approx(1)
    assert sum(SKILL_SHARES.values()) == pytest.approx(1)
    drawn = list(islice(examples("train", 0), 3000))
    counts = {code: sum(e.language == code for e in drawn) for code in LANGUAGE_SHARES}
    assert counts["en"] > 2 * max(n for code, n in counts.items() if code != "en")
    assert 10 < min(counts.values()) < counts["en"] / 10
    cues = [Templates().cues(code).final for code in LANGUAGE_SHARES]
    assert sum(any(cue in e.prompt for cue in cues) for e in drawn) > 1000
    assert drawn[:50] == list(islice(examples("train", 0), 50))
