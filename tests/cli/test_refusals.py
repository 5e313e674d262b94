"""Endpoints that refuse something: runs that end with verdicts, or early with the server's words."""

import json

import pytest

from tests.cli.running import call
from tests.engines.faulty_replies import completion
from tests.engines.faulty_server import FaultyServer, run_in_thread
from tests.engines.scripted import say
from tests.engines.test_openai_refusals import fixed_temperature, no_seed, no_system, openai_error

ENGINE = 'model = "m"\n[chat]\nsystem = "Be brief."\n[[endpoint]]\nurl = "{}"\n'


def answering(refuse):
    async def reply(exchange):
        body = exchange.body
        if (refused := refuse(body)) is not None:
            await exchange.send_json(*refused)
            return
        turn = body["messages"][-1]
        turn = {**turn, "content": turn["content"].removeprefix("Be brief.\n\n")}
        await exchange.send_json(200, completion(say([turn], body.get("seed", 1))))

    return reply


@pytest.fixture
def problems(tmp_path):
    path = tmp_path / "mgsm_en.tsv"
    path.write_text("".join(f"How many are {n + 20} and {n + 50}?\t7\n" for n in range(4)))
    return path


def solve(problems, tmp_path, refuse, *more):
    with run_in_thread(FaultyServer(answering(refuse))) as server:
        engine = tmp_path / "engine.toml"
        engine.write_text(ENGINE.format(server.url))
        done = call("solve", problems, "--engine-file", engine, "--out", tmp_path / "run", "--paths",
                    4, "--languages", "en,de", "--no-cache", *more)  # fmt: skip
    return done, server.requests


def verdicts(tmp_path):
    text = (tmp_path / "run" / "verdicts.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("refuse", "notes"),
    [
        (fixed_temperature,
         {"renamed": {"max_tokens": "max_completion_tokens"}, "left_out": ["temperature"]}),
        (no_seed, {"left_out": ["seed"]}),
        (no_system, {"system_in_user_turn": True}),
    ],
)  # fmt: skip
def test_a_refused_field_loses_no_path(problems, tmp_path, refuse, notes):
    done, _ = solve(problems, tmp_path, refuse)
    assert done.returncode == 0, done.stderr
    rows = verdicts(tmp_path)
    assert len(rows) == 4
    assert all(row["paths"] == 4 and "lost" not in row.get("details", {}) for row in rows)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    (of_endpoint,) = manifest["notes"]["engine"]["endpoints"].values()
    assert {name: of_endpoint[name] for name in notes} == notes
    assert "top_k" in of_endpoint["sampling_not_sent"]


def test_a_refusal_that_every_request_meets_ends_the_run(problems, tmp_path):
    problems.write_text("".join(f"How many are {n + 20} and {n + 50}?\t7\n" for n in range(300)))
    done, requests = solve(
        problems, tmp_path, lambda _: (400, openai_error("Unknown parameter: 'top_k'."))
    )
    assert done.returncode == 1
    assert "refuses every request (400): Unknown parameter: 'top_k'." in done.stderr
    assert len(requests) <= 64 + 6


def test_lost_paths_show_their_reason(problems, tmp_path):
    def refuse(body):
        text = body["messages"][-1]["content"]
        german = "Denken" in text or "Antwort" in text
        return (400, openai_error("the moon is full")) if german else None

    done, _ = solve(problems, tmp_path, refuse)
    assert done.returncode == 0, done.stderr
    assert "refused the request (400): the moon is full" in done.stderr
    rows = verdicts(tmp_path)
    for row in rows:
        ((reason, count),) = row["details"]["lost"].items()
        assert reason.endswith("refused the request (400): the moon is full")
        assert count == row["abstentions"]["engine_failure"]["de"]


def test_ask_shows_the_reason_of_lost_paths():
    def refuse(body):
        return 400, openai_error("the moon is full")

    with run_in_thread(FaultyServer(answering(refuse))) as server:
        done = call("ask", "How many are 20 and 50?", "--base-url", server.url, "--model", "m",
                    "--languages", "en", "--paths", 3)  # fmt: skip
    assert "Lost: 3 paths: " in done.stdout
    assert "the moon is full" in " ".join(done.stdout.split())
