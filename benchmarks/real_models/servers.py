"""Servers as processes: vLLM, LiteLLM's proxy in front of it, llama.cpp."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "ServerFailedError",
    "litellm_proxy",
    "llama_server",
    "read_llama_tokens",
    "read_vllm_tokens",
    "vllm_server",
]

_START_S = 300.0
_STOP_S = 20.0
_LLAMA = re.compile(
    r"Llama.generate: (?P<hit>\d+) prefix-match hit, remaining (?P<left>\d+) prompt tokens"
    r"|prompt eval time = .* / +(?P<prompt>\d+) tokens"
    r"|: +eval time = .* / +(?P<runs>\d+) runs"
)
_COUNTER = re.compile(r"^vllm:(prompt|generation)_tokens_total\{[^}]*\} (\S+)$", re.MULTILINE)


class ServerFailedError(Exception):
    """A server ended, or did not answer in time; the message has the end of its log."""


def free_port() -> int:
    """Return a port of loopback that is free now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], health: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run a server until the block ends; the block begins when ``health`` answers 200.

    Raises:
        ServerFailedError: it ended before, or took more than five minutes.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            _wait(process, health, log)
            yield
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(health, timeout=5, trust_env=False).status_code == 200:
                return
        time.sleep(0.5)
    tail = log.read_text(errors="replace")[-2000:]
    raise ServerFailedError(f"{health} does not answer; {log} ends:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and the processes that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            if number is signal.SIGKILL:
                return


@contextmanager
def vllm_server(model: Path, name: str, log: Path, arguments: Sequence[str] = ()) -> Iterator[str]:
    """Serve a folder with vLLM of this Python; gives the base URL."""
    port = free_port()
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model),
        "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port), *arguments,
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with running(command, f"{url}/health", log):
        yield f"{url}/v1"


def read_vllm_tokens(base_url: str) -> tuple[int, int]:
    """Return the tokens of prompts and completions that a vLLM server counted since its start."""
    text = httpx.get(f"{base_url.removesuffix('/v1')}/metrics", trust_env=False).text
    counts = dict.fromkeys(("prompt", "generation"), 0.0)
    for kind, value in _COUNTER.findall(text):
        counts[kind] += float(value)
    return round(counts["prompt"]), round(counts["generation"])


@contextmanager
def litellm_proxy(
    executable: Path, upstream: str, model: str, key: str, log: Path
) -> Iterator[str]:
    """Run LiteLLM's proxy in front of an OpenAI-compatible server; gives the base URL.

    The proxy serves the model as ``gateway`` to requests with the key, which begins with ``sk-``.
    """
    port = free_port()
    parameters = {"model": f"hosted_vllm/{model}", "api_base": upstream, "api_key": "none"}
    settings = {"model_list": [{"model_name": "gateway", "litellm_params": parameters}]}
    file = log.with_suffix(".json")
    file.write_text(json.dumps(settings))  # JSON is YAML
    command = [
        str(executable), "--config", str(file), "--host", "127.0.0.1", "--port", str(port),
        "--telemetry", "False",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": key,
        "PYTHONPATH": "",
    }
    with running(command, f"{url}/health/liveliness", log, environment):
        yield f"{url}/v1"


@contextmanager
def llama_server(python: Path, gguf: Path, log: Path, window: int) -> Iterator[str]:
    """Serve a GGUF file with ``llama-cpp-python[server]`` of another Python; gives the base URL.

    ``window``: tokens of prompt and completion together.
    """
    port = free_port()
    command = [
        str(python), "-m", "llama_cpp.server", "--model", str(gguf), "--model_alias", "smollm2",
        "--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(window),
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}/v1"
    with running(command, f"{url}/models", log, {"PYTHONPATH": ""}):
        yield url


def read_llama_tokens(log: str) -> tuple[int, int]:
    r"""Return the tokens of prompts, and the runs of the model after them, that a log counts.

    Only requests that were not interrupted count. The first token of a completion comes from its
    prompt, so one that ended at its limit has a token more than runs; one that ended by itself has
    as many, for its end is no token of the text.

    >>> log = "Llama.generate: 24 prefix-match hit, remaining 9 prompt tokens to eval\n"
    >>> log += "perf: prompt eval time = 4.1 ms /   9 tokens (0.4 ms per token)\n"
    >>> read_llama_tokens(log + "perf:        eval time = 6.5 ms /   15 runs   (41 ms per token)")
    (33, 15)
    """
    prompts = runs = 0
    started: int | None = None
    for line in _LLAMA.finditer(log):
        if line["hit"] is not None:
            started = int(line["hit"]) + int(line["left"])
        elif line["prompt"] is not None:
            prompts += int(line["prompt"]) if started is None else started
            started = None
        else:
            runs += int(line["runs"])
    return prompts, runs
