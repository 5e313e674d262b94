"""Rewards of paths: a model that judges, a classifier with a head, a vLLM server's endpoints."""

import asyncio
import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from clc.engines.base import Completion
from clc.engines.reward.base import combine_steps
from clc.engines.reward.server import ServedReward
from clc.errors import ConfigurationError, EngineError
from clc.prompts.templates import Templates
from clc.records import Answer, Usage, Vote
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.verifier import Verifier, VerifierSpec, load_verifier
from clc.voting.rewards import best_rewarded, normalized_rewards, weigh_by_reward
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import problems


class JudgingEngine(ScriptedEngine):
    """Judges a solution that ends in 9 to be right, any other to be wrong."""

    async def complete(self, request):
        content = request.messages[-1]["content"]
        if not content.startswith("A solution of a problem follows"):
            return await super().complete(request)
        self.asked[request.key] += 1
        solution = content.split("The solution:")[1].split("Check the solution")[0]
        score = 10 if solution.strip().endswith("9") else 1
        return Completion(f"I looked.\nScore: {score}", "stop", Usage(5, 3))


def run(store, strategy, verifier=None, engine=None, **settings):
    configuration = configure(strategy, languages=["en", "de", "zh"], paths=9, **settings)
    work = Run(configuration, engine or JudgingEngine(), store, verifier=verifier)
    work.begin({"source": "x"})

    async def collect():
        return [verdict async for verdict in work.verdicts(problems(4))]

    return asyncio.run(collect())


def judge():
    return VerifierSpec().open(Templates())


def stated(solved):
    return {vote.answer for vote in solved.votes}


@pytest.mark.parametrize("strategy", ["best-of-n", "weighted-by-reward"])
def test_the_judged_best_wins_and_votes_are_taken_again_without_it(strategy, tmp_path):
    engine = JudgingEngine()
    with Store(tmp_path) as store:
        verdicts = run(store, strategy, judge(), engine)
        again = list(revote(store))
    assert [one.verdict for one in again] == verdicts
    for solved in again:
        assert strategy != "best-of-n" or "9" not in stated(solved) or solved.verdict.answer == "9"
        assert set(solved.plan.details["rewards"].values()) <= {0.1, 1.0}
    assert any(solved.verdict.answer == "9" for solved in again)
    assert max(engine.asked.values()) == 1
    second = JudgingEngine()
    with Store(tmp_path) as store:
        assert run(store, strategy, judge(), second) == verdicts
    assert not second.asked


def test_weighting_by_reward_goes_with_any_strategy():
    with Store(None) as store:
        verdicts = run(store, "clc", judge(), weighting="reward")
    with Store(None) as store:
        plain = run(store, "clc")
    assert any(verdict.support != round(verdict.support) for verdict in verdicts)
    assert [verdict.paths for verdict in verdicts] == [verdict.paths for verdict in plain]


def test_tokens_of_the_judge_count():
    with Store(None) as store:
        (with_judge, *_) = run(store, "best-of-n", judge())
    with Store(None) as store:
        (without, *_) = run(store, "clc")
    assert with_judge.translation_usage.total == without.translation_usage.total + 9 * 8


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [("best-of-n", {}), ("weighted-by-reward", {}), ("clc", {"weighting": "reward"})],
)
def test_without_a_verifier_nothing_is_sampled(strategy, settings):
    engine = JudgingEngine()
    with Store(None) as store, pytest.raises(ConfigurationError, match="name a verifier"):
        run(store, strategy, None, engine, **settings)
    assert not engine.requests


def test_a_verifier_that_no_vote_needs_is_refused():
    with Store(None) as store, pytest.raises(ConfigurationError, match="leave out --verifier"):
        run(store, "clc", judge())


def test_a_judge_without_scores_is_warned_of(caplog):
    class Silent(JudgingEngine):
        async def complete(self, request):
            done = await super().complete(request)
            return replace(done, text=done.text.replace("Score", "Mark"))

    with Store(None) as store:
        verdicts = run(store, "weighted-by-reward", judge(), Silent())
    assert caplog.text.count("the judge scored none of the first 6 paths") == 1
    assert all(verdict.details["rewards"] == {} for verdict in verdicts)


def test_another_verifier_is_another_run(tmp_path):
    with Store(tmp_path) as store:
        run(store, "best-of-n", judge())
    other = Verifier(Templates(overrides={"judge": "--- user\n{{ question }}{{ responses[0] }}"}))
    with Store(tmp_path) as store, pytest.raises(ConfigurationError, match="verifier"):
        run(store, "best-of-n", other)


def test_rewards_are_relative_to_their_language():
    languages = ["en", "en", "sw", "sw"]
    # The verifier likes English more: the better Swahili path is the best of its kind.
    rewards = [0.9, 0.8, 0.7, 0.1]
    weights = normalized_rewards(languages, rewards)
    assert weights[2] == max(weights)
    assert best_rewarded(languages, rewards) == 2
    assert best_rewarded(["en", "sw"], [0.9, 0.5]) == 0
    assert best_rewarded(["en", "sw"], [None, None]) is None
    assert best_rewarded(["en", "en"], [None, 0.0]) == 1
    votes = [Vote("", language, Answer("1")) for language in languages]
    assert [vote.weight for vote in weigh_by_reward(votes, [None] * 4)] == [1.0] * 4


def test_steps_make_one_reward():
    steps = [0.9, 0.5, 0.8]
    found = [combine_steps(steps, how) for how in ("last", "mean", "min", "product")]
    assert found == pytest.approx([0.8, 2.2 / 3, 0.5, 0.36])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "oracle"', "kind is judge or reward"),
        ('kind = "reward"', "needs model"),
        ('kind = "judge"\nmodel = "x"', "a judge has no model"),
        ('kind = "reward"\nmodel = "x"\nsteps = "min"', "steps is of a server"),
        ('kind = "reward"\nmodel = "x"\nengine = "y"', "has no engine"),
        ('knid = "judge"', "unknown key 'knid'"),
        ("kind = 3", "kind is 3"),
        ("", "needs kind"),
        ('kind = "reward"\nmodel = "x"\nurl = "notaurl"', "verifier.toml: url is 'notaurl'"),
        ('kind = "reward"\nmodel = "x"\nurl = "http://h"\napi = "score"', "verifier.toml: api of"),
        ('kind = "reward"\nmodel = "x"\nurl = "http://h"\nsteps = "max"', "verifier.toml: steps"),
        ("kind", "verifier.toml:1"),
    ],
)
def test_bad_files_are_named(tmp_path, text, message):
    file = tmp_path / "verifier.toml"
    file.write_text(text + "\n")
    with pytest.raises(ConfigurationError, match=message):
        load_verifier(str(file))


def test_a_file_or_a_key_that_is_not_there(tmp_path, monkeypatch):
    with pytest.raises(ConfigurationError, match="no such file"):
        load_verifier(str(tmp_path / "none.toml"))
    monkeypatch.delenv("NO_KEY", raising=False)
    spec = VerifierSpec("reward", model="m", url="http://127.0.0.1:9", key="NO_KEY")
    with pytest.raises(ConfigurationError, match="no NO_KEY"):
        spec.open(Templates())


@contextmanager
def pooling(reply, status=200):
    """Serve one reply on a loopback port; yields the URL and the bodies that came."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(
                (self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            )
            data = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked(model):
    async def ask():
        await model.start()
        try:
            return await model.rewards("1 + 1?", ["One and one.\n\n2"])
        finally:
            await model.close()

    return asyncio.run(ask())


def test_classes_and_steps_of_a_server():
    with pooling({"data": [{"probs": [0.25, 0.75]}]}) as (url, bodies):
        assert asked(ServedReward(url, "m")) == [0.75]
    assert bodies[-1][0] == "/classify"
    with pooling({"data": [{"data": [[0.1, 0.9], [0.4, 0.6]]}]}) as (url, bodies):
        model = ServedReward(url, "m", api="pooling", separator="<s>", steps="min")
        assert asked(model) == [0.6]
    path, body = bodies[-1]
    assert path == "/pooling"
    assert body["messages"][1]["content"] == "One and one.<s>2<s>"


@pytest.mark.parametrize(
    ("reply", "status", "message"),
    [
        ({"error": "no such model"}, 404, "status 404.*no such model"),
        ({"data": [{"data": 3.5}]}, 200, "from 0 to 1, not 3.5"),
        ({"data": []}, 200, "no reward in the reply"),
    ],
)
def test_a_server_without_rewards_ends_it_before_anything_is_sampled(reply, status, message):
    engine = JudgingEngine()
    with pooling(reply, status) as (url, _), Store(None) as store:
        verifier = Verifier(Templates(), ServedReward(url, "m", api="pooling"))
        with pytest.raises(EngineError, match=message):
            run(store, "best-of-n", verifier, engine)
    assert not engine.requests


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """Make a tiny classifier with a random head, with the bundled model's tokenizer."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from clc.engines.models import resolve_model

    folder = tmp_path_factory.mktemp("reward")
    tokenizer = transformers.AutoTokenizer.from_pretrained(resolve_model("clc-tiny"))
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, num_labels=1, pad_token_id=0,
    )  # fmt: skip
    transformers.LlamaForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.engine
def test_a_classifier_of_transformers_rewards(classifier, tmp_path):
    file = tmp_path / "verifier.toml"
    file.write_text(f'kind = "reward"\nmodel = "{classifier}"\n')
    verifier = load_verifier(str(file)).open(Templates())
    with Store(tmp_path / "run") as store:
        verdicts = run(store, "best-of-n", verifier)
        again = list(revote(store))
    rewards = [value for one in again for value in one.plan.details["rewards"].values()]
    assert all(0 < reward < 1 for reward in rewards)
    assert len(set(rewards)) > len(rewards) / 4
    assert [one.verdict for one in again] == verdicts
    second = load_verifier(str(file)).open(Templates())
    with Store(tmp_path / "run") as store:
        assert run(store, "best-of-n", second, ScriptedEngine()) == verdicts


@pytest.mark.engine
def test_a_model_without_a_head_is_refused():
    spec = VerifierSpec("reward", model="clc-tiny")
    with pytest.raises(ConfigurationError, match="has no head that gives rewards"):
        spec.open(Templates())
