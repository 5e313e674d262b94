"""``clc ask``: one question, one vote, shown."""

import asyncio
import json
import threading
import time
from contextlib import contextmanager

import pytest

from tests.engines.faulty_replies import ok, status
from tests.engines.faulty_server import FaultyServer, run_in_thread

from .running import call, clc, endpoint
from .terminals import on_terminal

ASK = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
DEAD = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def url():
    with endpoint("--delay", 0) as (served, _):
        yield served


def ask(url, *more, question=ASK, how=call, **given):
    return how("ask", question, "--base-url", url, "--model", "m", "--languages", "en,de,sw",
               "--paths", 9, "--seed", 1, *more, **given)  # fmt: skip


@pytest.mark.slow
def test_the_vote_is_shown(url):
    done = ask(url, how=clc)
    assert done.returncode == 0, done.stderr
    assert "Answer: 7" in done.stdout
    assert "languages" in done.stdout
    assert "█" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_one_path_is_one_vote(url):
    done = ask(url, "--languages", "de", "--paths", 1)
    assert done.stdout.endswith("  1 of 1 vote\n")


def test_json(url):
    done = ask(url, "--json")
    row = json.loads(done.stdout)
    assert row["paths"] == 9
    assert row["answer"] == "7"
    assert done.stderr == ""


def test_paths_are_shown_in_drawing_order(url):
    done = ask(url, "--show-paths")
    heads = [line.split("(")[1][:2] for line in done.stdout.splitlines() if ", weight 1: " in line]
    assert heads == ["en", "de", "sw"] * 3
    assert done.stdout.index("9. Swahili (sw)") < done.stdout.index("Answer: 7  ")


def test_from_standard_input_and_in_another_language(url):
    done = ask(url, "--language", "de", "--json", question="-", stdin="Wie viele sind 3 und 4?\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] is not None


@pytest.mark.parametrize(
    ("question", "more", "word"),
    [
        ("", [], "the question is empty"),
        ("\udcff", [], "not text in UTF-8"),
        (ASK, ["--language", "xx"], "'xx'"),
        (ASK, ["--strategy", "best"], "'best'"),
        (ASK, ["--paths", "0"], "from 1 to 10000"),
    ],
)
def test_bad_input(question, more, word):
    done = ask(DEAD, *more, question=question)
    assert done.returncode == 2
    assert word in done.stderr


def test_a_dead_endpoint_is_a_failed_run():
    done = ask(DEAD, "--attempts", 1)
    assert done.returncode == 1
    assert DEAD in done.stderr


def test_lost_paths_are_shown():
    with endpoint("--chaos", 1, module="tests.engines.faulty_server") as (url, _):
        done = call("ask", ASK, "--strategy", "sc", "--paths", 2, "--base-url", url, "--model", "m",
                    "--timeout", 0.3, "--attempts", 1, "--show-paths")  # fmt: skip
    assert "1. English (en), weight 1: no vote, it was lost (" in done.stdout
    assert "no vote: engine failure" in done.stdout
    assert "No path gave an answer." in done.stdout


@contextmanager
def saying(text):
    """Serve a model that always says ``text``."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    served = []

    async def serve():
        async with FaultyServer(ok(text)) as server:
            served.append(server.url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    try:
        yield served[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.slow
def test_text_of_a_model_does_nothing():
    text = "<script>x</script>\x1b[31m\x1b]0;t\x07 [bold]b[/bold] \u202e:smile:\nAnswer: 7\x1b[0m"
    with saying(text) as url:
        arguments = ("ask", ASK, "--base-url", url, "--model", "m", "--languages", "en",
                     "--paths", 2, "--show-paths")  # fmt: skip
        done = call(*arguments)
        seen = on_terminal(*arguments, NO_COLOR="1")
    for shown in (done.stdout, seen.plain):
        assert "<script>x</script>␛[31m␛]0;t␇ [bold]b[/bold] ⟦U+202E⟧:smile:\n" in shown
        assert "    Answer: 7␛[0m\n" in shown
        assert not [acts for acts in ("\x07", "\u202e", "\x1b]", "\x1b[31m") if acts in shown]
    assert seen.text.endswith("Answer: \x1b[1m7\x1b[0m  2 of 2 votes\n")


@pytest.mark.parametrize("strategy", ["sc", "usc"])
def test_a_long_answer_is_cut_and_quick(strategy):
    with saying("\x1b[2J" + "x" * 1_000_000) as url:
        began = time.process_time()
        done = call("ask", ASK, "--base-url", url, "--model", "m", "--strategy", strategy,
                    "--paths", 3, "--show-paths")  # fmt: skip
        assert time.process_time() - began < 10
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("990,004 of 1,000,004 characters are left out") == 3
    assert len(done.stdout) < 40_000
    assert "\x1b" not in done.stdout


@pytest.fixture(scope="module")
def slow():
    with endpoint("--delay", 2) as (served, _):
        yield served


@pytest.mark.slow
def test_the_vote_is_shown_as_it_forms_and_taken_away_at_the_end(slow):
    done = ask(slow, how=on_terminal)
    assert done.returncode == 0
    forming, _, final = done.plain.rpartition("\x1b[?25h")
    frames = [line for line in forming.splitlines() if " of 9 paths" in line]
    assert 5 < len(frames) <= 8 * done.seconds + 2
    counts = [int(line.split(" of 9 paths")[0].split()[-1]) for line in frames]
    assert counts == sorted(counts)
    assert len(set(counts)) > 3
    assert "tokens/s" in forming
    assert forming.count("languages") > 3  # the heading of a table
    bars = {line.count("█") for line in forming.splitlines()}
    assert len(bars) > 3
    assert "Answer: 7  " in final
    assert final.count("languages") == 1
    assert "tokens/s" not in final
    assert final.startswith("\r\x1b[1A\x1b[2K")  # the last frame goes


@pytest.fixture(scope="module")
def brief():
    with endpoint("--delay", 0.3) as (served, _):
        yield served


@pytest.mark.slow
def test_what_is_shown_meanwhile_is_on_the_terminal_and_not_in_the_file(brief, tmp_path):
    with (tmp_path / "out").open("wb") as file:
        done = ask(brief, "--json", how=on_terminal, stdout=file)
    assert json.loads((tmp_path / "out").read_text())["paths"] == 9
    assert " of 9 paths" in done.plain
    assert "languages" not in done.plain  # with --json, no table
    with (tmp_path / "out").open("wb") as file:
        done = ask(brief, how=on_terminal, stdout=file)
    assert "languages" in done.plain
    assert "Answer" not in done.plain
    assert "\x1b" not in (tmp_path / "out").read_text()


@pytest.mark.slow
def test_a_dumb_terminal_gets_the_vote_only(brief):
    done = ask(brief, how=on_terminal, TERM="dumb")
    assert "\x1b" not in done.text
    assert "tokens/s" not in done.text
    assert "Answer: 7" in done.text


@pytest.mark.slow
def test_ctrl_c_while_the_vote_forms():
    with endpoint("--delay", 1000) as (url, _):
        done = ask(url, "--languages", "en", how=on_terminal, press=("starting", "\x03"))
    assert done.returncode == 130
    assert done.seconds < 200
    assert done.plain.endswith("clc: interrupted\n")
    assert "Traceback" not in done.text
    assert "\x1b[?25h" in done.text  # the cursor is back


def test_a_question_that_lost_every_path_fails():
    with run_in_thread(FaultyServer(status(500, "boom"))) as server:
        done = ask(server.url, "--attempts", 1)
    assert done.returncode == 1
    assert "every path was lost" in done.stderr
    assert "boom" in done.stderr
    assert "Lost: 9 paths" in done.stdout
