"""Money: prices and reported costs, in the manifest, the score, comparisons and the budget."""

import json
import re

import pytest

import clc
from clc.analysis.scoring import score_run
from clc.engines.engine_file import load_engine_file
from clc.errors import BudgetError
from clc.runs.open import open_run
from clc.runs.store import Store
from tests.cli.running import call
from tests.engines.faulty_replies import completion
from tests.engines.faulty_server import FaultyServer, run_in_thread
from tests.engines.scripted import say

PRICES = '[prices]\nprompt = 1.0\ncompletion = 10.0\ncurrency = "EUR"\n'


def answering(**usage):
    tokens = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}

    async def reply(exchange):
        body = exchange.body
        text = say(body["messages"][-1:], body.get("seed", 1))
        await exchange.send_json(
            200, completion(text, usage=tokens | usage, model="m-2026", system_fingerprint="fp_1")
        )

    return reply


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "mgsm_en.tsv"
    path.write_text("".join(f"How many are {n + 20} and {n + 50}?\t7\n" for n in range(6)))
    return path


@pytest.fixture
def engine(tmp_path):
    def engine(server, more=""):
        path = tmp_path / "engine.toml"
        path.write_text(
            f'model = "m"\n[args]\nwindow = 2\n[[endpoint]]\nurl = "{server.url}"\n{more}'
        )
        return path

    return engine


def manifest(run):
    return json.loads((run / "manifest.json").read_text())


def test_prices_give_the_cost_of_a_run(problems, tmp_path, engine):
    run = tmp_path / "run"
    details = {"prompt_tokens_details": {"cached_tokens": 40}}
    with run_in_thread(FaultyServer(answering(**details))) as server:
        done = call("solve", problems, "--engine-file", engine(server, PRICES), "--out", run,
                    "--languages", "en", "--paths", 2, "--no-cache")  # fmt: skip
    assert done.returncode == 0, done.stderr
    each = (100 * 1.0 + 20 * 10.0) / 1e6
    stored = manifest(run)
    assert stored["prices"]["paths"]["currency"] == "EUR"
    assert stored["spent"] == {
        "cost": pytest.approx(12 * each), "currency": "EUR", "cached_tokens": 480,
    }  # fmt: skip
    assert stored["notes"]["engine"]["replied"] == [
        {"model": "m-2026", "system_fingerprint": "fp_1"}
    ]
    results = json.loads((run / "results.json").read_text())
    assert (results["cost"], results["currency"]) == (pytest.approx(12 * each), "EUR")
    scored = call("score", run)
    assert "0.0036 EUR" in scored.stdout
    report = call("report", run)
    assert report.returncode == 0, report.stderr
    assert "0.0036 EUR" in (run / "report.html").read_text()


def test_what_an_endpoint_reports_counts_without_prices(problems, tmp_path, engine):
    run = tmp_path / "run"
    with run_in_thread(FaultyServer(answering(cost=0.25))) as server:
        done = call("solve", problems, "--engine-file", engine(server), "--out", run, "--languages",
                    "en", "--paths", 2, "--no-cache")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert manifest(run)["spent"] == {"cost": 3.0, "currency": "USD"}
    assert "3.00 USD" in done.stdout
    with open_run(run) as store:
        assert score_run(store).cost == 3.0
        name = next(store.finished()).problem.id
    shown = json.loads(call("show", run, name, "--json").stdout)
    assert [path["cost"] for path in shown["votes"]] == [0.25, 0.25]
    assert call("report", run).returncode == 0
    assert re.search(
        r"completion tokens a path.{0,60}cost", (run / "report.html").read_text(), re.DOTALL
    )
    compared = json.loads(call("compare", run, "--json").stdout)
    assert [(one["cost"], one["currency"]) for one in compared["strategies"]] == [(0.5, "USD")]


def test_a_budget_stops_a_run_which_goes_on_with_a_larger_one(problems, tmp_path, engine):
    run = tmp_path / "run"
    with run_in_thread(FaultyServer(answering(cost=0.25))) as server:
        command = ("solve", problems, "--engine-file", engine(server), "--out", run, "--languages",
                   "en", "--paths", 2, "--no-cache")  # fmt: skip
        done = call(*command, "--budget", 1)
        assert done.returncode == 1
        assert "the budget of 1.00 USD is spent: " in done.stderr
        assert "what was sampled stays" in done.stderr
        assert len(server.requests) == 4  # of 12: there is room for no fifth one
        assert manifest(run)["spent"]["cost"] == 1.0
        again = call(*command, "--budget", 1)
        assert "the budget of 1.00 USD is spent" in again.stderr
        assert len(server.requests) == 4
        assert call(*command, "--budget", 100).returncode == 0
    assert manifest(run)["spent"]["cost"] == 3.0


def test_the_store_has_the_cost_of_each_path(problems, tmp_path, engine):
    run = tmp_path / "run"
    with run_in_thread(FaultyServer(answering(cost=0.25))) as server:
        command = ("solve", problems, "--engine-file", engine(server), "--out", run, "--languages",
                   "en,de", "--paths", 2, "--no-cache")  # fmt: skip
        assert call(*command, "--limit", 2).returncode == 0
        with Store(run) as store:
            costs = [path.cost for one in store.finished() for path in one.paths.values()]
            assert costs == [0.25] * 4
            translations = store.counts()["steps"]
            assert translations > 0
            assert store.cost() == (4 + translations) * 0.25
            # A call that was killed did not note what it spent last.
            store.write_manifest({**store.manifest(), "spent": {"cost": 0.25, "currency": "USD"}})
        assert call(*command, "--budget", 1, "--limit", 3).returncode == 1
        assert call(*command, "--limit", 3).returncode == 0
    with Store(run) as store:
        assert store.cost() == manifest(run)["spent"]["cost"]


def test_a_budget_needs_a_price(problems, tmp_path, engine):
    run = tmp_path / "run"
    done = call("solve", problems, "--out", run, "--budget", 1)
    assert done.returncode == 2
    assert "--budget needs prices: write [prices]" in done.stderr
    with run_in_thread(FaultyServer(answering())) as server:
        done = call("solve", problems, "--engine-file", engine(server), "--out", run, "--budget", 1)
    assert done.returncode == 2
    assert "does not report what a completion costs" in done.stderr
    assert call("solve", problems, "--out", run, "--budget", 0).returncode == 2


def test_a_comparison_shows_the_cost_of_each_strategy(problems, tmp_path, engine):
    with run_in_thread(FaultyServer(answering())) as server:
        done = call("compare", problems, "--engine-file", engine(server, PRICES), "--strategies",
                    "clc", "--languages", "en,de", "--paths", 4, "--out", tmp_path / "pool",
                    "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    costs = {one["name"]: one for one in json.loads(done.stdout)["strategies"]}
    assert costs["native-cot"]["cost"] == pytest.approx(300 / 1e6)
    assert costs["clc"]["cost"] > costs["sc"]["cost"] == pytest.approx(4 * 300 / 1e6)
    assert costs["clc"]["currency"] == "EUR"


def test_a_budget_from_python(engine):
    with run_in_thread(FaultyServer(answering(cost=1.0))) as server:
        spec = load_engine_file(engine(server))
        with pytest.raises(BudgetError, match=r"the budget of 2\.00 USD is spent"):
            clc.solve("How many are 20 and 50?", engine_file=spec, languages=["en"], paths=5,
                      budget=2.0, cache=False)  # fmt: skip
        assert clc.solve("How many are 20 and 50?", engine_file=spec, languages=["en"], paths=2,
                         cache=False).paths == 2  # fmt: skip
