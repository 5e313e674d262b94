"""Foreign text on a terminal: it acts on nothing and fits the screen."""

import io
import time
import unicodedata

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from clc.api import solve_many
from clc.cli.text import LINE_MOST, brief, excerpt, put, visible
from clc.cli.vote_tables import answer_line, detail_lines, vote_table
from clc.datasets import load_problems
from clc.records import Verdict
from tests.engines.scripted import ScriptedEngine

from .running import call

HOSTILE = "<script>7</script> \x1b[31m\x1b]0;title\x07 [bold]b[/bold] [/] \u202e:smile: \x9b2J\r"
SHOWN = "<script>7</script> ␛[31m␛]0;title␇ [bold]b[/bold] [/] ⟦U+202E⟧:smile: ⟦U+009B⟧2J␍"
LONG = "7" * 1_000_000
TEXTS = {
    "th": "นีนาขับรถด้วยความเร็วสามสิบกิโลเมตรต่อชั่วโมงเป็นเวลาหกชั่วโมง น้ำกี่ลิตร กำไรทั้งหมดเท่าไร",
    "bn": "এই বেগে গাড়িটি ক্ষিপ্র গতিতে ছয় ঘণ্টা চলে, তাহলে মোট কত কিলোমিটার পথ অতিক্রম করে?",
    "te": "ఈ వేగంతో స్త్రీ ఆరు గంటల పాటు ప్రయాణిస్తే మొత్తం ఎన్ని కిలోమీటర్లు వెళ్తుంది?",
    "hi": "क्षत्रिय ने छह घंटे में कितने किलोमीटर की यात्रा की, और कितनी दूरी बची?",
    "ja": "ニーナさんは午前に30キロメートル進み、午後は6時間走ります。ガｷﾞｸﾞ道のりは全部で何キロですか。",
    "zh": "妮娜上午行驶了三十公里，下午又以每小时三十公里的速度行驶了六个小时，一共行驶了多少公里？",
    "ko": "니나는 오전에 삼십 킬로미터를 갔고 오후에 여섯 시간을 더 갔습니다. 각각",
    "emoji": "👩‍👩‍👧‍👦👍🏽🇩🇪🇯🇵 ❤️ e\u0301e\u0301 " * 3,
    "en": "a " * 30 + "incomprehensibilities" * 6,
}


def printed(*renderables, terminal=False, width=80, **more):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=width, **more)
    for one in renderables:
        put(console, one) if isinstance(one, Text) else console.print(one)
    return file.getvalue()


def test_what_acts_is_shown():
    assert visible(HOSTILE) == SHOWN
    assert visible("a\tb\nc") == "a␉b␊c"
    assert visible("a\tb\nc\x0b", lines=True) == "a\tb\nc␋"
    assert visible("\udcff\u2028\x7f") == "⟦U+DCFF⟧⟦U+2028⟧␡"


def test_no_control_and_no_bidi_format_is_left_and_everything_else_stays():
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for code in range(0x110000):
        character = chr(code)
        kind = unicodedata.category(character)
        if kind in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(character) in bidi:
            assert visible(character) != character, hex(code)
        elif kind != "Cf":
            assert visible(character) == character, hex(code)
    assert all(visible(mark) != mark for mark in "\u200e\u200f\u061c")
    assert visible("क्\u200dष \u200c") == "क्\u200dष \u200c"  # joiners are letters' business


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("width", [7, 11, 40, 80])
def test_lines_fit_and_nothing_is_lost_or_torn(language, width):
    text = TEXTS[language]
    lines = printed(Text(text), terminal=True, width=width).splitlines()
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert max(map(cell_len, lines)) <= width
    assert "M" not in {unicodedata.category(line[0])[0] for line in lines}


def test_brief_is_one_line_that_fits():
    assert brief("short") == "short"
    assert brief("two\nlines") == "two␊lines"
    assert brief("x" * 41) == "x" * 39 + "…"
    assert brief("x" * 40) == "x" * 40
    for text in (LONG, HOSTILE * 100, "日" * 41, "\u0301" * 100_000):
        assert cell_len(brief(text)) <= 40
        assert brief(text).endswith("…")


def test_an_excerpt_marks_the_answer_where_it_was_read():
    text = "\x1b1 + 2\nAnswer: 3\x07"
    shown = excerpt(text, marked=(15, 16))
    assert shown.plain == "␛1 + 2\nAnswer: 3␇"
    (span,) = [span for span in shown.spans if span.style]
    assert shown.plain[span.start : span.end] == "3"


def test_the_middle_of_a_long_line_is_left_out_and_its_length_said():
    text = "begin " + "x" * 1_000_000 + " 42 " + "y" * 1_000_000 + " end\nnext"
    at = text.index("42")
    shown = excerpt(text, marked=(at, at + 2)).plain
    assert len(shown) < LINE_MOST + 300
    assert shown.startswith("begin xxx")
    assert shown.endswith("yyy end\nnext")
    assert " of 2,000,014 characters are left out … 42 … " in shown
    assert excerpt(text, full=True).plain == text


def test_a_cut_does_not_tear_a_cluster():
    text = "कि" * 100_000 + "क"
    assert text[len(text) - LINE_MOST // 2] == "ि"
    assert excerpt(text).plain.split(" … ")[-1][0] == "क"


def test_elsewhere_than_on_a_terminal_lines_go_out_as_they_are():
    line = "word " * 50 + "\tend"
    assert printed(Text(line)) == line + "\n"
    assert max(map(len, printed(Text(line), terminal=True).splitlines())) <= 80


@pytest.mark.parametrize("answer", [HOSTILE, LONG, HOSTILE * 10_000])
def test_only_its_own_cell_is_concerned(answer):
    began = time.process_time()
    verdict = Verdict("q", answer, 2, 3, 0.6, False, {answer: {"en": 1, "de": 1}, "8": {"sw": 1}})
    lines = printed(vote_table(verdict)).splitlines()
    assert time.process_time() - began < 1
    assert lines[1].split() == ["answer", "votes", "languages"]
    assert lines[3].rstrip().endswith("2   █████████████   en de")
    assert lines[4].split() == ["8", "1", "███████", "sw"]
    assert brief(answer) in lines[3]
    assert max(map(cell_len, lines)) <= 80
    (line,) = printed(answer_line(verdict)).splitlines()
    assert line.startswith(f"Answer: {SHOWN[:20]}" if answer is not LONG else "Answer: 777")
    assert line.endswith("  2 of 3 votes")


def test_an_answer_is_no_markup():
    answer = "[red]7[/red] [/] :smile:"
    verdict = Verdict("q", answer, 1, 1, 1, False, {answer: {"en": 1}})
    assert answer in printed(vote_table(verdict), terminal=True)
    assert answer in printed(answer_line(verdict), terminal=True)


def test_bars_add_up_to_the_whole_and_have_their_languages_colours():
    tally = {"7": dict.fromkeys(("en", "de", "sw"), 1), "8": {"zh": 4}}
    verdict = Verdict("q", "8", 4, 7, 4 / 7, False, tally)
    styles = {"en": "red", "de": "green", "sw": "blue", "zh": "yellow"}
    table = vote_table(verdict, styles)
    bar, other = table.columns[2]._cells
    assert isinstance(bar, Text)
    assert isinstance(other, Text)
    assert len(bar) + len(other) == 20
    assert [span.style for span in bar.spans] == ["red", "green", "blue"]
    plain = printed(vote_table(verdict, styles), terminal=True, no_color=True)
    assert plain == printed(vote_table(verdict), terminal=True, no_color=True)


def test_details_from_a_model_are_one_line():
    plan = {"weights": {"en": 1.0}, "faults": ["no \x1b[2J list\nclc: fine"]}
    verdict = Verdict("q", "8", 1, 1, 1, False, {"8": {"en": 1}}, details={"plan": plan})
    (line,) = detail_lines(verdict, 1)
    assert line.endswith("en 1 (repaired: no ␛[2J list␊clc: fine)")


def test_an_error_shows_what_a_file_is_called(tmp_path):
    folder = tmp_path / "\x1b[31mred\u202e\x07"
    done = call("score", folder)
    assert done.returncode == 2
    assert done.stderr.startswith(f"clc: {tmp_path}/␛[31mred⟦U+202E⟧␇: not a run folder")
    done = call("score", "one", "\x07two")
    assert done.returncode == 2
    assert "unexpected extra argument (␇two)" in done.stderr


def test_a_folder_is_no_markup(tmp_path):
    file = tmp_path / "q.tsv"
    file.write_text("What is 3 + 4?\t7\n")
    runs = [tmp_path / name for name in ("[bold]1", "[red]\x1b[7m")]
    for run in runs:
        done = list(
            solve_many(
                load_problems(file), engine=ScriptedEngine(), strategy="sc", paths=3, store=run
            )
        )
        assert len(done) == 1
    done = call("score", runs[0], "--against", runs[1])
    assert done.returncode == 0, done.stderr
    done = call("compare", *runs, "--reference", runs[0].name)
    assert done.returncode == 0, done.stderr
    assert "[bold]1" in done.stdout
    assert "[red]␛[7m" in done.stdout


def test_paths_without_a_language_are_counted(tmp_path):
    file = tmp_path / "g.jsonl"
    file.write_text('{"id": "a", "response": "Answer: 7", "gold": "7"}\n')
    done = call("vote", file, "--out", tmp_path / "verdicts.jsonl")
    assert done.returncode == 0, done.stderr
    assert "unknown (und)" in done.stderr


def test_a_prompt_shows_what_a_question_holds():
    done = call("prompts", "show", "cot", "--question", "How\x1b[31m many?")
    assert "How␛[31m many?" in done.stdout
    assert "\n" in done.stdout
