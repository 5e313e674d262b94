"""Settings with which a stopping rule cannot stop."""

import random
from itertools import product

import pytest

from clc.records import Answer, Vote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.stopping_check import cannot_stop
from clc.voting.stopping import Stopping, first_stop, never_stops
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import solve

FOUR = ["en", "de", "zh", "fr"]


@pytest.mark.parametrize(
    ("rule", "settings", "certain"),
    [
        (Stopping("cite", correlation=1.0), {"paths": 44}, True),
        (Stopping("mmc", correlation=1.0), {"paths": 44}, True),
        (Stopping("cite"), {"paths": 7}, True),
        (Stopping("cite"), {"paths": 8}, False),
        (Stopping("window", window=8), {"paths": 8}, True),
        (Stopping("window", window=7), {"paths": 8}, False),
        (Stopping("crosslingual", languages=4, correlation=1.0), {"paths": 44}, False),
        (Stopping("crosslingual", threshold=0.99, correlation=1.0), {"paths": 44}, True),
        (Stopping("bayes", correlation=1.0), {"paths": 44}, False),  # not certain: left out
        (Stopping("fixed"), {"paths": 1}, False),
        # Languages that take over from one without a translation may be more.
        (Stopping("cite", correlation=1.0), {"paths": 3}, False),
        (Stopping("cite", correlation=1.0), {"paths": 3, "untranslated": "abstain"}, True),
        (Stopping("cite", correlation=1.0), {"paths": 44, "fidelity": "count"}, False),
        (Stopping("cite"), {"paths": 4, "strategy": "autocap", "languages": None}, False),
    ],
)
def test_certainty(rule, settings, certain):
    strategy = settings.get("strategy", "clc")
    more = {name: value for name, value in settings.items() if name != "strategy"}
    configuration = configure(strategy, stopping=rule, **({"languages": FOUR} | more))
    assert cannot_stop(configuration) is certain


@pytest.mark.parametrize("rule", ["lead", "beta", "dirichlet", "window", "crosslingual", "cite"])
def test_no_votes_stop_a_rule_that_never_stops(rule):
    rng = random.Random(rule)
    certain = 0
    for threshold, correlation, paths in product((0.6, 0.9, 0.99), (0.0, 0.5, 1.0), (2, 5, 9)):
        stopping = Stopping(rule, threshold=threshold, correlation=correlation)
        upcoming = [FOUR[number % 3] for number in range(paths)]
        if not never_stops(stopping, upcoming):
            continue
        certain += 1
        for _ in range(60):
            votes = [Vote("", code, Answer(rng.choice("aab"))) for code in upcoming]
            assert first_stop(stopping, votes, paths, set(upcoming)) is None
    assert certain


def test_a_run_warns_and_takes_the_whole_budget(caplog):
    rule = Stopping("cite", correlation=1.0)
    _, verdict = solve(languages=FOUR, paths=12, stopping=rule)
    assert verdict.paths == 12
    configuration = configure("clc", languages=FOUR, paths=12, stopping=rule)
    Run(configuration, ScriptedEngine(), Store(None)).begin({"given": "by a test"})
    assert "'cite' (threshold 0.95, correlation 1.0) cannot stop within 12 paths" in caplog.text
