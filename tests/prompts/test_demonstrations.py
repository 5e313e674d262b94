"""Demonstrations: that ours are right in every language, and how shots are made of them."""

import re
import subprocess
import sys
import unicodedata
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clc.answers import canonical, extract_answer
from clc.errors import TemplateError
from clc.languages.codes import MGSM_LANGUAGES
from clc.prompts.demonstrations import Demonstration
from clc.prompts.shots import make_shots
from clc.prompts.templates import Templates
from clc.solving.translation import translation_fault

TEMPLATES = Templates()
OURS = TEMPLATES.demonstrations
VERSIONS = [
    pytest.param(one, language, id=f"{one.name}-{language}")
    for one in OURS
    for language in sorted(one.questions)
]
MGSM = Path(__file__).parents[3] / "shared" / "data" / "mgsm" / "mgsm_en.tsv"
SCRIPTS = {
    "ar": "ARABIC", "ko": "HANGUL", "bn": "BENGALI", "ja": "HIRAGANA", "ru": "CYRILLIC", "te": "TELUGU", "th": "THAI", "zh": "CJK",
}  # fmt: skip
EQUATION = re.compile(r"(\d+(?: [-+×/] \d+)+) = (\d+)")


def value(expression):
    first, *rest = expression.split()
    result = Fraction(first)
    for sign, number in zip(rest[::2], map(Fraction, rest[1::2]), strict=True):
        result = {
            "+": result + number, "-": result - number, "×": result * number, "/": result / number,
        }[sign]  # fmt: skip
    return result


def test_eight_problems_in_every_language_that_has_any():
    assert len(OURS) == 8
    for one in OURS:
        assert set(one.questions) == set(one.steps) >= set(MGSM_LANGUAGES)
        assert len(" ".join(one.questions["en"]).split()) < 45


@pytest.mark.parametrize(("one", "language"), VERSIONS)
def test_the_reasoning_is_right(one, language):
    equations = EQUATION.findall(" ".join(one.steps[language]))
    assert 2 <= len(equations) <= 4
    assert equations == EQUATION.findall(" ".join(one.steps["en"]))
    assert all(value(left) == Fraction(right) for left, right in equations)
    assert equations[-1][1] == one.answer == canonical(one.answer)


@pytest.mark.parametrize(("one", "language"), VERSIONS)
def test_each_sentence_keeps_its_numbers(one, language):
    for ours, english in zip(one.questions[language], one.questions["en"], strict=True):
        if language != "en":
            assert translation_fault(english, ours, "en", language, "stop") is None
            assert translation_fault(ours, english, language, "en", "stop") is None


@pytest.mark.parametrize(("one", "language"), VERSIONS)
def test_each_version_is_in_its_script(one, language):
    wanted = SCRIPTS.get(language, "LATIN")
    for sentence in (*one.questions[language], *one.steps[language]):
        letters = [unicodedata.name(letter).split()[0] for letter in sentence if letter.isalpha()]
        allowed = {wanted} | (
            {"KATAKANA", "CJK", "KATAKANA-HIRAGANA"} if language == "ja" else set()
        )
        assert set(letters) <= allowed


@pytest.mark.parametrize("language", MGSM_LANGUAGES)
def test_the_answer_of_a_shot_is_read(language):
    for one, shot in zip(OURS, TEMPLATES.shots(language, language, 8), strict=True):
        read = extract_answer(f"{shot.reasoning}\n{shot.answer}", language, shot.question)
        assert read.value == one.answer
        assert shot.answer.startswith(TEMPLATES.cues(language).label)


@pytest.mark.skipif(not MGSM.is_file(), reason=f"needs the questions in {MGSM}")
def test_no_sentence_is_taken_from_mgsm():
    theirs = re.sub(r"\W+", " ", MGSM.read_text("utf-8").casefold())
    for one in OURS:
        words = re.sub(r"\W+", " ", " ".join(one.questions["en"]).casefold()).split()
        for start in range(len(words) - 6):
            assert " ".join(words[start : start + 7]) not in theirs


def test_a_shot_is_in_two_languages():
    (shot,) = TEMPLATES.shots("de", "zh", 1)
    assert shot.question == " ".join(OURS[0].questions["de"])
    assert shot.reasoning == "\n".join(OURS[0].steps["zh"])
    assert shot.answer == "答案：26"
    assert shot.translation == "".join(OURS[0].questions["zh"])
    assert TEMPLATES.shots("de", "zh-Hans", 1)[0].reasoning == shot.reasoning
    assert TEMPLATES.shots("de", "en", 1)[0].answer == "Answer: 26"


def test_english_stands_for_other_languages():
    (english,) = TEMPLATES.shots("en", "en", 1)
    (tamil,) = TEMPLATES.shots("ta", "ta", 1)
    assert (tamil.question, tamil.reasoning) == (english.question, english.reasoning)
    assert tamil.translation == ""
    assert english.translation == english.question
    assert TEMPLATES.shots("ta", "de", 1)[0].translation == ""


switches = st.floats(0, 1)
seeds = st.integers(0, 2**53)
counts = st.integers(0, 8)


@given(counts, counts, switches, seeds)
def test_more_shots_begin_with_the_same(one, other, switch, seed):
    few, many = (
        TEMPLATES.shots("en", "de", count, switch=switch, seed=seed)
        for count in sorted((one, other))
    )
    assert many[: len(few)] == few


@given(seeds)
def test_without_switching_the_seed_is_nothing(seed):
    assert TEMPLATES.shots("th", "en", 8, seed=seed) == TEMPLATES.shots("th", "en", 8)
    assert [shot.question for shot in TEMPLATES.shots("th", "en", 8)] == [
        " ".join(one.questions["th"]) for one in OURS
    ]


@given(seeds, st.sampled_from(["en", "ja", "bn"]))
def test_switched_wholly_no_sentence_is_in_the_question_language(seed, language):
    for shot in TEMPLATES.shots(language, "en", 8, switch=1.0, seed=seed):
        assert not any(
            sentence in shot.question for one in OURS for sentence in one.questions[language]
        )


@given(seeds)
def test_only_the_given_languages_are_switched_to(seed):
    shots = TEMPLATES.shots("en", "en", 8, switch=1.0, languages=["de", "ta", "en"], seed=seed)
    german = {" ".join(one.questions["de"]) for one in OURS}
    assert {shot.question for shot in shots} == german
    unchanged = TEMPLATES.shots("en", "en", 8, switch=1.0, languages=["en", "ta"], seed=seed)
    assert {shot.question for shot in unchanged} == {" ".join(one.questions["en"]) for one in OURS}


@given(switches, switches, seeds)
def test_a_higher_probability_only_switches_more(one, other, seed):
    def switched(probability):
        shots = TEMPLATES.shots("en", "en", 8, switch=probability, languages=["ru"], seed=seed)
        return {
            sentence
            for shot in shots
            for problem in OURS
            for sentence in problem.questions["ru"]
            if sentence in shot.question
        }

    low, high = sorted((one, other))
    assert switched(low) <= switched(high)


def test_as_many_sentences_are_switched_as_was_asked_for():
    total = sum(len(one.questions["en"]) for one in OURS)
    russian = [sentence for one in OURS for sentence in one.questions["ru"]]
    found = 0
    for seed in range(200):
        shots = TEMPLATES.shots("en", "en", 8, switch=0.3, languages=["ru"], seed=seed)
        text = "\n".join(shot.question for shot in shots)
        found += sum(sentence in text for sentence in russian)
    # 5,600 draws: the standard deviation of the share is 0.006.
    assert found / (200 * total) == pytest.approx(0.3, abs=0.03)


def test_the_seed_draws_order_and_sentences():
    first = {TEMPLATES.shots("en", "en", 1, switch=0.01, seed=seed)[0].answer for seed in range(50)}
    assert len(first) == 8
    assert len({TEMPLATES.shots("en", "en", 8, switch=0.5, seed=seed) for seed in range(20)}) == 20


def test_another_process_draws_the_same():
    code = (
        "from clc.prompts.templates import Templates;"
        "print(Templates().shots('en', 'sw', 3, switch=0.5, languages={'de', 'fr', 'zh'}, seed=7))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8",
            env={"PYTHONHASHSEED": hashing, "PYTHONUTF8": "1"}, cwd=Path(__file__).parents[2],
        ).stdout
        for hashing in ("1", "2")
    }  # fmt: skip
    here = TEMPLATES.shots("en", "sw", 3, switch=0.5, languages=["zh", "fr", "de"], seed=7)
    assert printed == {f"{here}\n"}


@pytest.mark.parametrize(
    ("count", "switch", "why"),
    [
        (9, 0.0, "9 demonstrations are not there; ask for 0 to 8"),
        (-1, 0.0, "-1 demonstrations"),
        (1, 1.5, "switch is 1.5; give a probability"),
        (1, float("nan"), "switch is nan"),
    ],
)
def test_what_cannot_be_shown_is_named(count, switch, why):
    with pytest.raises(TemplateError, match=why):
        TEMPLATES.shots("en", "en", count, switch=switch)


def test_those_in_both_languages_come_first():
    both = Demonstration("b", "2", {"en": ("B?",), "ta": ("ப?",)}, {"en": ("b",), "ta": ("ப",)})
    english = Demonstration("a", "1", {"en": ("A?",)}, {"en": ("a",)})
    shots = make_shots([english, both], "ta", "en", 2, label="Answer:")
    assert [shot.question for shot in shots] == ["ப?", "A?"]
    shots = make_shots([english, both], "en", "en", 2, label="Answer:")
    assert [shot.question for shot in shots] == ["A?", "B?"]


def test_a_folder_is_laid_over_ours(tmp_path):
    (tmp_path / "demonstrations.toml").write_text(
        '[mine]\nanswer = "7"\n[mine.en]\nquestion = ["Q?"]\nsteps = ["3 + 4 = 7."]\n'
        '[bus.ta]\nquestion = ["பேருந்து.", "நிறுத்தம்.", "எத்தனை?"]\nsteps = ["தமிழ் 23."]\n',
        encoding="utf-8",
    )
    templates = Templates(tmp_path)
    names = [one.name for one in templates.demonstrations]
    assert names[:2] == ["mine", "bus"]
    assert sorted(names) == sorted(["mine", *(one.name for one in OURS)])
    bus = templates.demonstrations[1]
    assert (bus.answer, bus.questions["de"]) == ("23", OURS[1].questions["de"])
    assert templates.shots("ta", "ta", 1)[0].question == "பேருந்து. நிறுத்தம். எத்தனை?"
    assert templates.shots("en", "en", 1)[0].question == "Q?"
    assert templates.data_hash([]) != TEMPLATES.data_hash([])
    assert templates.cues_hash([]) == TEMPLATES.cues_hash([])


ENGLISH = '[x.en]\nquestion = ["A.", "B?"]\nsteps = ["1"]\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 3", r"demonstrations\.toml: \[x\] is 3; write a table with answer and languages"),
        ("[x]\n" + ENGLISH, r"\[x\] answer is None; write a number as text"),
        ("[x]\nanswer = 3\n" + ENGLISH, r"\[x\] answer is 3; write a number as text"),
        ('[x]\nanswer = "1"', r"\[x\] has no \[x\.en\]; every problem needs English"),
        ('[x]\nanswer = "1"\nde = 1\n' + ENGLISH, r"\[x\.de\] is 1; write a table with question"),
        ('[x]\nanswer = "1"\n[x.en]\nquestion = ["A"]', r"\[x\.en\] is .*; write a table"),
        ('[x]\nanswer = "1"\n' + ENGLISH.replace('["1"]', '"1"'), r"\[x\.en\] steps is '1'; write"),
        ('[x]\nanswer = "1"\n' + ENGLISH.replace('["1"]', "[]"), r"\[x\.en\] steps is \[\]; write"),
        ('[x]\nanswer = "1"\n' + ENGLISH + ENGLISH.replace("en", "xx"), r"\[x\.xx\]: unknown lang"),
        (
            '[x]\nanswer = "1"\n' + ENGLISH + '[x.de]\nquestion = ["A?"]\nsteps = ["1"]\n',
            r"\[x\.de\] has 1 sentences in 'de' and 2 in 'en'; write as many",
        ),
        (
            '[bus.de]\nquestion = ["Bus?"]\nsteps = ["1"]\n',
            r"\[bus\.de\] has 1 sentences in 'de' and 3 in 'en'",
        ),
        ("[x\n", r"demonstrations\.toml:1: not TOML"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named(tmp_path, text, why):
    (tmp_path / "demonstrations.toml").write_text(text)
    with pytest.raises(TemplateError, match=why):
        Templates(tmp_path).shots("en", "en", 1)
