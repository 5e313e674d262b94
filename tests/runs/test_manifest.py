"""What a run is, and what may change when it goes on."""

import pytest

from clc.errors import ConfigurationError
from clc.prompts.templates import Templates
from clc.records import Problem, ReasoningPath, Step, Usage
from clc.runs.resume import _BEFORE, begin_run, check_same_run, differences, versions
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from tests.engines.scripted import ScriptedEngine

DATASET = {"source": "x.tsv"}


def begin(
    folder,
    *,
    limit=None,
    engine=None,
    templates=None,
    translator=None,
    finish=False,
    sampled=True,
    **given,
):
    settings: dict = {"languages": ["en", "de"], "paths": 4} | given
    configuration = configure(settings.pop("strategy", "clc"), **settings)
    with Store(folder) as store:
        run = Run(configuration, engine or ScriptedEngine(), store, translator, templates)
        done = run.begin(DATASET, limit)
        if sampled:
            usage = Usage(3, 4)
            store.add_path(ReasoningPath("path", "p", "en", 0, 5, "The answer is 7", "stop", usage))
        if finish:
            run.finish()
        return done


def test_the_same_run_goes_on_and_a_finished_one_is_done(tmp_path):
    assert not begin(tmp_path)
    assert not begin(tmp_path, finish=True)
    assert begin(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"paths": 4}, {"paths": 8}),
        ({"limit": 3}, {"limit": 5}),
        ({"limit": 3}, {"limit": None}),
    ],
)
def test_a_run_may_grow_and_not_shrink(tmp_path, before, after):
    begin(tmp_path, finish=True, **before)
    assert not begin(tmp_path, **after)
    with pytest.raises(ConfigurationError, match=f"{next(iter(before))}: "):
        begin(tmp_path, **before)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"seed": 1}, "seed: 0 -> 1"),
        ({"temperature": 0.5}, "sampling.temperature: 0.7 -> 0.5"),
        ({"max_tokens": 5}, "sampling.max_tokens: 1024 -> 5"),
        ({"stop": ["x"]}, 'sampling.stop: [] -> ["x"]'),
        ({"languages": ["de", "en"]}, 'languages: ["en","de"] -> ["de","en"]'),
        ({"strategy": "sc"}, 'strategy.name: "clc" -> "sc"'),
        ({"human_translations": False}, "human_translations: true -> false"),
        ({"engine": ScriptedEngine(fingerprint="b")}, 'engine: "scripted" -> "b"'),
        ({"translator": ScriptedEngine(fingerprint="t")}, 'translator: "scripted" -> "t"'),
        ({"templates": Templates(overrides={"cot": "--- user\nx"})}, "templates.cot: "),
    ],
)
def test_another_configuration_is_refused_with_the_differences(tmp_path, change, shown):
    begin(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        begin(tmp_path, **change)
    assert shown in str(caught.value)
    assert "another configuration" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert not begin(tmp_path)  # and nothing has changed


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"temperature": 0.5},
        {"max_tokens": 5},
        {"paths": 2},
        {"limit": 3},
        {"languages": ["de", "en"]},
        {"strategy": "sc"},
        {"engine": ScriptedEngine(fingerprint="b")},
        {"translator": ScriptedEngine(fingerprint="t")},
        {"templates": Templates(overrides={"cot": "--- user\nx"})},
    ],
)
def test_a_run_in_which_nothing_was_sampled_takes_another_configuration(tmp_path, change):
    begin(tmp_path, sampled=False, limit=5)
    with Store(tmp_path) as store:  # what a run leaves whose every request was refused
        store.add_problem(0, Problem("a", "1 + 1?", "en"))
        store.add_failure("k", "400: unknown field")
        store.keep_seconds(0.0)
    begin(tmp_path, sampled=False, **change)
    with Store(tmp_path, read_only=True) as run:
        assert (run.started(), run.commonest_failure()) == (0, None)
        assert run.manifest()["finished"] is False
    begin(tmp_path, **change)
    with pytest.raises(ConfigurationError, match="another configuration"):
        begin(tmp_path, seed=7)


def test_a_translation_counts_as_sampled(tmp_path):
    begin(tmp_path, sampled=False)
    with Store(tmp_path) as store:
        store.add_step("t", Step("translation", "de", "Eins und eins?", "stop", Usage(1, 2)))
    with pytest.raises(ConfigurationError, match="seed: 0 -> 1"):
        begin(tmp_path, seed=1)
    assert not begin(tmp_path)


@pytest.mark.parametrize("field", [{"finished": True}, {"seconds": 2.5}])
def test_a_run_whose_store_is_gone_is_not_replaced(tmp_path, field):
    begin(tmp_path)
    with Store(tmp_path) as store:
        store.write_manifest(store.manifest() | field)
    (tmp_path / "run.sqlite").unlink()
    with pytest.raises(ConfigurationError, match="seed: 0 -> 1"):
        begin(tmp_path, seed=1)


def test_another_strategy_of_the_folder_is_not_cleared(tmp_path):
    with Store(tmp_path) as store:
        for label in ("sc", "clc"):
            configuration = configure(label, languages=["en", "de"], paths=4)
            Run(configuration, ScriptedEngine(), store.labelled(label)).begin(DATASET)
        usage = Usage(3, 4)
        store.add_path(ReasoningPath("path", "p", "en", 0, 5, "The answer is 7", "stop", usage))
        other = configure("sc", languages=["en", "de"], paths=4, seed=1)
        with pytest.raises(ConfigurationError, match="seed: 0 -> 1"):
            Run(other, ScriptedEngine(), store.labelled("sc")).begin(DATASET)


def test_other_cue_words_are_another_run(tmp_path):
    begin(tmp_path / "run")
    (tmp_path / "languages.toml").write_text('[de]\nlabel = "Ergebnis:"\n')
    with pytest.raises(ConfigurationError, match="cues: "):
        begin(tmp_path / "run", templates=Templates(tmp_path))


def test_a_manifest_of_something_else_is_refused(tmp_path):
    with Store(tmp_path) as store:
        store.write_manifest({"other": 1})
    with pytest.raises(ConfigurationError, match="another configuration"):
        begin(tmp_path)


def test_another_version_of_the_engine_is_said_and_that_of_others_is_not(caplog, monkeypatch):
    def begin(engine, before, seconds=2.0):
        caplog.clear()
        wanted = {**_BEFORE, "engine": engine}
        stored = {"identity": wanted, "seconds": seconds, "versions": [before]}
        begin_run(stored, wanted, "run", count=lambda: (0, 0), clear=lambda: False)
        return caplog.text

    monkeypatch.setattr("clc.runs.resume.version", lambda _: "2.0")
    older = {"torch": "1.0", "vllm": "2.0", "transformers": "1.0"}
    said = begin("transformers:folder@1", older)
    assert "(transformers 1.0 -> 2.0, torch 1.0 -> 2.0)" in said
    assert "its paths are of both" in said
    assert "(torch 1.0 -> 2.0)" in begin("vllm:folder@1", older)
    assert not begin("openai:m", older)
    assert not begin("transformers:folder@1", older, seconds=0.0)
    assert not begin("transformers:folder@1", versions())


def test_versions_are_recorded_and_do_not_stop_a_run(tmp_path, monkeypatch):
    begin(tmp_path)
    monkeypatch.setattr("clc.runs.resume.__version__", "9.9")
    begin(tmp_path)
    begin(tmp_path)
    with Store(tmp_path, read_only=True) as store:
        found = [entry["clc"] for entry in store.manifest()["versions"]]
    assert found[-1] == "9.9"
    assert len(found) == 2


def test_a_run_with_lost_paths_is_not_finished(tmp_path):
    begin(tmp_path)
    with Store(tmp_path) as store:
        store.add_failure("k", "lost")
    begin(tmp_path, finish=True)
    assert not begin(tmp_path)


def test_differences():
    old, new = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 5}, "e": 4}
    assert list(differences(old, new)) == [("a.c", 2, 5), ("d", 3, None), ("e", None, 4)]
    check_same_run({"paths": 1}, {"paths": 2}, "x")
