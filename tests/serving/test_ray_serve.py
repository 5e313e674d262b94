"""examples/ray_serve.py on a local Ray, asked by the client that people use."""

import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import httpx
import openai
import pytest

from clc.errors import StrategyError
from tests.cli.running import ROOT, environment
from tests.engines.scripted import ScriptedEngine

from .serving import FRAGE, QUESTION, ask
from .serving import client as client_of
from .serving import serving as serving_here

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'ray[serve]'")
serve = pytest.importorskip("ray.serve", reason="needs Ray Serve: pip install 'ray[serve]'")

SLOW = "Take your time. What is 3 + 4?"


def _delay(request):
    return 600 if SLOW in request.messages[-1]["content"] else 0


class Told(ScriptedEngine):
    """Writes down in a file that it was started and closed; slow for one question."""

    def __init__(self, file):
        super().__init__(delay=_delay)
        self._file = file

    def _tell(self, word):
        with Path(self._file).open("a") as opened:
            opened.write(f"{word} {os.getpid()}\n")

    async def start(self):
        await super().start()
        self._tell("started")

    async def close(self):
        await super().close()
        self._tell("closed")


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def until(holds, seconds=240):
    """Wait until ``holds()``; False if that does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def served(tmp_path_factory, ray_address):
    """The deployment with one replica: (base URL, file that its engines write)."""
    from examples.ray_serve import Arguments, deployed

    told, port = tmp_path_factory.mktemp("served") / "told.txt", free_port()
    ray.init(
        address=ray_address, log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )  # fmt: skip
    try:
        serve.start(http_options={"port": port})
        arguments = Arguments(model="scripted", languages="en,de,zh", cpus=0.5)
        serve.run(deployed(arguments, partial(Told, str(told))))
        yield f"http://127.0.0.1:{port}", told
    finally:
        serve.shutdown()
        ray.shutdown()


@pytest.fixture
def client(served):
    with openai.OpenAI(base_url=f"{served[0]}/v1", api_key="unused", max_retries=0) as opened:
        yield opened


def say(client, **more):
    return client.chat.completions.create(**{"model": "clc", "seed": 7, "messages": ask()} | more)


def test_the_models(client):
    names = [model.id for model in client.models.list()]
    assert names[0] == "clc"
    assert {"clc:sc", "scripted"} <= set(names)


def test_a_vote_is_the_one_that_clc_serve_gives(client):
    there = say(client)
    with serving_here() as it:
        here = say(client_of(it))
    assert there.choices[0].message.content == here.choices[0].message.content
    assert there.usage == here.usage
    assert there.clc | {"seconds": 0} == here.clc | {"seconds": 0}
    assert there.clc["answer"]


def test_headers_reach_the_server_and_come_back(client):
    headers = {"X-CLC-Paths": "2", "X-CLC-Languages": "zh", "X-Request-Id": "mine-1"}
    raw = client.chat.completions.with_raw_response.create(
        model="clc", messages=ask(), extra_headers=headers
    )
    assert raw.headers.get_list("x-request-id")[0] == "mine-1"
    assert raw.parse().clc["paths"] == 2
    assert raw.parse().clc["languages"] == ["zh"]


def test_the_plain_model(client):
    reply = say(client, model="scripted", n=3)
    assert len(reply.choices) == 3
    assert all("Step 0" in choice.message.content for choice in reply.choices)


def test_a_streamed_vote(client):
    *_, last = chunks = list(say(client, stream=True, messages=ask(FRAGE)))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    whole = say(client, messages=ask(FRAGE))
    assert text == whole.choices[0].message.content
    assert last.clc["answer"] == whole.clc["answer"]


def test_a_stream_begins_at_once_and_a_client_that_leaves_ends_its_work(served, client):
    def running():
        return httpx.get(f"{served[0]}/health").json()["running"]

    began = time.monotonic()
    with say(client, stream=True, messages=ask(SLOW)) as chunks:
        next(iter(chunks))
        assert time.monotonic() - began < 300  # half of what one path takes
        assert running() == 1
    assert until(lambda: running() == 0)


def test_a_wrong_request(client):
    with pytest.raises(openai.BadRequestError, match="paths"):
        say(client, extra_body={"clc": {"paths": 0}})
    with pytest.raises(openai.NotFoundError, match="there is no model 'nobody'"):
        say(client, model="nobody")


def test_two_replicas_share_the_work_and_every_engine_is_closed(served):
    from examples.ray_serve import Arguments, deployed

    url, told = served
    two = Arguments(model="scripted", languages="en,de,zh", cpus=0.5, replicas=2)
    serve.run(deployed(two, partial(Told, str(told))), name="two", route_prefix="/two")
    with openai.OpenAI(base_url=f"{url}/two/v1", api_key="unused", max_retries=0) as opened:
        answers = {say(opened).clc["answer"] for _ in range(8)}
    assert len(answers) == 1
    before = told.read_text().splitlines()
    assert sum(line.startswith("started") for line in before) == 3
    assert not any(line.startswith("closed") for line in before)
    serve.delete("two")
    closed = [line for line in told.read_text().splitlines() if line.startswith("closed")]
    assert len(set(closed)) == 2


def test_a_wrong_setting_is_told_before_anything_is_deployed():
    from examples.ray_serve import Arguments, deployed

    with pytest.raises(StrategyError, match="no-such"):
        deployed(Arguments(strategy="no-such"))
    with pytest.raises(ValueError, match="replica"):
        Arguments.model_validate({"replica": 2})


def test_serve_run_builds_it_from_words():
    from ray.serve._private.api import call_user_app_builder_with_args_if_necessary as build

    from examples.ray_serve import app

    built = build(app, {"model": "clc-tiny", "replicas": "3", "gpus": "0.5"})
    deployment = built._bound_deployment
    assert deployment.num_replicas == 3
    assert deployment.ray_actor_options["num_gpus"] == 0.5


@pytest.mark.engine
@pytest.mark.ray
@pytest.mark.timeout(600)
def test_the_command_serves_the_bundled_model():
    """On the engine that starts sooner; replicas with the other one are in tests/cluster."""
    port = free_port()
    running = subprocess.Popen(
        # A shell has its background jobs ignore SIGINT, and what they start inherits that.
        ["env", "--default-signal=INT", sys.executable, "examples/ray_serve.py", f"port={port}",
         "paths=4", "languages=en,de", "engine=transformers"],
        cwd=ROOT, env=environment(RAY_ADDRESS="local"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/v1"
        with openai.OpenAI(base_url=url, api_key="unused", max_retries=0) as opened:

            def ready():
                try:
                    return bool(opened.models.list().data)
                except openai.APIError:
                    return False

            assert until(ready)
            reply = say(opened, messages=ask(QUESTION))
        assert reply.clc["paths"] == 4
        assert reply.clc["answer"] == "7"
    finally:
        running.send_signal(signal.SIGINT)
        try:
            running.wait(120)
        finally:
            running.kill()
            running.wait()
