"""The real lm-evaluation-harness: its command line, its repeats, its turns, its refusals."""

import json
import re
import subprocess

import pytest

from tests.cli.running import ROOT, environment
from tests.serving.harness import harness, harness_here
from tests.serving.serving import serving

from .running import MODEL, framework, url  # noqa: F401 - a fixture

pytestmark = pytest.mark.filterwarnings("ignore")
framework("lm_eval", "lm-eval")
OFFLINE = {"HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": "unused", "PYTHONWARNINGS": "ignore"}
TASK = ("--include_path", "examples/lm_eval", "--tasks", "clc_sample_de")


def evaluate(module, out, *arguments):
    done = subprocess.run(
        harness(module, *TASK, "--output_path", out, "--log_samples", *arguments),
        cwd=ROOT, env=environment(**OFFLINE), capture_output=True, text=True, timeout=280,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return read_results(out)


def read_results(out):
    (results,) = out.rglob("results_*.json")
    (samples,) = out.rglob("samples_clc_sample_de_*.jsonl")
    score = json.loads(results.read_text())["results"]["clc_sample_de"]["acc,none"]
    return score, [json.loads(line) for line in samples.read_text().splitlines()]


@pytest.mark.slow
def test_the_command_line(tmp_path, url):  # noqa: F811
    arguments = f"model=m,base_url={url},paths=6,languages=en+de+zh"
    score, samples = evaluate(
        "clc.serving.integrations.lm_eval", tmp_path, "--model", "clc", "--model_args", arguments
    )
    assert len(samples) == 12
    for sample in samples:
        assert "Answer: " in sample["resps"][0][0] or sample["resps"][0][0].startswith("Antwort")
        assert sample["acc"] == float(": 180" in sample["resps"][0][0])
    assert score == 0  # whoever writes the model's replies does not read the questions


@pytest.mark.slow
def test_their_client_against_our_server(tmp_path):
    with serving(limits={"running": 8}) as it:
        _, samples = evaluate(
            "lm_eval", tmp_path, "--model", "local-chat-completions", "--apply_chat_template",
            "--model_args", f"model=clc,base_url={it.url}/chat/completions,num_concurrent=4,"
            "max_gen_toks=512",
            "--gen_kwargs", "do_sample=true,temperature=0.7",  # it would send 0
        )  # fmt: skip
    assert len(samples) == 12
    assert all(re.search(r": [789]$", sample["resps"][0][0]) for sample in samples)


def instances(*contexts, **settings):
    from lm_eval.api.instance import Instance

    return [
        Instance("generate_until", {}, (context, settings), place)
        for place, context in enumerate(contexts)
    ]


def model(url, **settings):  # noqa: F811
    from clc.serving.integrations.lm_eval import ClcLM

    return ClcLM(**MODEL | {"base_url": url} | settings)


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "unused")


def bodies(lm, requests):
    """What the adapter asks for."""
    seen = []

    def complete_all(wanted):
        seen.extend(wanted)
        return enumerate({"choices": [{"message": {"content": "Answer: 7"}}]} for _ in wanted)

    lm._local.complete_all = complete_all
    assert lm.generate_until(requests, disable_tqdm=True) == ["Answer: 7"] * len(requests)
    return seen


def test_repeats_have_seeds_of_their_own(url):  # noqa: F811
    wanted = bodies(model(url, seed=5), instances("a", "b", "a", "a", until=[]))
    assert [one["seed"] for one in wanted] == [5, 5, 6, 7]


def test_a_greedy_task_leaves_the_sampling_to_the_strategy(url):  # noqa: F811
    settings = {"until": ["Frage:", "\n\n", "\n"], "temperature": 0.0, "max_gen_toks": 99}
    (wanted,) = bodies(model(url), instances("a", do_sample=False, **settings))
    assert wanted == {
        "model": "clc", "messages": [{"role": "user", "content": "a"}], "seed": 0,
        "max_tokens": 99, "stop": ["Frage:"],
    }  # fmt: skip


def test_a_sampling_task_says_how(url):  # noqa: F811
    settings = {"until": "END", "temperature": 0.9, "top_p": 0.5, "do_sample": True}
    (wanted,) = bodies(model(url), instances("a", **settings))
    assert wanted["stop"] == ["END"]
    assert (wanted["temperature"], wanted["top_p"]) == (0.9, 0.5)


def test_turns_stay_turns(url):  # noqa: F811
    lm = model(url)
    turns = [
        {"role": "user", "content": "What is 1 and 1?"},
        {"role": "assistant", "content": "Answer: 2"},
        {"role": "user", "content": "Und 3 + 4?"},
    ]
    (wanted,) = bodies(lm, instances(lm.apply_chat_template(turns), until=[]))
    assert wanted["messages"] == turns


def test_the_harness_keeps_replies(url, tmp_path):  # noqa: F811
    from lm_eval.api.model import CachingLM

    lm = model(url)
    cached = CachingLM(lm, str(tmp_path / "cache.db"))
    first = cached.generate_until(instances("What is 3 and 4?", until=[]))
    lm._local.complete_all = None  # it must not be asked again
    assert cached.generate_until(instances("What is 3 and 4?", until=[])) == first
    cached.dbdict.close()


def test_likelihoods_are_refused(url):  # noqa: F811
    from clc.errors import ConfigurationError

    lm = model(url)
    for call in (lm.loglikelihood, lm.loglikelihood_rolling):
        with pytest.raises(ConfigurationError, match="2 requests ask for log-likelihoods"):
            call(instances("a", "b"))


@pytest.mark.engine
@pytest.mark.usefixtures("only_bundled_vllm")
def test_the_example_with_the_bundled_model(tmp_path, monkeypatch):
    import clc.serving.integrations.lm_eval  # noqa: F401 - registers the model

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    arguments = "model=clc-tiny,paths=11,languages=en+de+zh"
    harness_here(
        *TASK, "--output_path", tmp_path, "--log_samples", "--model", "clc",
        "--model_args", arguments,
    )  # fmt: skip
    score, samples = read_results(tmp_path)
    assert len(samples) == 12
    assert score > 0
