"""What every test needs, and what many share: engines, servers and a Ray that start once.

Tests that share one of these are one group of ``pytest -n 2 --dist loadgroup``, so that one worker
starts it; else a file is a group.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from clc.engines.models import resolve_model

# Before torch and vLLM are imported, here and in the processes that are started: two OpenMP threads
# of a tiny model wait for each other where another program has a core, and one is as fast.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
# Before Ray is imported: who connects to a Ray must know its token.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", token_hex(32))

ROOT = Path(__file__).parents[1]
SHARED = {"bundled_vllm": "vllm", "vllm_url": "vllm-server", "ray": "ray", "ray_address": "ray"}
MARKED = {"ray": "ray", "ray_address": "ray", "browser": "browser"}
FIRST = ("vllm", "ray", "vllm-server")  # the longest groups: the others fill what is left


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(config, items):
    groups = {}
    for item in items:
        needs = getattr(item, "fixturenames", ())
        for fixture, mark in MARKED.items():
            if fixture in needs:
                item.add_marker(mark)
        group = item.get_closest_marker("xdist_group")
        if group is None:
            shared = (SHARED[fixture] for fixture in SHARED if fixture in needs)
            name = next(shared, str(item.path.relative_to(config.rootpath)))
            item.add_marker(pytest.mark.xdist_group(name))
        else:
            (name,) = group.args
        groups[item] = name
    if hasattr(config, "workerinput"):
        places = {name: place for place, name in enumerate(FIRST)}
        items.sort(key=lambda item: places.get(groups[item], len(FIRST)))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CLC_CACHE", str(tmp_path_factory.mktemp("cache")))


class Shared:
    """An engine that is running: whoever starts or closes it leaves it as it is."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    async def start(self):
        pass

    async def close(self):
        pass


@pytest.fixture(scope="session")
def bundled_vllm():
    """Give the bundled model on vLLM in this process."""
    pytest.importorskip("vllm")
    from clc.engines.vllm.engine import VllmEngine

    engine = VllmEngine("clc-tiny", engine_args={"kv_cache_memory_bytes": 1 << 29})
    asyncio.run(engine.start())
    yield Shared(engine)
    asyncio.run(engine.close())


@pytest.fixture(scope="session")
def vllm_url():
    """Give the base URL of a real vLLM server with the bundled model, as ``m`` and ``clc-tiny``."""
    if find_spec("vllm") is None:
        pytest.skip("needs vLLM")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "GOMP_SPINCOUNT": "10000",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1",
         "--port", str(port), "--model", resolve_model("clc-tiny"),
         "--served-model-name", "m", "clc-tiny", "--enforce-eager", "--no-enable-chunked-prefill",
         "--max-num-batched-tokens", "8192", "--max-num-seqs", "64", "--disable-log-stats",
         "--kv-cache-memory-bytes", str(1 << 29), "--disable-uvicorn-access-log"],
        env=os.environ | quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}/v1"
    try:
        _wait(f"{url}/models", process)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url, process):
    until = time.monotonic() + 280
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"vllm serve ended with {process.returncode}")
        try:
            if httpx.get(url, timeout=10).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    pytest.fail("vllm serve was not ready in time")


RAY = """
import sys, ray
started = ray.init(
    "local", num_cpus=4, include_dashboard=False, object_store_memory=200_000_000,
    log_to_driver=False, logging_level="ERROR",
)
print(started.address_info["gcs_address"], flush=True)
sys.stdin.read()
ray.shutdown()
"""


@pytest.fixture(scope="session")
def ray_address():
    """Give the address of a Ray on this machine, for this process and those that it starts."""
    if find_spec("ray") is None:
        pytest.skip("needs Ray: pip install 'clc[ray]'")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RAY],
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
