"""``clc ask``: one question, one vote, shown."""

import json

import pytest

from .running import call, clc, endpoint

ASK = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
DEAD = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="module")
def url():
    with endpoint("--delay", 0) as (served, _):
        yield served


def ask(url, *more, question=ASK, how=call, **given):
    return how("ask", question, "--base-url", url, "--model", "m", "--languages", "en,de,sw",
               "--paths", 9, *more, **given)  # fmt: skip


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
    heads = [line.split()[0] for line in done.stdout.splitlines() if line.endswith("────")]
    assert [head for head in heads if head in {"en", "de", "sw"}] == ["en", "de", "sw"] * 3


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
        (ASK, ["--paths", "0"], "at least 1"),
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
    assert "(lost: " in done.stdout
    assert "no vote: engine failure" in done.stdout
    assert "No path gave an answer." in done.stdout
