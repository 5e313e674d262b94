"""The main job on every engine: files of problems in, a verdict for each, a complete store.

The bundled model is small: the figure here is completeness, not accuracy.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from clc.analysis.export import verdict_row
from clc.datasets import load_problems
from clc.engines.factory import open_engine
from clc.engines.models import resolve_model
from clc.engines.shared import SharedEngine
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.strategies.catalogue import STRATEGIES
from tests.cli.running import clc

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


@pytest.fixture(scope="module")
def served():
    """Yield the base URL of a real vLLM server with the bundled model, under the name clc-tiny."""
    pytest.importorskip("vllm")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "GOMP_SPINCOUNT": "10000",
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }
    # fmt: off
    process = subprocess.Popen(
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server",
         "--model", resolve_model("clc-tiny"), "--served-model-name", "clc-tiny",
         "--host", "127.0.0.1", "--port", str(port), "--enforce-eager",
         "--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192",
         "--max-num-seqs", "64", "--disable-uvicorn-access-log"],
        env=os.environ | quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    # fmt: on
    url = f"http://127.0.0.1:{port}/v1"
    try:
        _wait(f"{url}/models", process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url, process):
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"vllm serve ended with {process.returncode}")
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    pytest.fail("vllm serve was not ready in time")


def _solve(name, out, *engine):
    source, *options = FILES[name]
    if not source.exists():
        pytest.skip(f"{source.name} is not beside the checkout (../shared/data)")
    limit = min(PROBLEMS, len(source.read_text(encoding="utf-8").splitlines()))
    done = clc("solve", source, "--out", out, *options, *SETTINGS, *engine, "--json", timeout=280)
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
            assert len(solved.plan.order) == PATHS
            assert verdict_row(solved.verdict)["answer"] == row["answer"]
            drawn |= planned
        assert store.counts()["paths"] == len(drawn)  # type: ignore[attr-defined]  # and none was stored for nothing  # type: ignore[attr-defined]
        return drawn


@pytest.mark.engine
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("engine", ["vllm", "transformers"])
def test_local_engines(name, engine, tmp_path):
    pytest.importorskip(engine)
    out = tmp_path / "run"
    problems = _solve(name, out, "--engine", engine)
    _check_complete(out, problems)


@pytest.mark.engine
@pytest.mark.parametrize("name", FILES)
def test_served(name, served, tmp_path):
    out = tmp_path / "run"
    problems = _solve(name, out, "--base-url", served, "--window", 64)
    _check_complete(out, problems)


@pytest.mark.engine
def test_every_strategy_runs_on_vllm(tmp_path):
    """The bundled model knows few of the prompts: what counts is that every path is drawn."""
    pytest.importorskip("vllm")
    files = [ROOT / "examples" / f"mgsm_{code}.tsv" for code in ("de", "zh", "bn")]
    problems = [problem for file in files for problem in load_problems(file, limit=1)]

    async def solve_all():
        lane = SharedEngine(open_engine("clc-tiny"))
        try:
            for name in STRATEGIES:
                with Store(tmp_path / name) as store:
                    settings = configure(name, max_tokens=64, human_translations=False)
                    run = Run(settings, lane, store)
                    run.begin({"of": "a test"})
                    verdicts = [verdict async for verdict in run.verdicts(problems)]
                    assert len(verdicts) == len(problems), name
                    assert run.solver.counters.lost == 0, name
                    for verdict in verdicts:
                        cast = verdict.total if settings.strategy.voting == "majority" else 0
                        lost = sum(sum(by.values()) for by in verdict.abstentions.values())
                        assert not cast or cast + lost == STRATEGIES[name].paths, name
                    told = {verdict.id: verdict for verdict in verdicts}
                    for solved in revote(store):  # and the store alone says the same
                        assert solved.verdict == told[solved.problem.id], name
        finally:
            await lane.close()

    asyncio.run(solve_all())
