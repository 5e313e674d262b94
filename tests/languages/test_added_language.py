"""Quechua, which we do not ship, added by one file of a prompt folder."""

import asyncio
import json
from dataclasses import replace

import pytest

from clc.answers import extract_answer
from clc.answers.vocabulary import folder_vocabulary, own_vocabulary
from clc.datasets import Dataset, load_problems
from clc.datasets.text import as_problem
from clc.errors import ConfigurationError
from clc.languages.files import language_files
from clc.languages.identification import detect_language, written_language
from clc.prompt_files import bundled_prompts
from clc.prompts.templates import Templates
from clc.records import Problem
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.serving.completions import Completions
from clc.serving.question import Question
from clc.solving.configure import configure
from clc.solving.run import Run
from tests.cli.running import call, endpoint
from tests.engines.scripted import ScriptedEngine

QUECHUA = r"""
script = "Latn"
locale = "qu"
sources = "words of this test"
readers = "none"

[prompt]
label = "Kutichiy:"
think = "Allillamanta yuyaymanasunchik."
final = 'Qipa siqipi, "Kutichiy:" nisqapa qipanpi, tukuy kutichiyta qillqay.'

[answers]
undetermined = ["mana yachakunchu"]
sorry = ["pampachaykuway"]
unable = ["mana(m)? ati*"]
error = ["pantarqani"]
so = ["chayrayku"]

[units.time]
hour = ["ura*"]

[numbers.cardinals]
1 = ["huk"]
2 = ["iskay"]
3 = ["kimsa"]
4 = ["tawa"]

[demonstrations.notebooks]
question = [
    "Huk yachachiq 4 qipi qillqanata rantin.",
    "Sapa qipipi 8 qillqana kachkan.",
    "Payqa 6 qillqanata yachakuqninkunaman qun.",
    "Hayka qillqanam puchun?",
]
steps = ["Qipikunapi 4 × 8 = 32 qillqana kachkan.", "6 quspaqa 32 - 6 = 26 qillqanam puchun."]
"""
STATED = "Sapa punchaw 3 runtu. Kutichiy, qanchis punchawpaq: 21 runtu. 12 runtum huk qipi."
REFUSED = "Pampachaykuway, manam atiymanchu kayta ruwayta."
UNKNOWN = "7 runtu 3 wallpa, ichaqa mana yachakunchu."


@pytest.fixture(name="prompts")
def _prompts(tmp_path):
    folder = tmp_path / "prompts"
    (folder / "languages").mkdir(parents=True)
    (folder / "languages" / "qu.toml").write_text(QUECHUA, encoding="utf-8")
    return folder


def outcome(text, words=None, language="qu"):
    read = extract_answer(text, language, vocabulary=words)
    return getattr(read, "value", None) or str(read.reason)


def test_we_do_not_ship_it():
    assert "qu" not in {file.code for file in language_files(bundled_prompts())}


@pytest.mark.parametrize(
    ("text", "without", "with_it"),
    [
        (STATED, "12", "21"),
        (REFUSED, "no_answer", "refusal"),
        (UNKNOWN, "7", "undetermined"),
        ("Kutichiy: kimsa", "no_answer", "3"),
        ("Kutichiy: 2 ura 30 min", "2", "5/2"),
    ],
)
def test_it_is_read_with_its_file_and_not_without(prompts, text, without, with_it):
    words = folder_vocabulary(prompts)
    for _ in range(2):  # the words of one reading do not stay for the next
        assert outcome(text) == without
        assert outcome(text, words) == with_it


def test_the_words_of_other_languages_are_read_beside_it(prompts):
    words = folder_vocabulary(prompts)
    assert outcome("Antwort: 1.234,5 Euro", words, "de") == "2469/2"
    assert outcome("Jibu: tatu", words, "sw") == "3"


def test_an_entry_of_ours_is_replaced_and_the_others_stay(tmp_path):
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "de.toml").write_text('[answers]\nanswer = ["schluss"]\n')
    words = folder_vocabulary(tmp_path)
    assert words is not None
    assert words.languages["de"]["answers"]["answer"] == ["schluss"]
    assert words.languages["de"]["answers"]["so"]
    text = "Schluss, wie gesagt: 5. Dazu 8 Hefte."
    assert (outcome(text, language="de"), outcome(text, words, "de")) == ("8", "5")


def test_it_is_prompted(prompts):
    templates = Templates(prompts)
    assert templates.cues("qu").label == "Kutichiy:"
    (message,) = templates.render("cot", question="?", question_language="qu", language="qu")
    assert "Allillamanta yuyaymanasunchik." in message["content"]
    (shot, *others) = templates.shots("qu", "qu", 8)
    assert shot.question.startswith("Huk yachachiq 4 qipi")
    assert shot.answer == "Kutichiy: 26"
    assert all(other.translation == "" for other in others)  # English ones


def test_it_is_detected(prompts):
    written = "Ñawpaqta tukuy runtukunata yupanchik, chaymanta wallpakunaman rakinchik."
    assert written_language(written, "qu") == "qu"
    assert written_language("First we count all apples in the basket.", "qu") == "en"
    question = "Hukllawan wallpa punchawninpi kimsa runtuta churan. Hayka runtutaq semanapi?"
    assert detect_language(question) != "qu"
    assert as_problem(question, scripts=Templates(prompts).scripts).language == "qu"
    assert as_problem("Wie viele Eier?", scripts=Templates(prompts).scripts).language == "de"


def test_a_script_of_its_own_detects_a_language():
    question = "ᎭᎳ ᎢᎦ 3 + 4?"  # Cherokee
    assert detect_language(question) is None
    assert detect_language(question, {"chr": "Cher", "qu": "Latn"}) == "chr"
    assert detect_language("How many apples are left?", {"chr": "Cher"}) == "en"


def test_vote_and_extract_read_by_it(prompts, tmp_path):
    file = tmp_path / "paths.jsonl"
    rows = [{"id": "a", "language": "qu", "response": STATED, "gold": "21"}] * 2
    rows += [{"id": "a", "language": "en", "response": "Answer: 12", "gold": "21"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def answers(command, *more):
        done = call(command, file, *more)
        assert done.returncode == 0, done.stderr
        return [json.loads(line)["answer"] for line in done.stdout.splitlines()]

    assert answers("vote") == ["12"]
    assert answers("vote", "--prompts", prompts) == ["21"]
    assert answers("vote", "--prompts", prompts, "--workers", "2") == ["21"]
    assert answers("extract", "--prompts", prompts) == ["21", "21", "12"]


class QuechuaEngine(ScriptedEngine):
    """Answers in Quechua."""

    async def complete(self, request):
        return replace(await super().complete(request), text=STATED)


@pytest.fixture(name="questions")
def _questions(tmp_path):
    """Questions without a language, in Quechua, German and Cherokee's script."""
    file = tmp_path / "questions.jsonl"
    texts = [
        "Hukllawan wallpa punchawninpi kimsa runtuta churan. Hayka runtutaq semanapi?",
        "Wie viele Eier legt eine Henne in einer Woche?",
        "ᎭᎳ ᎢᎦ 3 + 4?",
    ]
    file.write_text("".join(json.dumps({"question": text, "answer": 7}) + "\n" for text in texts))
    return file


def test_questions_in_a_file_are_detected(prompts, questions):
    (prompts / "languages" / "chr.toml").write_text('script = "Cher"\n')
    scripts = Templates(prompts).scripts
    found = list(load_problems(questions, scripts=scripts))
    assert [one.language for one in found] == ["qu", "de", "chr"]
    assert {one.metadata["language_source"] for one in found} == {"detected"}
    read = Dataset(questions, scripts=scripts)
    assert [one.language for one in read.problems()] == ["qu", "de", "chr"]
    assert read.identity() == Dataset(questions).identity()
    assert next(one.language for one in load_problems(questions)) != "qu"


def test_a_run_of_a_file_detects_its_questions(prompts, questions, tmp_path):
    (prompts / "languages" / "chr.toml").write_text('script = "Cher"\n')
    with endpoint("--delay", 0) as (url, _):
        given = ["--base-url", url, "--model", "m", "--prompts", prompts, "--out"]
        done = call("solve", questions, *given, tmp_path / "run", "--strategy", "native-cot")
        assert done.returncode == 0, done.stderr
        done = call("compare", questions, *given, tmp_path / "pool", "--strategies", "native-cot")
        assert done.returncode == 0, done.stderr
    with Store(tmp_path / "run", read_only=True) as store:
        assert [one.language for one in store.problems()] == ["qu", "de", "chr"]
    with Store(tmp_path / "pool", read_only=True) as store:
        assert [one.language for one in store.labelled("sc").problems()] == ["qu", "de", "chr"]


def test_a_run_keeps_its_words_for_a_later_vote(prompts, tmp_path):
    store = Store(tmp_path / "run")
    settings = configure("clc", languages=["qu"], paths=2)
    work = Run(settings, QuechuaEngine(), store, templates=Templates(prompts))
    problem = Problem("p", "Hayka runtum?", "qu", "21")

    async def solved():
        work.begin({"name": "test"})
        verdicts = [verdict async for verdict in work.verdicts([problem])]
        return [verdict.answer for verdict in verdicts]

    assert asyncio.run(solved()) == ["21"]
    (prompts / "languages" / "qu.toml").unlink()
    assert [one.verdict.answer for one in revote(store)] == ["21"]
    store.close()
    done = call("vote", tmp_path / "run")
    assert json.loads(done.stdout)["answer"] == "21"


def test_a_server_detects_and_reads_it(prompts):
    async def asked():
        settings = configure("clc", languages=["qu"], paths=2)
        completions = Completions(
            QuechuaEngine(), settings, model="m", templates=Templates(prompts)
        )
        question = "Hukllawan wallpa punchawninpi kimsa runtuta churan. Hayka runtutaq semanapi?"
        try:
            messages = [{"role": "user", "content": question}]
            checked = completions.read({"model": "clc", "messages": messages})
            return checked, await completions.answer(checked)
        finally:
            await completions.close()

    checked, reply = asyncio.run(asked())
    assert isinstance(checked.work, Question)
    assert checked.work.problem.language == "qu"
    assert reply["clc"]["answer"] == "21"


def test_a_run_goes_on_with_its_own_words_alone(prompts, tmp_path):
    settings = configure("clc", languages=["qu"], paths=2)

    def begin():
        Run(settings, QuechuaEngine(), store, templates=Templates(prompts)).begin({"name": "test"})

    with Store(tmp_path / "run") as store:
        begin()
        store.write_manifest({**(store.manifest() or {}), "seconds": 1.0})  # something was sampled
        begin()
        file = prompts / "languages" / "qu.toml"
        file.write_text(QUECHUA.replace('"chayrayku"', '"hinaptinqa"'), encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"words\.qu\.answers\.so.*chayrayku"):
            begin()


def test_equal_words_are_one_vocabulary(prompts):
    words = folder_vocabulary(prompts)
    assert words is not None
    assert own_vocabulary(json.loads(json.dumps(words.own))) is words
