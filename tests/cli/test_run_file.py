"""A run as a file, an estimate, the doctor: before anything is sent."""

import json
import logging
import tomllib

import pytest

import clc
from tests.cli.running import call
from tests.engines.faulty_replies import completion
from tests.engines.faulty_server import FaultyServer, run_in_thread
from tests.engines.scripted import ScriptedEngine, say


async def reply(exchange):
    body = exchange.body
    await exchange.send_json(200, completion(say(body["messages"][-1:], body["seed"])))


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "mgsm_en.tsv"
    path.write_text("".join(f"How many are {n + 20} and {n + 50}?\t7\n" for n in range(3)))
    return path


@pytest.fixture
def run_file(tmp_path):
    def write(**values):
        path = tmp_path / "run.toml"
        path.write_text(
            "".join(f"{k.replace('_', '-')} = {json.dumps(v)}\n" for k, v in values.items())
        )
        return path

    return write


def test_a_run_file_gives_the_options_and_flags_win(problems, run_file, tmp_path):
    with run_in_thread(FaultyServer(reply)) as server:
        path = run_file(file=str(problems), out=str(tmp_path / "run"), base_url=[server.url],
                        model="m", languages=["en", "de"], paths=4, temperature=0.5, seed=3,
                        no_cache=True, stop=["###"])  # fmt: skip
        done = call("solve", path, "--paths", 2)
        assert done.returncode == 0, done.stderr
        bodies = [one.body for one in server.requests]
        asked = len(bodies)
        shown = call("show", tmp_path / "run", "--run-file")
        (tmp_path / "again.toml").write_text(shown.stdout)
        again = call("solve", tmp_path / "again.toml")
        assert "nothing to sample" in again.stderr, again.stderr
        assert len(server.requests) == asked
    paths = [body for body in bodies if body["temperature"] == 0.5]
    assert len(paths) == 6
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    identity = manifest["identity"]
    assert (identity["paths"], identity["seed"], identity["languages"]) == (2, 3, ["en", "de"])
    options = tomllib.loads(shown.stdout)
    assert (options["paths"], options["temperature"], options["no-cache"]) == (2, 0.5, True)
    assert options["stop"] == ["###"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"file": "x.tsv", "path": 3}, ":2: path: unknown key 'path': the nearest one is 'paths'"),
        ({"out": "x"}, "run.toml: file: it is missing"),
        ({"file": "x.tsv", "paths": "many"}, ":2: paths: it must be a whole number"),
        ({"file": "x.tsv", "paths": True}, ":2: paths: it is no switch"),
        ({"file": "x.tsv", "no_cache": 1}, ":2: no-cache: give true or false"),
        ({"file": "x.tsv", "fidelity": "some"}, ":2: fidelity: 'some' is not one of"),
    ],
)
def test_a_wrong_run_file_is_refused_with_its_place(run_file, tmp_path, values, says):
    done = call("solve", run_file(**values), "--out", tmp_path / "run")
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_missing_out_is_named_as_before(problems):
    done = call("solve", problems)
    assert done.returncode == 2
    assert "Missing option '--out'" in done.stderr


def test_an_estimate_counts_what_a_run_asks_for(problems, tmp_path):
    with run_in_thread(FaultyServer(reply)) as server:
        engine = tmp_path / "engine.toml"
        engine.write_text(f'model = "m"\n[[endpoint]]\nurl = "{server.url}"\n'
                          "[prices]\nprompt = 1\ncompletion = 2\n")  # fmt: skip
        command = ("solve", problems, "--engine-file", engine, "--languages", "en,de", "--paths", 4,
                   "--max-tokens", 100, "--translation-max-tokens", 50, "--no-cache",
                   "--translations", "model")  # fmt: skip
        dry = call(*command, "--dry-run", "--json")
        assert dry.returncode == 0, dry.stderr
        assert server.requests == []
        done = call(*command, "--out", tmp_path / "run")
        assert done.returncode == 0, done.stderr
        sent = [one.body for one in server.requests]
    estimate = json.loads(dry.stdout)
    by_kind = {(one["kind"], one["language"]): one["requests"] for one in estimate["arms"]}
    assert by_kind == {("path", "en"): 6, ("translation", "de"): 3, ("path", "de"): 6}
    assert (estimate["problems"], estimate["requests"]) == (3, len(sent))
    assert estimate["most_tokens"] == 12 * 100 + 3 * 50
    size = sum(len(turn["content"].encode()) for body in sent for turn in body["messages"])
    assert estimate["prompt_tokens"] == pytest.approx(size / 3, rel=0.2)
    tokens = (estimate["prompt_tokens"], estimate["most_tokens"])
    assert estimate["most_cost"] == pytest.approx((tokens[0] + 2 * tokens[1]) / 1e6)
    shown = call(*command, "--dry-run")
    assert "Nothing was sent, and nothing was written." in shown.stdout
    assert "USD" in shown.stdout


@pytest.mark.parametrize("strategy", ["clp", "autocap", "usc", "xlt", "native-cot"])
def test_every_kind_of_strategy_has_an_estimate(problems, strategy):
    done = call("solve", problems, "--strategy", strategy, "--dry-run", "--json", "--base-url",
                "http://127.0.0.1:1/v1", "--model", "m")  # fmt: skip
    assert done.returncode == 0, done.stderr
    kinds = {one["kind"] for one in json.loads(done.stdout)["arms"]}
    assert "path" in kinds
    assert {"clp": "turn", "autocap": "plan", "usc": "choice"}.get(strategy, "path") in kinds


def test_the_doctor_shows_no_secret(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:pass-word@proxy:3128")
    done = call("doctor")
    assert done.returncode == 0, done.stderr
    assert "OPENAI_API_KEY: set" in done.stdout
    assert "HTTPS_PROXY: set" in done.stdout
    assert "sk-very-secret" not in done.stdout
    assert "pass-word" not in done.stdout
    found = json.loads(call("doctor", "--json").stdout)
    assert found["versions"]["crosslingual-consistency"] == clc.__version__
    assert set(found["engines"]) == {"vllm", "transformers", "openai", "auto"}


def test_python_calls_can_be_watched():
    seen = []
    questions = ["How many are 20 and 50?", "How many are 21 and 51?"]
    verdicts = list(clc.solve_many(questions, engine=ScriptedEngine(), languages=["en"], paths=2,
                                   cache=False, watch=lambda counters, new: seen.append(
                                       (counters.drawn, [one.id for one in new]))))  # fmt: skip
    assert [ids for _, ids in seen] == [[one.id] for one in verdicts]
    assert seen[-1][0] == 4


def test_verbose_shows_the_stages_of_loading(monkeypatch):
    from clc.engines.environment import show_engine_logs

    log = logging.getLogger("clc.engines")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "propagate", True)
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "ERROR")
    monkeypatch.setenv("TRANSFORMERS_VERBOSITY", "error")
    level = log.level
    try:
        show_engine_logs()
        show_engine_logs()
        assert len(log.handlers) == 1
        assert log.isEnabledFor(logging.INFO)
    finally:
        log.setLevel(level)
