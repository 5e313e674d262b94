"""The translation cache: thoughts and their tokens, caches of an older clc, polluted rows."""

import asyncio
import dataclasses
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clc.errors import StoreError
from clc.prompts.templates import Templates
from clc.records import Problem, Step, Usage
from clc.runs.store import Store
from clc.runs.translation_cache import TranslationCache
from clc.solving.configure import configure
from clc.solving.solver import Solver
from clc.thoughts import load_marks
from tests.engines.scripted import ScriptedEngine

PROBLEM = Problem("p", "Tom hat 3 Äpfel und kauft 12 dazu. Wie viele hat er?", "de", "15")
OLD = (
    "CREATE TABLE translations (key TEXT PRIMARY KEY, language TEXT, text TEXT,"
    " finish_reason TEXT, prompt_tokens INTEGER, completion_tokens INTEGER)"
)
PLAIN = Step("translation", "sw", "Tom ana 3", "stop", Usage(9, 5))
STEPS = {
    "plain": PLAIN,
    "thought": PLAIN._replace(usage=Usage(9, 25, 20), thought="3? Ja.", closed=True),
    "open": PLAIN._replace(text="", finish_reason="length", thought="3", closed=False),
    "hidden": PLAIN._replace(usage=Usage(9, 25, 20)),  # a server that counts thoughts, and has none
}


@pytest.fixture
def cache(tmp_path):
    with closing(TranslationCache(tmp_path)) as opened:
        yield opened


def older(folder, rows=()):
    """Write a cache as an older clc did."""
    with closing(sqlite3.connect(folder / "translations.sqlite")) as database, database:
        database.execute(OLD)
        database.executemany("INSERT INTO translations VALUES (?, ?, ?, ?, ?, ?)", rows)


@pytest.mark.parametrize("name", STEPS)
def test_what_goes_in_comes_out(cache, name):
    cache.put("k", STEPS[name])
    assert cache.get("k") == STEPS[name]
    cache.put("k", PLAIN._replace(text="other"))  # one that is there stays
    assert cache.get("k") == STEPS[name]
    assert cache.get("other") is None


def test_an_older_cache_is_read_and_an_older_clc_can_write_into_a_newer_one(tmp_path):
    older(tmp_path, [("k", "sw", "Tom ana 3", "stop", 9, 5)])
    with closing(TranslationCache(tmp_path)) as cache:
        assert cache.get("k") == PLAIN
        cache.put("new", STEPS["thought"])
        with closing(sqlite3.connect(tmp_path / "translations.sqlite")) as database, database:
            row = ("older", "sw", "Tom ana 3", "stop", 9, 5)
            database.execute("INSERT INTO translations VALUES (?, ?, ?, ?, ?, ?)", row)
        assert cache.get("older") == PLAIN
        assert cache.get("new") == STEPS["thought"]


@pytest.mark.parametrize(
    "change", ["thought = x'00ff'", "closed = 'yes'", "reasoning_tokens = NULL", "thought = NULL"]
)
def test_a_damaged_thought_is_made_again(tmp_path, cache, change):
    cache.put("k", STEPS["thought"])
    with closing(sqlite3.connect(tmp_path / "translations.sqlite")) as database, database:
        database.execute(f"UPDATE thoughts SET {change}")
    assert cache.get("k") is None
    cache.put("k", PLAIN)
    assert cache.get("k") == PLAIN


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.slow
def test_a_changed_byte_is_noticed(name, tmp_path):
    with closing(TranslationCache(tmp_path / "whole")) as cache:
        cache.put("key-of-a-try", STEPS[name])
        cache.put("another", PLAIN._replace(text="Tom ana 5"))
    data = (tmp_path / "whole" / "translations.sqlite").read_bytes()
    used = [position for position, byte in enumerate(data) if byte]
    (tmp_path / "cache").mkdir()
    wrong = dropped = 0
    for position in used:
        changed = bytearray(data)
        changed[position] ^= 0x01
        (tmp_path / "cache" / "translations.sqlite").write_bytes(changed)
        try:
            with closing(TranslationCache(tmp_path / "cache")) as cache:
                step = cache.get("key-of-a-try")
        except StoreError:
            continue
        dropped += step is None
        wrong += step not in {None, STEPS[name]}
    assert wrong == 0
    assert dropped > 10


def test_the_tokens_of_a_translations_thought_count_in_every_run(tmp_path, cache):
    verdicts = []
    for seed in range(2):
        engine = ScriptedEngine(think=lambda _: "a thought of five words")
        verdicts.append(solve(engine, cache, seed=seed))
    assert engine.translations == []
    first, second = (one.translation_usage for one in verdicts)
    assert first == second
    assert first.reasoning_tokens == 2 * 5


def solve(engine, cache=None, store=None, **changes):
    chosen: dict = {"languages": ["en", "sw"], "paths": 2} | changes
    with Store(None) if store is None else store as held:
        solver = Solver(
            engine, configure("clc", **chosen), templates=Templates(), store=held, cache=cache
        )
        return asyncio.run(solver.solve(PROBLEM))


class Inline(ScriptedEngine):
    """Leaves the thought in the text, as an older clc did."""

    def __init__(self, wrap):
        super().__init__()
        self.wrap = wrap

    async def complete(self, request):
        done = await super().complete(request)
        if request in self.translations:
            return dataclasses.replace(done, text=self.wrap(done.text))
        return done


FAMILIES = [
    (opening, closing_)
    for family in load_marks().families
    for opening in (*family.open, *family.bare_open)
    for closing_ in (family.close or family.bare_close)[:1]
]


PAIRED = {ending for family in load_marks().families if family.paired for ending in family.close}


@settings(max_examples=60, deadline=None)
@given(
    marks=st.sampled_from(FAMILIES),
    space=st.sampled_from(["", "\n", "\n\n"]),
    opened=st.booleans(),
    stored=st.booleans(),
)
@pytest.mark.slow
def test_no_prompt_holds_a_thought_of_a_polluted_translation(
    tmp_path_factory, marks, space, opened, stored
):
    """The thought keeps the question's numbers, so that only its marks tell it apart."""
    opening, ending = marks
    if opened and (ending.strip()[0].isalpha() or ending in PAIRED):
        opened = False  # bare words, and marks in pairs, close only what an opening mark began

    def wrap(text):
        started = "" if opened else f"{opening}{space}"
        return f"{started}THOUGHT of 3 and 12.{space}{ending}{space}{text}"

    folder = tmp_path_factory.mktemp("cache")
    older(folder)
    with closing(TranslationCache(folder)) as cache:
        polluting, engine = Inline(wrap), ScriptedEngine()
        if stored:  # in the run itself, under the same keys
            with Store(folder / "run") as store:
                solve(polluting, store=store)
            solve(engine, store=Store(folder / "run"), seed=1)
        else:
            solve(polluting, cache)
            solve(engine, cache)
            assert len(engine.translations) == len(polluting.translations) > 0
    prompts = [message["content"] for one in engine.requests for message in one.messages]
    assert any("[Swahili] Tom" in text for text in prompts)
    assert not [text for text in prompts if "THOUGHT" in text]
