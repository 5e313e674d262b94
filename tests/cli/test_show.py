"""``clc show``: one problem of a stored run, read aloud; and which problems to look at."""

import asyncio
import json
import time
from dataclasses import replace

import orjson
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from clc.api import solve_many
from clc.cli.show import command
from clc.engines.base import Completion
from clc.engines.shared import SharedEngine
from clc.prompts.templates import Templates
from clc.records import Problem, Usage
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.pool import StrategyPool
from tests.engines.scripted import ScriptedEngine

from .running import call
from .terminals import on_terminal

HUMAN = "Tom has 3 apples and buys 4 more. How many?"
PROBLEM = Problem("p1", "Tom hat 3 Äpfel und kauft 4 dazu. Wie viele?", "de", "7", {"en": HUMAN})
HOSTILE = "<script>x</script>\x1b[31m\x1b]0;t\x07 [bold]b[/bold] \u202e:smile:\nAnswer: 7\x1b[0m"


class Says(ScriptedEngine):
    """Says what it is given for the path with an index, in turn."""

    def __init__(self, *texts, finish="stop"):
        super().__init__()
        self._texts, self._finish = list(texts), finish

    async def complete(self, request):
        completion = await super().complete(request)
        if request in self.translations:
            return completion
        text = self._texts[(len(self.requests) - 1) % len(self._texts)]
        return Completion(text, self._finish, Usage(11, 5))


def run_in(folder, problems, engine=None, **more):
    settings = {"languages": ["en", "de", "zh"], "paths": 6, "cache": False} | more
    return list(solve_many(problems, engine=engine or ScriptedEngine(), store=folder, **settings))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Twenty problems, the first with a human translation, some wrong and some tied."""
    folder = tmp_path_factory.mktemp("runs") / "mine"
    problems = [PROBLEM, *(replace(PROBLEM, id=f"p{n}", question=f"Was ist {n} und 4?", translations={})
                           for n in range(2, 21))]  # fmt: skip
    run_in(folder, problems)
    return folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pool")
    with Store(folder) as store:
        names = {name: configure(name, languages=["en"], paths=2) for name in ("sc", "sc-en")}
        pool = StrategyPool(SharedEngine(ScriptedEngine()), store, names, templates=Templates())
        pool.begin({"source": "here"}, None)

        async def draw():
            for name in names:
                await pool.solve(name, [PROBLEM], lambda _: None)

        asyncio.run(draw())
    return folder


def show(*arguments):
    done = call("show", *arguments)
    assert "Traceback" not in done.stderr
    return done


def test_everything_about_a_problem(run):
    done = show(run, "p1")
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert text.startswith(
        "Problem p1, a question in German (de)\n"
        "    Tom hat 3 Äpfel und kauft 4 dazu. Wie viele?\n"
        "\n"
        "Translations\n"
        "  English (en) by a human\n"
        f"    {HUMAN}\n"
        "  Chinese (zh)\n"
        f"    [Chinese] {PROBLEM.question}\n"
        "\n"
        "Vote\n"
    )
    with open_run(run) as store:
        (one,) = [one for one in revote(store) if one.problem.id == "p1"]
    for number, ((arm, key), vote) in enumerate(zip(one.plan.paths, one.votes, strict=True), 1):
        path = one.paths[key]
        head = f"{number}. {{}} ({arm.language}), path {path.index}, stop, {path.usage.completion_tokens} tokens, weight 1: "
        name = {"en": "English", "de": "German", "zh": "Chinese"}[arm.language]
        ending = f"votes {vote.answer}" if vote.answer else "no vote, "
        body = "".join(f"    {line}\n" if line else "\n" for line in path.text.split("\n"))
        assert f"  {head.format(name)}{ending}" in text
        assert body in text
    right = "right" if one.verdict.answer == "7" else "wrong"
    tie = " (a tie, decided by the order of languages)" if one.verdict.tied else ""
    assert text.endswith(
        f"\nVerdict\n  Answer: {one.verdict.answer}  {one.verdict.support:g} of "
        f"{one.verdict.total:g} votes{tie}\n  Gold: 7, so the verdict is {right}.\n"
    )
    assert "\x1b" not in text


def test_abstentions_are_told_in_words(tmp_path):
    run_in(tmp_path, [PROBLEM], Says("So it is", finish="length"), languages=["de"], paths=1)
    assert "weight 1: no vote, it was cut off before its answer" in show(tmp_path, "p1").stdout
    odd = tmp_path / "odd"
    run_in(odd, [PROBLEM], Says("Answer: 7", finish="\x1b[2J"), languages=["de"], paths=1)
    assert ", path 0, ␛[2J, 5 tokens, weight 1: " in show(odd, "p1").stdout
    lost = tmp_path / "lost"
    engine = ScriptedEngine(lose=lambda _: "the engine \x1b[2Jdied")
    run_in(lost, [PROBLEM], engine, languages=["de"], paths=1)
    text = show(lost, "p1").stdout
    assert "  1. German (de), weight 1: no vote, it was lost (the engine ␛[2Jdied)\n" in text
    assert "No path gave an answer." in text


def test_without_paths_with_prompts_and_in_one_language(run):
    text = show(run, "p1", "--no-paths").stdout
    assert "\nPaths\n" not in text
    assert "\nVerdict\n" in text
    text = show(run, "p1", "--prompts", "--language", "zh").stdout
    assert text.count("  prompt cot in Chinese (zh)\n    --- user\n") == 1
    assert "[Chinese] Tom hat 3 Äpfel" in text
    numbers = [
        line.split(".")[0] for line in text.splitlines() if "path " in line and "weight" in line
    ]
    assert numbers == ["  3", "  6"]
    done = show(run, "p1", "--language", "sw")
    assert done.returncode == 2
    assert "problem 'p1' has no paths in sw; there are: en, de, zh" in done.stderr


def test_json_is_exact(run, tmp_path):
    row = json.loads(show(run, "p1", "--json", "--prompts").stdout)
    assert row["answer"] == "7" or row["correct"] is False
    assert row["translations"][0] == {"language": "en", "question": HUMAN, "human": True}
    assert [one["language"] for one in row["votes"]] == ["en", "de", "zh"] * 2
    assert {one["prompt"] for one in row["votes"]} == set(row["prompts"])
    for vote in row["votes"]:
        if vote["answer"] is not None:
            start, end = vote["span"]
            assert vote["text"][start:end] == vote["answer"]
        else:
            assert vote["abstains"]
    run_in(tmp_path, [PROBLEM], Says(HOSTILE), languages=["de"], paths=1)
    (vote,) = orjson.loads(show(tmp_path, "p1", "--json").stdout)["votes"]
    assert vote["text"] == HOSTILE


def test_text_of_a_model_is_shown_and_does_nothing(tmp_path):
    hostile = replace(PROBLEM, question=f"Was? {HOSTILE}", id="p\x1b[31m1", gold="\x077")
    run_in(tmp_path, [hostile], Says(HOSTILE), languages=["de"], paths=2)
    for text in (
        show(tmp_path, hostile.id).stdout,
        on_terminal("show", tmp_path, hostile.id, NO_COLOR="1").text,
    ):
        for line in (
            "<script>x</script>␛[31m␛]0;t␇ [bold]b[/bold] ⟦U+202E⟧:smile:",
            "Answer: 7␛[0m",
        ):
            assert line in text.replace("\x1b[1;7m", "").replace("\x1b[0m", "")
        assert "Problem p␛[31m1" in text
        assert not [acts for acts in ("\x07", "\u202e", "\x1b]", "\x1b[31m") if acts in text]


GERMAN = "Zuerst zähle ich alle Äpfel zusammen, und dann prüfe ich das Ergebnis noch einmal."
CHINESE = "首先把所有的苹果数加起来，然后再检查一遍结果是不是正确的，最后写出答案。"


def test_a_thought_is_folded_and_shown_on_request(tmp_path):
    thoughts = {"de": f"{GERMAN}\n{HOSTILE}", "zh": CHINESE, "en": "12"}

    def think(request):
        framed = request.messages[-1]["content"]
        return thoughts["zh" if "[Chinese]" in framed else "en" if HUMAN in framed else "de"]

    run_in(tmp_path, [PROBLEM], ScriptedEngine(think=think), paths=3)
    folded = show(tmp_path, "p1").stdout
    assert "\n    thought: 19 words, de\n" in folded
    assert f"\n    thought: {len(CHINESE)} characters, zh\n" in folded
    assert "\n    thought: 1 word\n" in folded
    assert GERMAN not in folded
    whole = show(tmp_path, "p1", "--thoughts").stdout
    assert whole.replace(f"      {CHINESE}\n", "").replace("      12\n", "").replace(
        f"      {GERMAN}\n      <script>x</script>␛[31m␛]0;t␇ [bold]b[/bold] ⟦U+202E⟧:smile:\n"
        "      Answer: 7␛[0m\n", ""
    ) == folded  # fmt: skip
    assert "\x1b" not in whole
    votes = orjson.loads(show(tmp_path, "p1", "--json").stdout)["votes"]
    assert {vote["language"]: vote["thought"] for vote in votes} == thoughts
    assert {vote["thought_closed"] for vote in votes} == {True}


def test_a_thought_without_an_end_and_in_several_languages(tmp_path):
    class Cut(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            text = f"{GERMAN * 2}\n{'Now I count the apples in the basket once more. ' * 4}"
            return replace(done, text="", finish_reason="length", thought=text, closed=False)

    run_in(tmp_path, [PROBLEM], Cut(), languages=["de"], paths=1)
    text = show(tmp_path, "p1").stdout
    assert " words, several languages, not ended\n" in text
    assert "no vote, it was cut off before its answer" in text


def test_a_path_without_a_thought_has_no_line_for_one(run):
    assert show(run, "p1", "--thoughts").stdout == show(run, "p1").stdout
    assert "thought" not in show(run, "p1", "--json").stdout


def test_a_long_line_is_cut_and_quick(tmp_path):
    text = "x" * 1_000_000 + " Answer: 7"
    run_in(tmp_path, [PROBLEM], Says(text), languages=["de"], paths=2)
    began = time.process_time()
    done = show(tmp_path, "p1")
    assert time.process_time() - began < 3
    assert "votes 7" in done.stdout
    assert done.stdout.count("990,010 of 1,000,010 characters are left out …") == 2
    assert len(done.stdout) < 30_000
    whole = show(tmp_path, "p1", "--full").stdout
    assert whole.count(text) == 2


def test_a_terminal_gets_colours_and_lines_that_fit(tmp_path):
    thai = "นีนาขับรถด้วยความเร็วสามสิบกิโลเมตรต่อชั่วโมงเป็นเวลาหกชั่วโมงน้ำกี่ลิตรกำไรทั้งหมดเท่าไร" * 2
    text = f"{thai}\n全部で180キロメートル進みますから、道のりは全部で何キロメートルですかと聞かれたら答えは次の通りです。\nAnswer: 7"
    run_in(tmp_path, [PROBLEM], Says(text), languages=["de"], paths=1)
    text = on_terminal("show", tmp_path, "p1", columns=60).text
    assert "\x1b[1;7m7\x1b[0m" in text  # the answer stands out
    assert "\x1b[38;5;" in text
    plain = on_terminal("show", tmp_path, "p1", columns=60, NO_COLOR="1").plain
    assert "\x1b" not in plain
    dumb = on_terminal("show", tmp_path, "p1", columns=60, TERM="dumb").text
    assert "\x1b" not in dumb
    for shown, width in ((plain, 60), (dumb, 80)):  # rich takes a dumb terminal to have 80
        lines = shown.splitlines()
        assert width - 6 < max(cell_len(line.rstrip()) for line in lines) <= width
        joined = "".join(line.strip() for line in lines)
        assert thai in joined
        assert "何キロメートルですかと聞かれたら答えは次の通りです。" in joined


def test_wrong_tied_and_low_agreement_are_listed(run):
    with open_run(run) as store:
        verdicts = {one.problem.id: one.verdict for one in revote(store)}
    wanted = {
        ("--wrong",): [name for name, one in verdicts.items() if one.answer != "7"],
        ("--tied",): [name for name, one in verdicts.items() if one.tied],
        ("--low-agreement", "0.6"): [name for name, one in verdicts.items() if one.agreement < 0.6],
        ("--wrong", "--tied"): [name for name, one in verdicts.items() if one.answer != "7" and one.tied],
    }  # fmt: skip
    assert all(wanted.values())
    assert len({tuple(ids) for ids in wanted.values()}) > 2
    for options, ids in wanted.items():
        done = show(run, *options)
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ids
        rows = [json.loads(line) for line in show(run, *options, "--json").stdout.splitlines()]
        assert [row["id"] for row in rows] == ids
    first = show(run, "--wrong", "--limit", 1)
    one = wanted["--wrong",][0]
    verdict = verdicts[one]
    tied = " tied" if verdict.tied else ""
    question = PROBLEM.question if one == "p1" else f"Was ist {one[1:]} und 4?"
    assert (
        first.stdout
        == f"{one}\t{verdict.answer}\tgold 7\t{verdict.agreement:.0%}{tied}\t{question}\n"
    )
    assert "These are the first 1; --limit shows more." in first.stderr


def test_a_list_on_a_terminal_has_columns(run):
    lines = on_terminal("show", run, "--wrong", columns=60).plain.splitlines()
    assert len({line.index("gold 7") for line in lines}) == 1
    assert max(map(len, lines)) <= 60


def test_a_list_says_when_it_is_empty(tmp_path):
    run_in(tmp_path, [replace(PROBLEM, gold=None)], Says("Answer: 7"))
    done = show(tmp_path, "--wrong")
    assert (done.stdout, done.stderr) == (
        "",
        "No problem of this run has a gold answer that can be read.\n",
    )
    done = show(tmp_path, "--tied")
    assert (done.stdout, done.stderr) == ("", "No problem of this run matches.\n")


def test_a_strategy_of_several(compared):
    done = show(compared, "p1")
    assert done.returncode == 2
    assert "holds several strategies; choose one with --strategy: sc, sc-en" in done.stderr
    done = show(compared, "p1", "--strategy", "clc")
    assert done.returncode == 2
    assert "has no strategy 'clc'; it holds strategies: sc, sc-en" in done.stderr
    own = show(compared, "p1", "--strategy", "sc").stdout
    assert "Translations" not in own
    assert "Translations" in show(compared, "p1", "--strategy", "sc-en").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["RUN"],
            ["has 20 problems: p1, p2, p3, …; name one", "--wrong, --tied or --low-agreement"],
        ),
        (["RUN", "p 1"], ["no problem 'p 1' is done; did you mean 'p1'"]),
        (["RUN", "\x1b[31m"], ["no problem '\\x1b[31m' is done; clc show"]),
        (["RUN", "p1", "--wrong"], ["--wrong is for a list of problems; leave out the ID"]),
        (["RUN", "--prompts", "--wrong"], ["--prompts goes with the ID of a problem"]),
        (["RUN", "--strategy", "sc", "p1"], ["holds one run; leave out --strategy, or name mine"]),
        (["RUN", "p1", "--language", "xx"], ["unknown language 'xx'"]),
        (["NONE", "p1"], ["not a run folder"]),
    ],
)
def test_what_is_wrong_is_said(run, tmp_path, arguments, words):
    done = show(*({"RUN": run, "NONE": tmp_path}.get(word, word) for word in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


def test_a_run_whose_first_problem_is_not_done(tmp_path):
    with Store(tmp_path) as store:
        store.add_problem(0, PROBLEM)
        store.write_manifest({"identity": {}})
    assert "has no problem that is done" in show(tmp_path).stderr


def test_a_mistyped_id_of_a_large_run_is_looked_for_among_some(tmp_path, monkeypatch):
    monkeypatch.setattr("clc.cli.show._LOOKED_AT", 3)
    run_in(tmp_path, [replace(PROBLEM, id=f"p-{n}", question=f"{n}?") for n in range(6)], paths=1)
    assert "did you mean 'p-0', 'p-1', 'p-2' (of its first 3)?" in show(tmp_path, "p-").stderr


def test_the_command_by_itself(run):
    done = CliRunner().invoke(command, [str(run), "p1", "--no-paths"])
    assert done.exit_code == 0
    assert done.output == show(run, "p1", "--no-paths").stdout
