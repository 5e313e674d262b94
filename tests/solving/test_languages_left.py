"""Paths that left their language."""

import dataclasses

import pytest

from tests.engines.scripted import ScriptedEngine
from tests.solving.solved import agree, solved

GERMAN = "Zuerst zählen wir alle Äpfel im Korb und dann rechnen wir zusammen.\nAntwort: 7"
FRENCH = "D'abord nous comptons toutes les pommes dans le panier et puis.\nRéponse : 7"


def test_a_path_that_left_its_language_counts_for_the_one_it_used():
    _, verdict = solved(agree(GERMAN), fidelity="count", paths=4)
    assert verdict.tally == {"7": {"de": 4}}


def test_a_path_that_left_its_language_is_drawn_again():
    made, verdict = solved(agree(FRENCH), fidelity="redraw", languages=["en", "fr"], paths=2)
    assert verdict.tally == {"7": {"en": 1, "fr": 1}}
    assert made.counters.drawn == 4  # the English one twice more
    assert verdict.paths == 2
    assert verdict.translation_usage.completion_tokens > 0


MIXED = f"{GERMAN * 3}\n{FRENCH * 3}"


@pytest.mark.parametrize(
    ("thought", "drawn"),
    [(GERMAN, {"de": 1, "fr": 3}), (FRENCH, {"de": 3, "fr": 1}), (MIXED, {"de": 1, "fr": 1}),
     ("3 + 4 = 7", {"de": 1, "fr": 1})],
)  # fmt: skip
def test_the_thought_is_looked_at_where_there_is_one(thought, drawn):
    class Thinks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "into" in request.messages[-1]["content"][:40]:
                return done
            return dataclasses.replace(done, text=FRENCH, thought=thought, closed=True)

    made, verdict = solved(Thinks(), fidelity="redraw", languages=["de", "fr"], paths=2)
    engine = made.sampler.engine.engine
    asked = [one.messages[-1]["content"] for one in engine.requests
             if one not in engine.translations]  # fmt: skip
    french = sum("[French]" in content for content in asked)
    assert {"de": len(asked) - french, "fr": french} == drawn
    assert verdict.tally == {"7": {"de": 1, "fr": 1}}


@pytest.mark.parametrize(("thought", "language"), [(GERMAN, "de"), (FRENCH, "fr"), (MIXED, "en")])
def test_a_path_counts_for_the_language_that_it_thought_in(thought, language):
    class Thinks(ScriptedEngine):
        async def complete(self, request):
            done = await super().complete(request)
            if "into" in request.messages[-1]["content"][:40]:
                return done
            return dataclasses.replace(done, text=GERMAN, thought=thought, closed=True)

    _, verdict = solved(Thinks(), fidelity="count", languages=["en"], paths=2)
    assert verdict.tally == {"7": {language: 2}}
