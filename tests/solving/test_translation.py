"""Which translations may stand for a question."""

import asyncio
from pathlib import Path

import pytest

from clc.datasets import load_problems
from clc.records import Problem, Step, Usage
from clc.solving import translation
from clc.solving.translation import (
    read_translation,
    translated_text,
    translation_fault,
    translation_sampling,
)
from tests.event_loop import counted_turns

MGSM = Path(__file__).parents[3] / "shared" / "data" / "mgsm"

# The question in English, and translations of our own.
KEEPS = [
    ("Ana has 12 pens and buys 3 more.", "Ana hat 12 Stifte und kauft drei dazu.", "de"),
    ("Ana has 12 pens and buys 3 more.", "安娜有12支笔，又买了三支。", "zh"),
    ("Ana has 12 pens and buys 3 more.", "আনার ১২টি কলম আছে এবং সে আরও ৩টি কেনে।", "bn"),
    ("Ana has 12 pens and buys 3 more.", "แอนามีปากกา ๑๒ ด้าม และซื้อเพิ่มอีก ๓ ด้าม", "th"),
    ("Ana has 12 pens and buys 3 more.", "Ana ana kalamu 12 na ananunua 3 zaidi.", "sw"),
    ("Ana has 12 pens and buys 3 more.", "У Аны 12 ручек, она покупает ещё 3.", "ru"),
    ("Ana has 12 pens and buys 3 more.", "アナはペンを１２本持っていて、あと３本買います。", "ja"),
    ("Ana has 12 pens and buys 3 more.", "అనా వద్ద 12 పెన్నులు ఉన్నాయి, మరో 3 కొంటుంది.", "te"),
    ("A car costs $12,500.", "Ein Auto kostet 12.500 $.", "de"),
    ("A car costs $12,500.", "Une voiture coûte 12 500 $.", "fr"),
    ("It weighs 1.5 kg.", "Es wiegt 1,5 kg.", "de"),
    ("It takes half of 40 minutes.", "Es dauert die Hälfte von 40 Minuten.", "de"),
]
LOSES = [
    ("Ana has 12 pens and buys 3 more.", "Ana hat 12 Stifte.", "de", "lost the number 3"),
    ("Ana has 12 pens.", "Ana hat 13 Stifte.", "de", "lost the number 12"),
    ("Ana has 12 pens.", "Ana hat 12 Stifte. Antwort: 24", "de", "added the number 24"),
    ("Ana has 12 pens.", "安娜有一些笔。", "zh", "lost the number 12"),
    ("A car costs $12,500.", "Ein Auto kostet 12,5 $.", "de", "lost the number 12500"),
    ("Ana has 12 pens.", " \n", "de", "empty translation"),
    ("Ana has 12 pens.", " Ana has 12 pens.\n", "de", "question was repeated"),
]


@pytest.mark.parametrize(("question", "translation", "language"), KEEPS)
def test_a_translation_that_keeps_the_numbers_is_fine(question, translation, language):
    assert translation_fault(question, translation, "en", language, "stop") is None


@pytest.mark.parametrize(("question", "translation", "language", "fault"), LOSES)
def test_a_translation_that_does_not_is_refused(question, translation, language, fault):
    assert fault in translation_fault(question, translation, "en", language, "stop")


def test_a_translation_that_was_cut_off_is_refused():
    assert "cut off" in translation_fault("Ana has 2 pens.", "Ana hat 2", "en", "de", "length")
    refusal = translation_fault("Ana has 2 pens.", "I can't: 2", "en", "de", "content_filter")
    assert refusal == "translation was refused"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<think>2, as digits.</think>Ana hat 2 Stifte.", "holds a thought"),
        ("[THINK]2[/THINK]Ana hat 2 Stifte.", "holds a thought"),
        ("<think>Ana hat 2 Stifte.", "cut off"),
    ],
)
def test_a_translation_with_a_thought_is_refused(text, fault):
    assert fault in translation_fault("Ana has 2 pens.", text, "en", "de", "stop")


@pytest.mark.parametrize(
    ("text", "finish_reason", "closed", "result"),
    [
        (" Ana hat 2 Stifte.", "stop", None, ("Ana hat 2 Stifte.", None)),
        ("<think>2 or 3</think>\nAna hat 2 Stifte.", "stop", None, ("Ana hat 2 Stifte.", None)),
        ("2 or 3</think>\nAna hat 2 Stifte.", "stop", None, ("Ana hat 2 Stifte.", None)),
        ("<think>2 or", "stop", None, ("", "translation was cut off")),
        ("", "stop", False, ("", "translation was cut off")),
        ("Ana hat 2 Stifte.", "stop", True, ("Ana hat 2 Stifte.", None)),
    ],
)
def test_what_follows_the_thought_is_the_translation(text, finish_reason, closed, result):
    draft = Step("translation", "de", text, finish_reason, Usage(), closed=closed)
    assert translated_text(draft) == result


def test_the_first_try_is_greedy_and_later_ones_can_differ():
    assert translation_sampling(0, 9).temperature == 0
    assert translation_sampling(1, 9).temperature > 0
    assert translation_sampling(1, 9).max_tokens == 9


@pytest.mark.skipif(not MGSM.is_dir(), reason="needs ../shared/data/mgsm")
@pytest.mark.slow
def test_human_translations_are_nearly_all_accepted():
    fine = total = 0
    faults = {}
    for problem in load_problems(MGSM, language="en"):
        for language, text in problem.translations.items():
            total += 1
            fault = translation_fault(problem.question, text, "en", language, "stop")
            fine += fault is None
            if fault is not None:
                faults.setdefault(language, []).append((problem.id, fault))
    print(f"{fine}/{total}", {language: len(found) for language, found in faults.items()})  # noqa: T201
    assert total == 2500
    assert fine / total > 0.97


SORTS = {
    "digits": "1",
    "numbers": "1 ",
    "apples": "Tom has 2 apples and 3 pears. ",
    "numerals": "三百二十一万",
    "fractions": "三分之二",
    "words": "twenty-three hundred and ",
    "one word": "dreiundzwanzigtausend",
    "slashes": "1/",
    "LaTeX": "\\frac{1}{2} ",
    "nested": "\\frac{",
    "backslashes": "\\",
    "braces": "{[(",
    "powers": "2^",
    "marks": "<think>",
    "accents": "a\u0301\u0302",
    "spaces": " ",
}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.slow
def test_a_long_translation_is_read_beside_the_event_loop_and_like_a_short_one(sort):
    question = f"12 {SORTS[sort] * 3000}"[:3000] + "."
    problem = Problem("a", question, "en")
    drafts = [
        Step("translation", "de", text, "stop", Usage())
        for text in (f"Also {question}", f"Also {question} 77777", "<think>", question)
    ]

    async def run():
        read = []
        async with counted_turns() as turns:
            for draft in drafts:
                before = turns()
                read.append(await read_translation(problem, draft, "de"))
                assert turns() > before  # others had their turn meanwhile
        return read

    for draft, got in zip(drafts, asyncio.run(run()), strict=True):
        text, fault = translated_text(draft)
        fault = fault or translation_fault(question, text, "en", "de", "stop")
        assert got == ((None, fault) if fault else (text, None))


def test_a_short_translation_is_read_at_once():
    problem = Problem("a", "Ana has 12 pens.", "en")
    reading = read_translation(
        problem, Step("translation", "de", "Ana hat 12.", "stop", Usage()), "de"
    )
    with pytest.raises(StopIteration) as ended:
        reading.send(None)
    assert ended.value.value == ("Ana hat 12.", None)


def test_the_numbers_of_a_question_are_read_once():
    question = "Ana has 12 pens and 77 mugs."
    before = translation._source_numbers.cache_info()
    for language in ("de", "fr", "es"):
        assert translation_fault(question, "12, 77", "en", language, "stop") is None
    after = translation._source_numbers.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
