"""The options for thinking models, from the command line to the bodies of requests."""

from contextlib import contextmanager

import pytest

from tests.engines.faulty_replies import completion, status
from tests.engines.faulty_server import FaultyServer, run_in_thread
from tests.engines.scripted import say

from .running import call, clc


@contextmanager
def server(finish_reason="stop", before="", say=say):
    """Serve scripted replies in a thread, each after ``before``; yields the server."""

    async def reply(exchange):
        body = exchange.body
        usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
        text = before + say(body["messages"], body["seed"])
        await exchange.send_json(200, completion(text, finish_reason, usage=usage))

    with run_in_thread(FaultyServer(reply)) as served:
        yield served


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mgsm_de.tsv"
    path.write_text("".join(f"Wie viele sind {n + 20} und {n + 50}?\t7\n" for n in range(6)))
    return path


def test_paths_and_translations_are_asked_for_with_options_of_their_own(file, tmp_path):
    out = tmp_path / "run"
    with server() as served:
        command = ("solve", file, "--base-url", served.url, "--model", "m", "--out", out,
                   "--languages", "de,sw", "--paths", 4, "--max-tokens", 99, "--no-cache",
                   "--reasoning-effort", "low", "--chat-template-kwarg", 'style="kurz"',
                   "--translator-thinking", "off", "--translation-max-tokens", 77)  # fmt: skip
        done = call(*command, "--thinking", "on")
        assert done.returncode == 0, done.stderr
        bodies = [one.body for one in served.requests]
        other = call(*command, "--thinking", "off")
        longer = call(*command, "--thinking", "on", "--translation-max-tokens", 78)
    asked = {
        kind: [
            (one["chat_template_kwargs"], one.get("reasoning_effort"), one["max_tokens"])
            for one in bodies
            if one["messages"][-1]["content"].startswith("Translate th") is kind
        ]
        for kind in (True, False)
    }
    off = {"style": "kurz", "enable_thinking": False, "thinking": False}
    on = {"style": "kurz", "enable_thinking": True, "thinking": True}
    assert asked[True] == [(off, None, 77)] * 6
    assert asked[False] == [(on, "low", 99)] * 24
    assert other.returncode == 2
    assert "engine: " in other.stderr
    assert "translator: " not in other.stderr
    assert longer.returncode == 0  # a limit may grow, and nothing was truncated
    assert "0 paths sampled now, 24 reused" in longer.stderr


KWARG = "--chat-template-kwarg"
WRONG = [
    ((KWARG, "style"), "NAME=VALUE"),
    ((KWARG, "=3"), "NAME=VALUE"),
    ((KWARG, "style=kurz"), "a value in JSON"),
    ((KWARG, "style=NaN"), "a value in JSON"),
    *(((KWARG, f"style={value}"), "'style' of the chat template is")
      for value in ("1e999", "-1e400", '[0, {"a": 1e999}]', str(2**64), '"\\ud800"')),
    ((KWARG, "style=" + "[" * 9999), "a value in JSON"),
    ((KWARG, "two words=1"), "'two words' is no name of a variable"),
    ((KWARG, "style=1", KWARG, "style=1"), f"{KWARG} style is given twice"),
    *(((KWARG, f"{name}=true"), f"{name!r} is no variable of a chat template: clc itself sets it")
      for name in ("messages", "tools", "add_generation_prompt", "tokenize", "chat_template",
                   "continue_final_message", "return_dict")),
    (("--reasoning-effort", "low", KWARG, 'reasoning_effort="low"'), "given twice"),
    (("--reasoning-effort", " "), "reasoning_effort is ' ': give a level"),
    (("--thinking", "on", KWARG, "enable_thinking=false"), "given twice"),
    (("--thinking", "off", KWARG, "thinking=true"), "given twice"),
    (("--thinking", "off", "--thinking-budget", "64"),
     "thinking is 'off' and thinking_budget is 64"),
    (("--thinking-budget", "0"), "--thinking-budget"),
    (("--thinking-budget", "-5"), "--thinking-budget"),
    (("--thinking-budget", "1" + "0" * 30), "--thinking-budget"),
    (("--thinking-budget", "some"), "--thinking-budget"),
    (("--thinking-budget", "1024"), "thinking_budget is 1024, and a path has at most 1024 tokens"),
    (("--thinking-budget", "70", "--max-tokens", "64"), "raise max_tokens (--max-tokens) above"),
    (("--translation-max-tokens", "0"), "--translation-max-tokens"),
    (("--thinking", "maybe"), "'maybe' is not one of"),
]  # fmt: skip


@pytest.mark.parametrize("engine", ["openai", "transformers", "vllm"])
@pytest.mark.parametrize(("options", "words"), WRONG, ids=lambda one: " ".join(one)[:40])
def test_wrong_options_end_it_before_anything_is_asked(file, tmp_path, engine, options, words):
    if engine != "openai":
        pytest.importorskip(engine)
    with server() as served:
        model = ("--base-url", served.url, "--model", "m") if engine == "openai" else ()
        done = call("solve", file, "--engine", engine, *model, "--out", tmp_path / "run", *options)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert served.requests == []


@pytest.mark.parametrize("command", ["ask", "compare", "batch", "serve"])
@pytest.mark.parametrize(
    "options",
    [("--thinking-budget", "1024"), ("--thinking", "off", "--thinking-budget", "9"),
     (KWARG, "messages=[]"), (KWARG, "a=1", KWARG, "a=1")],
)  # fmt: skip
def test_every_command_refuses_them(file, tmp_path, command, options):
    arguments = {"ask": ("1 + 2?",), "serve": ()}.get(command, (file, "--out", tmp_path / "out"))
    with server() as served:
        done = call(command, *arguments, "--base-url", served.url, "--model", "m", *options)
    assert done.returncode == 2
    assert "clc: " in done.stderr
    assert served.requests == []


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A random model whose template has no variable but the messages."""
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from tests.engines.tiny_random import make_model

    return make_model(tmp_path_factory.mktemp("model") / "tiny")


NO_SWITCH = [
    (("--thinking", "on"), "chat template has no switch for it"),
    (("--thinking", "off"), "chat template has no switch for it"),
    (("--translator-thinking", "on"), "chat template has no switch for it"),
    (("--reasoning-effort", "low"), "chat template does not take it"),
    ((KWARG, "style=1"), "chat template has no variable 'style'"),
]


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["transformers", "vllm"])
@pytest.mark.parametrize("wrong", NO_SWITCH, ids=lambda one: " ".join(one[0]))
def test_what_a_template_does_not_have_ends_it_before_anything_is_sampled(
    file, tiny, tmp_path, engine, wrong
):
    options, words = wrong
    pytest.importorskip(engine)
    out = tmp_path / "run"
    done = call("solve", file, "--engine", engine, "--model", tiny, "--out", out, "--no-cache",
                "--max-tokens", 4, "--translation-max-tokens", 4, "--window", 4,
                *options)  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert words in " ".join(done.stderr.split())
    assert not out.exists()  # a folder that the command made, and in which nothing was sampled


def test_a_translator_with_a_switch_of_its_own_replaces_that_of_the_paths(file, tmp_path):
    with server() as served:
        done = call("solve", file, "--base-url", served.url, "--model", "m", "--languages", "de,sw",
                    "--paths", 2, "--out", tmp_path / "run", "--no-cache",
                    KWARG, "enable_thinking=true", "--translator-thinking", "off")  # fmt: skip
    assert done.returncode == 0, done.stderr
    kwargs = {
        kind: {one.body["chat_template_kwargs"]["enable_thinking"] for one in served.requests
               if one.body["messages"][-1]["content"].startswith("Translate th") is kind}
        for kind in (True, False)
    }  # fmt: skip
    assert kwargs == {True: {False}, False: {True}}


def test_a_budget_is_refused_by_a_server_that_is_not_known_to_take_it(file, tmp_path):
    with server() as served:
        done = call("solve", file, "--base-url", served.url, "--model", "m",
                    "--out", tmp_path / "run", "--thinking-budget", 64)  # fmt: skip
    assert done.returncode == 2
    assert "thinking_budget goes with vLLM's servers" in done.stderr
    assert served.requests == []


@pytest.mark.parametrize("command", ["solve", "ask", "compare", "serve", "batch"])
def test_every_command_that_runs_a_model_has_the_options(command):
    text = call(command, "--help").stdout
    for name in ("thinking", "reasoning-effort", "thinking-budget", "chat-template-kwarg",
                 "translator-thinking", "translation-max-tokens"):  # fmt: skip
        assert f"--{name} " in text


@pytest.mark.parametrize(("finish_reason", "times"), [("length", 1), ("stop", 0)])
def test_many_truncated_paths_are_reported_once_with_the_options(
    file, tmp_path, finish_reason, times
):
    with server(finish_reason) as served:
        done = clc("solve", file, "--base-url", served.url, "--model", "m", "--strategy", "sc",
                   "--paths", 5, "--out", tmp_path / "run")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("--max-tokens") == done.stderr.count("--thinking-budget") == times


@pytest.mark.parametrize(
    "refusal",
    [
        status(400, "unknown field: chat_template_kwargs"),
        status(400, "style must be one of: kurz, lang"),
        status(404, "no such model"),
        status(401, "a key is needed"),
    ],
)
def test_an_option_that_was_refused_is_corrected_in_the_same_folder(file, tmp_path, refusal):
    with server() as served:
        answers = list(served.replies)
        served.replies[:] = [refusal]
        command = ("solve", file, "--base-url", served.url, "--model", "m", "--attempts", "1",
                   "--no-cache", "--strategy", "sc", "--paths", "2", "--out", tmp_path / "run")  # fmt: skip
        refused = call(*command, KWARG, 'style="kruz"')
        assert refused.returncode in {1, 2}
        served.replies[:] = answers
        corrected = call(*command, KWARG, 'style="kurz"')
        assert (corrected.returncode, "12 paths sampled now" in corrected.stderr) == (0, True)
        other = call(*command, KWARG, 'style="lang"')
    assert other.returncode == 2
    assert "holds a run with another configuration" in other.stderr
