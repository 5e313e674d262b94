"""The real Inspect: its command line with our entry point, its configuration, its content."""

import asyncio
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from clc.errors import InputError
from tests.cli.running import ROOT, environment

from .running import QUESTION, framework, url  # noqa: F401 - a fixture

pytestmark = pytest.mark.filterwarnings("ignore")
framework("inspect_ai", "inspect")
from inspect_ai.model import (  # noqa: E402
    ChatMessageAssistant,
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    get_model,
)
from inspect_ai.tool import ToolInfo  # noqa: E402

from clc.serving.integrations import inspect_ai as _  # noqa: E402, F401 - the provider, without its entry point


def evaluate(folder, *arguments):
    """Run ``inspect eval`` on the example; return its log."""
    inspect = Path(sys.executable).with_name("inspect")
    more = {"OPENAI_API_KEY": "unused", "INSPECT_LOG_FORMAT": "json", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [inspect, "eval", "examples/inspect_task.py", "--log-dir", folder, "--display", "none",
         *arguments],
        cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (log,) = folder.glob("*.json")
    return json.loads(log.read_text())


def model(url, **settings):  # noqa: F811
    return get_model(
        "clc/m", base_url=url, memoize=False, **{"languages": "en,de", "paths": 4} | settings
    )


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "unused")


def ask(url, input, *, settings=None, tools=(), **config):  # noqa: A002, F811
    async def main():
        async with model(url, **settings or {}) as it:
            return await it.generate(input, tools=list(tools), config=GenerateConfig(**config))

    return asyncio.run(main())


def test_the_command_line_finds_the_provider(tmp_path, url):  # noqa: F811
    log = evaluate(tmp_path, "--model", "clc/m", "--model-base-url", url,
                   "-M", "paths=3", "-M", "languages=en,de,zh")  # fmt: skip
    assert log["status"] == "success"
    assert len(log["samples"]) == 12
    for sample in log["samples"]:
        votes = sample["output"]["metadata"]["clc"]
        assert votes["paths"] == 3
        assert votes["languages"] == ["en", "de", "zh"]


def test_one_reply(url):  # noqa: F811
    output = ask(url, QUESTION)
    assert "Answer: " in output.completion
    assert output.stop_reason == "stop"
    assert output.metadata["clc"]["paths"] == 4
    assert output.usage.total_tokens == output.usage.input_tokens + output.usage.output_tokens > 0


def test_turns_and_parts(url):  # noqa: F811
    turns = [
        ChatMessageUser(content="What is 1 and 1?"),
        ChatMessageAssistant(content="Answer: 2"),
        ChatMessageUser(content=[ContentText(text=QUESTION)]),
    ]
    assert ask(url, turns).metadata["clc"]["question_language"] == "en"


def test_the_configuration_counts(url):  # noqa: F811
    assert ask(url, QUESTION, seed=3).metadata["clc"]["seed"] == 3
    with pytest.raises(InputError, match="temperature 0 samples the same path"):
        ask(url, QUESTION, temperature=0.0)
    with pytest.raises(InputError, match="a vote has one answer"):
        ask(url, QUESTION, num_choices=2)


def test_what_cannot_be_honoured_is_refused(url):  # noqa: F811
    image = ContentImage(image="data:image/png;base64,iVBORw0KGgo=")
    with pytest.raises(InputError, match="only text is read here"):
        ask(url, [ChatMessageUser(content=[image])])
    with pytest.raises(InputError, match="no tools are called here"):
        ask(url, QUESTION, tools=[ToolInfo(name="add", description="adds")])
    with pytest.raises(InputError, match="unknown strategy 'nosuch'"):
        ask(url, QUESTION, settings={"strategy": "nosuch"})


def test_as_many_at_a_time_as_the_engine_likes(url):  # noqa: F811
    it = model(url, window=400)
    assert it.api.max_connections() == 200  # twice 400 over 4 paths


@pytest.mark.engine
@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")
def test_the_example_with_the_bundled_model(tmp_path):
    log = evaluate(tmp_path, "--model", "clc/clc-tiny", "-M", "paths=11", "-M",
                   "languages=en,de,zh")  # fmt: skip
    assert log["status"] == "success"
    (score,) = log["results"]["scores"]
    assert score["metrics"]["accuracy"]["value"] > 0
