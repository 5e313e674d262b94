"""The main job on every engine: files of problems in, a verdict for each, a complete store.

The bundled model is small: the figure here is completeness, not accuracy.
"""

import asyncio
import json
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from clc.analysis.export import verdict_row
from clc.datasets import load_problems
from clc.engines.adjusted import AdjustedEngine
from clc.engines.base import Request
from clc.engines.chat_options import ChatOptions
from clc.engines.models import resolve_model
from clc.engines.openai.endpoint_spec import EndpointSpec
from clc.engines.openai.engine import OpenAIEngine
from clc.engines.shared import SharedEngine
from clc.prompts.templates import Templates
from clc.records import Message, Sampling
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.verifier import VerifierSpec
from clc.strategies.catalogue import STRATEGIES
from tests.cli.running import call, clc
from tests.cluster.running import FILES as RUN_FILES
from tests.cluster.running import check_whole

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
PROBLEMS = 50
PATHS = 4
SETTINGS = ("--paths", PATHS, "--max-tokens", 48, "--limit", PROBLEMS)

FILES = {
    "mgsm": (SHARED / "mgsm" / "mgsm_de.tsv", "--strategy", "clc", "--languages", "en,de,zh,sw",
             "--parallel", SHARED / "mgsm"),
    "cmath": (SHARED / "cmath" / "cmath_dev.jsonl", "--strategy", "clc-bilingual",
              "--translation-tries", 1),
    "own": (ROOT / "examples" / "mgsm_sw.tsv", "--strategy", "clc", "--languages", "en,sw,th,bn"),
}  # fmt: skip


def _solve(name, out, *engine, how=clc):
    source, *options = FILES[name]
    if not source.exists():
        pytest.skip(f"{source.name} is not beside the checkout (../shared/data)")
    limit = min(PROBLEMS, len(source.read_text(encoding="utf-8").splitlines()))
    done = how("solve", source, "--out", out, *options, *SETTINGS, *engine, "--json")
    assert done.returncode == 0, done.stderr
    return limit


def _check_complete(out, problems):
    rows = [json.loads(line) for line in (out / "verdicts.jsonl").read_text().splitlines()]
    assert len(rows) == len({row["id"] for row in rows}) == problems
    with open_run(out) as store:
        assert store.counts()["failures"] == 0  # type: ignore[attr-defined]
        drawn = set()
        for solved, row in zip(revote(store), rows, strict=True):
            planned = set(solved.plan.keys())
            assert planned == set(solved.paths)  # no planned path is missing
            untranslated = solved.verdict.details.get("untranslated", {})
            given = sum(untranslated.get("given_to", {}).values())
            assert len(solved.plan.order) == PATHS + given
            assert verdict_row(solved.verdict)["answer"] == row["answer"]
            drawn |= planned
        assert store.counts()["paths"] == len(drawn)  # type: ignore[attr-defined]  # and none was stored for nothing  # type: ignore[attr-defined]
        return drawn


@pytest.mark.engine
def test_a_local_engine(tmp_path):
    """As a process, which opens the engine itself."""
    if find_spec("transformers") is None:
        pytest.skip("needs transformers")
    out = tmp_path / "run"
    problems = _solve("own", out, "--engine", "transformers", how=partial(clc, timeout=280))
    _check_complete(out, problems)


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_vllm_in_a_process_and_in_two_replicas_on_ray(ray_address, tmp_path, monkeypatch):
    """Each opens its engine itself, and the run is the same.

    The paths are measured, for which vLLM would compile where it was not compiled before.
    """
    if find_spec("vllm") is None:
        pytest.skip("needs vLLM")
    monkeypatch.setenv("RAY_ADDRESS", ray_address)
    one, many = tmp_path / "one", tmp_path / "many"
    asked = ("--engine", "vllm", "--confidence", "--no-cache")
    how = partial(clc, timeout=280)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXX", "/no/compiler")
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "nothing compiled"))
        problems = _solve("own", one, *asked, how=how)
    _check_complete(one, problems)
    with open_run(one) as run:
        paths = [path for done in run.finished() for path in done.paths.values()]
    assert all(path.confidence is not None for path in paths)
    _solve("own", many, *asked, "--cluster", "ray", "--replicas", 2, how=how)
    check_whole(many, problems, PATHS)
    assert json.loads((many / "manifest.json").read_text())["finished"]
    for name in RUN_FILES:
        assert (many / name).read_bytes() == (one / name).read_bytes()


@pytest.fixture
def opened(request, monkeypatch):
    """Have the command line find an engine that is open already; give its name."""
    engine = request.getfixturevalue(f"bundled_{request.param}")
    monkeypatch.setattr("clc.engines.factory.open_engine", lambda *_, **__: engine)
    return request.param


@pytest.mark.engine
@pytest.mark.parametrize("name", ["mgsm", "cmath"])
@pytest.mark.parametrize("opened", ["vllm", "transformers"], indirect=True)
def test_open_engines(name, opened, tmp_path):
    out = tmp_path / "run"
    problems = _solve(name, out, "--engine", opened, how=call)
    _check_complete(out, problems)


@pytest.mark.engine
@pytest.mark.parametrize("name", FILES)
def test_served(name, vllm_url, tmp_path):
    out = tmp_path / "run"
    asked = ("--base-url", vllm_url, "--window", 64)
    problems = _solve(name, out, *asked, how=call)
    _check_complete(out, problems)


@pytest.mark.engine
def test_served_paths_are_sampled_as_recorded_and_not_as_the_servers_model_asks(vllm_url):
    message = Message(role="user", content="Tom hat 3 Äpfel und kauft 5 dazu. Wie viele hat er?")
    bare = {"model": "m", "messages": [message], "temperature": 1.5, "max_tokens": 40}
    replies = [httpx.post(f"{vllm_url}/chat/completions", json=bare | {"seed": seed}, timeout=120)
               for seed in range(3)]  # fmt: skip
    assert len({one.json()["choices"][0]["message"]["content"] for one in replies}) == 1

    async def sample():
        engine = OpenAIEngine("m", [vllm_url])
        await engine.start()
        sampling = Sampling(temperature=1.5, max_tokens=40)
        requests = [Request(str(seed), (message,), sampling, seed) for seed in range(8)]
        try:
            return await asyncio.gather(*map(engine.complete, requests))
        finally:
            await engine.close()

    assert len({one.text for one in asyncio.run(sample())}) == 8


@pytest.mark.engine
def test_a_server_completes_plain_text_as_it_answers_the_chat(vllm_url):
    template = (Path(resolve_model("clc-tiny")) / "chat_template.jinja").read_text()
    question = "Tom hat 3 Äpfel und kauft 5 dazu. Wie viele hat er?"
    request = Request(
        "k", ({"role": "user", "content": question},), Sampling(0.0, max_tokens=60), 1
    )

    async def ask(endpoint, options):
        engine = OpenAIEngine("m", [endpoint], chat_options=options)
        await engine.start()
        try:
            return await engine.complete(request)
        finally:
            await engine.close()

    plain = EndpointSpec(vllm_url, api="completions")
    chat = asyncio.run(ask(vllm_url, ChatOptions()))
    text = asyncio.run(ask(plain, ChatOptions(template=template)))
    assert (text.text, text.finish_reason, text.usage) == (
        chat.text, chat.finish_reason, chat.usage,
    )  # fmt: skip


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_a_server_that_splits_thoughts_gives_the_same_verdicts(vllm_url, vllm_url_with_parser):
    """With vLLM's ``--reasoning-parser`` and without, in the same strategies."""
    problems = list(load_problems(ROOT / "examples" / "mgsm_de.tsv", limit=4))

    async def solve_at(url, strategy):
        engine = OpenAIEngine("m", url, chat_options=ChatOptions(thinking="on"))
        with Store(None) as store:
            settings = configure(
                strategy, languages=["en", "de", "zh", "sw"], paths=4, temperature=0.0,
                max_tokens=220, human_translations=False,
            )  # fmt: skip
            run = Run(
                settings,
                engine,
                store,
                translator=AdjustedEngine(engine, ChatOptions(thinking="off")),
            )
            run.begin({"of": "a test"})
            verdicts = [verdict async for verdict in run.verdicts(problems)]
            paths = {path.key: path for one in revote(store) for path in one.paths.values()}
        await engine.close()
        return sorted(verdicts, key=lambda one: one.id), paths

    for strategy in ("clc", "clc-think"):
        (marked, by_marks), (split, by_fields) = (
            asyncio.run(solve_at(url, strategy)) for url in (vllm_url, vllm_url_with_parser)
        )
        assert [one.answer for one in marked] == [one.answer for one in split]
        assert [one.tally for one in marked] == [one.tally for one in split]
        assert (
            sum(one.answer == problem.gold for one, problem in zip(split, problems, strict=True))
            > 1
        )
        thoughts = [
            [(one.thought.strip(), one.text.strip(), one.closed) for one in paths.values()]
            for paths in (by_marks, by_fields)
        ]
        assert sorted(thoughts[0]) == sorted(thoughts[1])
        assert sum(closed for _, _, closed in thoughts[1]) > len(thoughts[1]) / 2


@pytest.mark.engine
def test_every_strategy_runs_on_vllm(bundled_vllm, tmp_path):
    """The bundled model knows few of the prompts: what counts is that every path is drawn."""
    problems = list(load_problems(ROOT / "examples" / "mgsm_bn.tsv", limit=1))

    async def solve_all():
        lane = SharedEngine(bundled_vllm)
        try:
            for name in STRATEGIES:
                with Store(tmp_path / name) as store:
                    settings = configure(name, max_tokens=16, human_translations=False)
                    judge = VerifierSpec().open(Templates()) if settings.needs_verifier else None
                    run = Run(settings, lane, store, verifier=judge)
                    run.begin({"of": "a test"})
                    verdicts = [verdict async for verdict in run.verdicts(problems)]
                    assert len(verdicts) == len(problems), name
                    assert run.solver.counters.lost == 0, name
                    for verdict in verdicts:
                        cast = verdict.total if settings.strategy.voting == "majority" else 0
                        lost = sum(sum(by.values()) for by in verdict.abstentions.values())
                        given = verdict.details.get("untranslated", {}).get("given_to", {})
                        planned = STRATEGIES[name].paths + sum(given.values())
                        assert not cast or cast + lost == planned, name
                    told = {verdict.id: verdict for verdict in verdicts}
                    for solved in revote(store):  # and the store alone says the same
                        assert solved.verdict == told[solved.problem.id], name
        finally:
            await lane.close()

    asyncio.run(solve_all())
