"""``clc serve`` as a process with the bundled model: on vLLM inside it, and before a vLLM server."""

import asyncio
import csv
import json
import re
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion

from clc.runs.open import open_run
from tests.cli.running import ROOT, call, endpoint

from .serving import ask, process
from .test_clients import check_langchain, check_lm_eval, has

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(600),
    pytest.mark.skipif(find_spec("vllm") is None, reason="needs vLLM"),
]
QUIET = {"stderr": subprocess.DEVNULL}
TINY = ("--model", "clc-tiny", "--max-tokens", "160", "--languages", "en,de,zh", "--paths", "3")


def examples(language, count):
    """Questions of the sample files, which the bundled model was not trained on."""
    with (ROOT / f"examples/mgsm_{language}.tsv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[:count]
    return [{"question": row[0], "answer_number": int(row[1]), "answer": None} for row in rows]


class Served(NamedTuple):
    url: str
    plain: str  # name of the model without a vote
    process: subprocess.Popen
    history: Path


@pytest.fixture(scope="module", params=["in-process", "in-front"])
def served(request, tmp_path_factory):
    history = tmp_path_factory.mktemp("served") / "history"
    if request.param == "in-process":
        with process(*TINY, "--history", history, **QUIET) as (base, running):
            yield Served(base, "clc-tiny", running, history)
        return
    upstream = request.getfixturevalue("vllm_url")
    with process("--base-url", upstream, *TINY, "--model", "m", **QUIET) as (base, running):
        yield Served(base, "m", running, history)


@pytest.fixture
def url(served):
    """Give the base URL and the name of the plain model."""
    return served.url, served.plain


def test_the_openai_client(url):
    base, plain = url
    row = examples("de", 2)[1]  # one that the bundled model solves
    with openai.OpenAI(base_url=base, api_key="unused", max_retries=0) as client:
        assert plain in [model.id for model in client.models.list()]
        reply = client.chat.completions.create(model="clc", messages=ask(row["question"]))
        ChatCompletion.model_validate(reply.model_dump(), strict=True)
        votes = reply.model_extra["clc"]
        assert votes["question_language"] == "de"
        assert votes["answer"] == str(row["answer_number"])
        assert votes["answer"] in reply.choices[0].message.content
        spent = votes["tokens"]
        assert reply.usage.total_tokens == sum(spent.values())
        assert min(spent.values()) > 0
        stream = client.chat.completions.create(
            model="clc", messages=ask(row["question"]), stream=True
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert votes["answer"] in text
        raw = client.chat.completions.with_raw_response.create(
            model=plain, messages=ask(row["question"]), max_tokens=20, n=2
        )
        assert len(raw.parse().choices) == 2
        assert raw.parse().usage.completion_tokens <= 40
        assert client.responses.create(model="clc:sc", input=row["question"]).output_text
        pieces = list(
            client.chat.completions.create(
                model=plain, messages=ask(row["question"]), max_tokens=20, stream=True
            )
        )
        assert pieces[-1].choices[0].finish_reason in {"stop", "length"}


@pytest.mark.parametrize("stop", [None, ["Answer", "so that"]])
def test_the_plain_model_speaks_piece_by_piece(url, stop):
    base, plain = url
    asked = {"model": plain, "messages": ask(examples("de", 1)[0]["question"]), "seed": 5, "n": 2,
             "max_tokens": 60, "stop": stop}  # fmt: skip
    with openai.OpenAI(base_url=base, api_key="unused", max_retries=0) as client:
        whole = client.chat.completions.create(**asked)
        chunks = list(
            client.chat.completions.create(
                **asked, stream=True, stream_options={"include_usage": True}
            )
        )
    for choice in whole.choices:
        own = [one for chunk in chunks for one in chunk.choices if one.index == choice.index]
        pieces = [one.delta.content for one in own if one.delta.content]
        assert "".join(pieces) == choice.message.content
        assert len(pieces) > 4
        assert [one.finish_reason for one in own if one.finish_reason] == [choice.finish_reason]
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_many_at_once(url):
    base, _ = url

    async def main():
        async with openai.AsyncOpenAI(base_url=base, api_key="unused") as client:
            rows = examples("en", 8)
            replies = await asyncio.gather(
                *(
                    client.chat.completions.create(model="clc", messages=ask(row["question"]))
                    for row in rows
                )
            )
        return rows, [reply.model_extra["clc"]["answer"] for reply in replies]

    rows, answers = asyncio.run(main())
    right = sum(
        str(row["answer_number"]) == answer for row, answer in zip(rows, answers, strict=True)
    )
    assert right >= 5


def test_a_prompt_that_is_too_long_is_the_clients(url):
    base, _ = url
    with openai.OpenAI(base_url=base, api_key="unused", max_retries=0) as client:
        for model in ("clc:sc", url[1]):
            with pytest.raises(openai.BadRequestError):
                client.chat.completions.create(model=model, messages=ask("apples 3 and 4 " * 2000))


def test_a_client_that_leaves_stops_the_engine(url):
    base, _ = url
    root = base.removesuffix("/v1")
    with pytest.raises(httpx.TimeoutException):
        httpx.post(
            f"{base}/chat/completions",
            json={"model": "clc", "messages": ask(), "clc": {"paths": 200}},
            timeout=0.5,
        )
    until = time.monotonic() + 120
    while time.monotonic() < until:
        text = httpx.get(f"{root}/metrics").text
        names = ("running", "waiting")
        busy = [re.search(rf"^clc_requests_{name} (\S+)", text, re.MULTILINE)[1] for name in names]
        busy += [
            re.search(rf"^clc_engine_{n} (\S+)", text, re.MULTILINE)[1]
            for n in ("in_flight", "waiting")
        ]
        if busy == ["0.0"] * 4:
            return
        time.sleep(0.1)
    pytest.fail(f"still busy: {busy}")


def test_langchain(url):
    if not has("langchain_openai"):
        pytest.skip("needs langchain_openai")
    assert check_langchain(url[0])


def test_lm_evaluation_harness(url, tmp_path):
    if not has("lm_eval"):
        pytest.skip("needs lm_eval")
    assert check_lm_eval(url[0], tmp_path, examples("de", 8)) >= 0.5


def test_the_upstream_dies_and_comes_back():
    """What is there in front of it goes on, whatever is there: an endpoint starts at once."""
    with endpoint("--delay", 0) as (upstream, other):
        arguments = ("--base-url", upstream, *TINY, "--model", "m", "--attempts", "2")
        with process(*arguments, **QUIET) as (base, _), httpx.Client(timeout=120) as client:
            body = {"model": "clc", "messages": ask()}
            assert client.post(f"{base}/chat/completions", json=body).status_code == 200
            other.kill()
            other.wait()
            assert client.post(f"{base}/chat/completions", json=body).status_code == 503
            health = base.removesuffix("/v1") + "/health"
            assert client.get(health).status_code == 503
            with endpoint("--delay", 0, "--port", upstream.split(":")[2].split("/")[0]):
                until = time.monotonic() + 180
                while client.get(health).status_code != 200 and time.monotonic() < until:
                    time.sleep(0.1)
                assert client.post(f"{base}/chat/completions", json=body).status_code == 200


@pytest.mark.parametrize("served", ["in-process"], indirect=True)
def test_it_ends_in_order_and_keeps_its_history(served):
    """The last one of this server, which it ends."""
    questions = [f"Tom has {number} apples and buys 4 more. How many?" for number in (2, 5)]
    for question in questions:
        body = {"model": "clc", "messages": ask(question)}
        httpx.post(f"{served.url}/chat/completions", json=body, timeout=60).raise_for_status()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(60) in {0, -signal.SIGTERM}
    voted = call("vote", served.history)
    answers = {row["id"]: row["answer"] for row in map(json.loads, voted.stdout.splitlines())}
    with open_run(served.history) as run:
        ids = [one.problem.id for one in run.finished() if one.problem.question in questions]
        assert len(answers) == run.started()
    assert len(ids) == 2
    assert answers.keys() >= set(ids)
    assert (served.history / "run.sqlite").is_file()
