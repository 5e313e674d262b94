"""The paths of arms whose translation failed: given to others, abstaining, or asking the original."""

import asyncio
import dataclasses
import json
import random

import pytest

from clc.analysis.comparison_entries import problem_outcome
from clc.analysis.export import export
from clc.analysis.scoring import score, scored_rows
from clc.errors import ConfigurationError
from clc.records import Problem
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.strategies.strategy import Arm, Strategy
from clc.voting.stopping import Stopping
from tests.cli.running import call
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import PROBLEM, problems, run, solve

DETAILS = {"rule": "give", "paths": {"zh": 4}, "given_to": {"en": 2, "de": 2}}


class Mistranslates(ScriptedEngine):
    """Its translations into some languages lose the numbers; ``keep`` are questions that it can."""

    def __init__(self, *names, keep=(), **options):
        super().__init__(**options)
        self.names = names
        self.keep = keep

    async def complete(self, request):
        done = await super().complete(request)
        content = request.messages[-1]["content"]
        if any(f"into {name}." in content for name in self.names) and not any(
            text in content for text in self.keep
        ):
            return dataclasses.replace(done, text="Some text without any number.")
        return done


def languages(store):
    """Return the languages of the paths of problem p in drawing order, those without a path too."""
    return [(arm.language, key is not None) for arm, key in store.plan("p").paths]


def test_others_sample_the_paths_of_an_arm_without_a_translation():
    store = Store(None)
    made, verdict = solve(engine=Mistranslates("Chinese"), store=store, paths=12)
    assert verdict.paths == made.counters.drawn == 12  # the whole budget
    assert verdict.abstentions["translation"] == {"zh": 4}
    assert verdict.details["untranslated"] == DETAILS
    turn = [("en", True), ("de", True), ("zh", False)]
    assert languages(store) == [*turn * 4, *turn[:2] * 2]
    (again,) = revote(store)
    assert again.verdict == verdict


def test_the_given_paths_are_those_of_a_larger_budget():
    small, large = Store(None), Store(None)
    solve(engine=Mistranslates("Chinese"), store=small, paths=12)
    solve(store=large, paths=18)
    assert set(small.plan("p").keys()) <= set(large.plan("p").keys())


def test_an_arm_that_gets_paths_may_fail_too():
    _, verdict = solve(engine=Mistranslates("Chinese", "English"), paths=6)
    assert verdict.paths == 6
    assert verdict.details["untranslated"]["given_to"] == {"de": 4}
    # Nobody is left: the German question is not asked in German.
    strategy = Strategy("two", (Arm("en"), Arm("zh")), paths=4, temperature=0.7)
    engine = Mistranslates("Chinese", "English")
    _, verdict = solve(engine=engine, strategy=strategy, languages=None, paths=4)
    assert verdict.paths == 0
    assert verdict.details["untranslated"]["given_to"] == {}


def test_abstaining_is_as_before():
    _, verdict = solve(engine=Mistranslates("Chinese"), paths=12, untranslated="abstain")
    assert verdict.paths == 8
    assert verdict.abstentions["translation"] == {"zh": 4}
    assert "untranslated" not in verdict.details


def test_the_original_question_is_asked():
    store, engine = Store(None), Mistranslates("Chinese")
    _, verdict = solve(engine=engine, store=store, paths=6, untranslated="original")
    assert verdict.paths == 6
    assert "translation" not in verdict.abstentions
    assert verdict.details["untranslated"] == {"rule": "original", "paths": {"zh": 2}}
    prompts = [
        one.messages[-1]["content"] for one in engine.requests if one not in engine.translations
    ]
    chinese = [content for content in prompts if "答案" in content]
    assert len(chinese) == 2
    assert all(PROBLEM.question in content for content in chinese)
    assert [code for code, there in languages(store) if there] == ["en", "de", "zh"] * 2
    # The failed tries at the translation are paid for.
    tokens = {arm.language: arm.translation_usage.total for arm in store.plan("p").arms}
    assert tokens["zh"] > tokens["en"] > 0 == tokens["de"]
    (again,) = revote(store)
    assert again.verdict == verdict


def test_an_original_that_another_arm_asks_samples_other_paths():
    asks = Arm("zh", question="original")
    strategy = Strategy("both", (asks, Arm("zh")), paths=6, temperature=0.7)
    store = Store(None)
    _, verdict = solve(
        engine=Mistranslates("Chinese"), store=store, strategy=strategy, languages=None, paths=6,
        untranslated="original",
    )  # fmt: skip
    keys = store.plan("p").keys()
    assert len(set(keys)) == 6 == verdict.paths
    (again,) = revote(store)
    assert again.verdict == verdict


def test_greedy_paths_are_not_given():
    _, verdict = solve(engine=Mistranslates("Chinese"), paths=3, temperature=0)
    assert verdict.paths == 2
    assert verdict.details["untranslated"]["given_to"] == {}


@pytest.mark.parametrize("rule", ["fixed", "lead", "beta"])
def test_arrival_changes_nothing(rule):
    found = set()
    for seed in range(5):
        rng = random.Random(seed)
        engine = Mistranslates("Chinese", "French", delay=lambda _: rng.random() / 200)  # noqa: B023
        store = Store(None)
        _, verdict = solve(
            engine=engine, store=store, languages=["zh", "en", "fr", "de"], paths=14,
            stopping=rule, ahead=rng.randrange(6),
        )  # fmt: skip
        found.add((verdict.answer, verdict.paths, str(verdict.details), str(store.plan("p"))))
    assert len(found) == 1


def test_lead_loses_nothing():
    for seed in range(20):
        options = {"engine": Mistranslates("Chinese"), "paths": 9, "seed": seed}
        _, whole = solve(**options)
        _, early = solve(**{**options, "engine": Mistranslates("Chinese")}, stopping="lead")
        assert early.answer == whole.answer
        assert early.paths <= whole.paths


def test_a_lost_translation_is_not_given():
    def lose(request):
        return "503" if "into Chinese" in request.messages[0]["content"] else None

    _, verdict = solve(engine=ScriptedEngine(lose=lose), paths=6)
    assert verdict.abstentions["engine_failure"] == {"zh": 2}
    assert "untranslated" not in verdict.details


def test_a_run_that_goes_on_is_the_same_byte_for_byte(tmp_path):
    def exported(folder, *stops):
        for stop in stops:
            with Store(folder) as store:
                engine = Mistranslates("Chinese", keep=["sind 3"])
                if stop is not None:
                    asked = engine.complete
                    count = iter(range(stop))

                    async def complete(request, asked=asked, count=count):
                        if next(count, None) is None:
                            raise KeyboardInterrupt
                        return await asked(request)

                    engine.complete = complete  # type: ignore[method-assign]
                    with pytest.raises(KeyboardInterrupt):
                        run(problems(6), store, engine)
                else:
                    run(problems(6), store, engine)
                    export(store)
        return (folder / "verdicts.jsonl").read_bytes(), (folder / "samples_run.jsonl").read_bytes()

    whole = exported(tmp_path / "whole", None)
    assert whole == exported(tmp_path / "parts", 9, 30, None)
    rows = [json.loads(line) for line in whole[0].splitlines()]
    assert {row["id"]: "untranslated" in row for row in rows} == {
        f"p-{number}": number != 3 for number in range(6)
    }


def test_an_unknown_rule():
    with pytest.raises(ConfigurationError, match="unknown untranslated 'drop'; there are: give"):
        configure("clc", untranslated="drop")  # type: ignore[arg-type]


def old_run(folder):
    """Make a run as clc made it before the setting was there, and return its verdicts."""
    from clc.solving.run import Run

    configuration = configure("clc", languages=["en", "de", "zh"], paths=6, untranslated="abstain")

    async def solve_all(store, configuration):
        work = Run(configuration, Mistranslates("Chinese"), store)
        work.begin({"given": "by a test"})
        found = [verdict async for verdict in work.verdicts([PROBLEM])]
        work.finish()
        return found

    with Store(folder) as store:
        found = asyncio.run(solve_all(store, configuration))
        manifest = store.manifest()
        del manifest["identity"]["untranslated"]
        store.write_manifest({**manifest, "finished": False})
    return found, solve_all


def test_a_run_of_an_older_clc_goes_on_as_it_began(tmp_path, caplog):
    before, solve_all = old_run(tmp_path / "run")
    configuration = configure("clc", languages=["en", "de", "zh"], paths=6)
    with Store(tmp_path / "run") as store:
        assert asyncio.run(solve_all(store, configuration)) == before
        assert "started by an older clc" in caplog.text
        assert store.manifest()["identity"]["untranslated"] == "abstain"
    with Store(tmp_path / "run") as store, pytest.raises(ConfigurationError, match="untranslated"):
        asyncio.run(solve_all(store, configuration))


def test_show_states_where_the_paths_went(tmp_path):
    with Store(tmp_path / "run") as store:
        run([Problem("p", "Wie viele sind 3 und 2?", "de", "5")], store, Mistranslates("Chinese"))
    shown = call("show", tmp_path / "run", "p").stdout
    assert "No translation (zh 2): paths given to en 1, de 1" in " ".join(shown.split())


def solved_in(store):
    (one,) = revote(store)
    return one


def test_given_paths_count_once_in_figures():
    store = Store(None)
    solve(engine=Mistranslates("Chinese"), store=store, paths=12)
    one = solved_in(store)
    outcome = problem_outcome(*one)
    assert [path.language for path in outcome.paths].count("zh") == 0
    assert len(outcome.paths) == len(outcome.path_preparation) == len(one.counted_votes) == 12
    assert sum(outcome.path_preparation) == outcome.preparation_tokens
    figures = score(scored_rows(store))
    assert sum(one.accuracy.total for one in figures.by_reasoning_language.values()) == 12
    assert figures.paths == 12


def test_paths_that_no_arm_took_count():
    strategy = Strategy("two", (Arm("en"), Arm("zh")), paths=4, temperature=0.7)
    store = Store(None)
    engine = Mistranslates("Chinese", "English")
    solve(engine=engine, strategy=strategy, languages=None, paths=4, store=store)
    outcome = problem_outcome(*solved_in(store))
    assert [path.answer for path in outcome.paths] == [None] * 4


def test_an_early_stop_counts_what_was_sampled():
    store = Store(None)
    _, verdict = solve(
        engine=Mistranslates("Chinese"), store=store, paths=12,
        stopping=Stopping("beta", threshold=0.7),
    )  # fmt: skip
    assert 0 < verdict.paths < 12
    assert len(problem_outcome(*solved_in(store)).paths) == verdict.paths


def test_failed_replacements_are_in_the_detail():
    store = Store(None)
    _, verdict = solve(
        engine=Mistranslates("Chinese", "English"), store=store, paths=2,
        languages=["en", "fr", "zh", "de"],
    )  # fmt: skip
    assert verdict.details["untranslated"] == {
        "rule": "give", "paths": {"en": 1, "zh": 1}, "given_to": {"de": 1},
    }  # fmt: skip
    assert len(problem_outcome(*solved_in(store)).paths) == verdict.paths == 2


def test_a_later_vote_counts_given_paths_once(tmp_path):
    with Store(tmp_path / "run") as store:
        run([Problem("p", "Wie viele sind 3 und 2?", "de", "5")], store, Mistranslates("Chinese"))
        export(store)
    row = json.loads(call("vote", tmp_path / "run").stdout)
    assert row["paths"] == 6
    assert row["abstentions"]["translation"] == {"zh": 2}
