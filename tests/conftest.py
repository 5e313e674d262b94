"""Fixtures that many tests share: engines, servers and a Ray that start once.

``pytest -n 3`` gives the tests that share one of these to one worker; else a file goes to one.
"""

import asyncio
import gc
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from clc.engines.models import resolve_model

# Before torch and vLLM are imported, here and in the processes that are started: two OpenMP threads
# of a tiny model wait for each other where another program has a core, and one is as fast.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
# Before Ray is imported: a connection to a Ray needs its token.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", token_hex(32))

# Hundreds of processes start here; where they may store no bytecode, each compiles clc anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

if find_spec("hypothesis"):  # the adapters' environment has none
    from hypothesis import settings

    # The time of an example depends on the load of the machine.
    settings.register_profile("clc", deadline=None)
    settings.load_profile("clc")

ROOT = Path(__file__).parents[1]
collect_ignore = ["typing"]  # for the type checker: its calls are wrong on purpose
MARKED = {"ray": "ray", "ray_address": "ray", "browser": "browser"}  # fixture -> mark
# What one worker runs, in this order: ends of files' names, and of tests' names. They take longest
# and come first.
GROUPS = {
    "vllm": (
        "engines/test_bundled.py",
        "engines/test_transformers.py",
        "test_end_to_end.py::test_every_strategy_runs_on_vllm",
        "test_end_to_end.py::test_open_engines",
        "docs/test_commands.py::test_the_commands_of_the_first_page_run_on_vllm",
        "cli/test_thinking.py::test_what_a_template_does_not_have_ends_it_before_anything_is_sampled",
        "cli/test_report.py::test_a_run_of_the_bundled_model",
        "cli/test_batch.py::test_the_example_with_the_bundled_model",
        "test_lm_eval.py::test_the_example_with_the_bundled_model",
        "test_langchain.py::test_the_example_with_the_bundled_model",
        "engines/test_vllm.py",  # last: the end of its engines ends that of the others, too
    ),
    "ray": ("cluster/test_cluster.py", "cluster/test_replicas.py", "cluster/test_command.py",
            "test_ray_serve.py", "benchmarks/test_cluster.py",
            "test_end_to_end.py::test_vllm_in_a_process_and_in_two_replicas_on_ray",
            "cli/test_marks.py::test_replicas_on_ray"),
    "server": ("serving/test_engines.py", "test_end_to_end.py::test_served",
               "test_end_to_end.py::test_served_paths_are_sampled_as_recorded_and_not_as_the_servers_model_asks",
               "test_end_to_end.py::test_a_server_completes_plain_text_as_it_answers_the_chat",
               "test_end_to_end.py::test_a_server_that_splits_thoughts_gives_the_same_verdicts"),
    "report": ("report/test_page.py", "report/test_page_texts.py", "report/test_write.py"),
}  # fmt: skip


# Whose start costs most: the tests that use one of these fixtures are in its group.
STARTED_ONCE = {
    "_started": "vllm",
    "bundled_transformers": "vllm",
    "ray_address": "ray",
    "_vllm_urls": "server",
}

# Files of more than ten seconds come next, so that short ones fill what is left at the end.
LONG = (
    "docs/test_commands.py",
    "cli/test_report.py",
    "cli/test_view.py",
    "serving/test_connections.py",
    "serving/test_stopping.py",
    "cli/test_solve_faults.py",
    "serving/test_proxy.py",
    "serving/test_chat_options.py",
    "integrations/test_lm_eval.py",
    "thoughts/test_properties.py",
    "serving/test_clients.py",
    "serving/test_requests.py",
    "engines/test_openai_faults.py",
    "cli/test_batch.py",
    "cli/test_streams.py",
    "cli/test_ask.py",
    "runs/test_damage.py",
    "serving/test_load.py",
    "serving/test_question.py",
    "serving/test_chat.py",
    "solving/test_store_failures.py",
    "benchmarks/test_faults.py",
    "answers/test_fuzz.py",
    "voting/test_stopping.py",
    "voting/test_stopping_error.py",
)


def group_of(nodeid):
    """Give the place of a test, and its group's name: a test that is in none goes with its file."""
    file, _, test = nodeid.partition("::")
    test = test.partition("[")[0]
    for place, (name, members) in enumerate(GROUPS.items()):
        for number, member in enumerate(members):
            its_file, _, its_test = member.partition("::")
            if f"/{file}".endswith(f"/{its_file}") and its_test in ("", test):
                return (place, number), name
    long = (at for at, ending in enumerate(LONG) if f"/{file}".endswith(f"/{ending}"))
    return (len(GROUPS) + next(long, len(LONG)), 0), file


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Keep the garbage collector from the modules and tests that are made: half of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config, items):
    for item in items:
        for fixture, mark in MARKED.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        for fixture, group in STARTED_ONCE.items():
            if fixture in getattr(item, "fixturenames", ()) and group_of(item.nodeid)[1] != group:
                raise pytest.UsageError(
                    f"{item.nodeid} uses {fixture}: name it in group {group} of tests/conftest.py"
                )
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: group_of(item.nodeid)[0])


if find_spec("xdist"):
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):  # type: ignore[misc]
        """Gives a worker a whole group."""

        def _split_scope(self, nodeid):
            return group_of(nodeid)[1]

    class Scheduling:
        """Hooks of pytest-xdist."""

        def pytest_xdist_make_scheduler(self, config, log):
            config.option.loadscopereorder = False  # they come in the order that we give them
            return Groups(config, log)

    def pytest_configure(config):
        if config.pluginmanager.has_plugin("xdist"):
            config.pluginmanager.register(Scheduling())


@pytest.fixture(scope="session")
def _caches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caches")
    return (str(folder / str(number)) for number in count())


@pytest.fixture(autouse=True)
def _own_cache(_caches, monkeypatch):
    """Name a folder that is made where something is cached."""
    monkeypatch.setenv("CLC_CACHE", next(_caches))


class Shared:
    """A running engine; starting and closing it does nothing."""

    def __init__(self, engine):
        self._engine = engine

    def __getattr__(self, name):
        return getattr(self._engine, name)

    async def start(self):
        pass

    async def close(self):
        pass


@pytest.fixture(scope="session")
def _started():
    """Keep the bundled model on vLLM for all modules; it is started where one first needs it."""
    engines = []
    yield engines
    for engine in engines:
        asyncio.run(engine.close())


@pytest.fixture(scope="module")
def bundled_vllm(_started):
    """Give the bundled model on vLLM in this process.

    When another engine of this process was closed, vLLM's groups are gone for all: it starts anew.
    """
    pytest.importorskip("vllm")
    from vllm.distributed.parallel_state import model_parallel_is_initialized

    from clc.engines.vllm.engine import VllmEngine

    if _started and not model_parallel_is_initialized():
        asyncio.run(_started.pop().close())
    if not _started:
        _started.append(VllmEngine("clc-tiny", engine_args={"kv_cache_memory_bytes": 1 << 29}))
        asyncio.run(_started[0].start())
    return Shared(_started[0])


@pytest.fixture
def only_bundled_vllm(bundled_vllm, monkeypatch):
    """Have commands and adapters that open an engine find the bundled model on vLLM, open."""
    monkeypatch.setattr("clc.engines.factory.open_engine", lambda *_, **__: bundled_vllm)


@pytest.fixture(scope="session")
def bundled_transformers():
    """Give the bundled model on transformers in this process."""
    pytest.importorskip("transformers")
    from clc.engines.factory import open_engine

    engine = open_engine("clc-tiny", engine="transformers")
    asyncio.run(engine.start())
    yield Shared(engine)
    asyncio.run(engine.close())


@pytest.fixture(scope="session")
def _vllm_urls():
    """Give the base URLs of two real vLLM servers with the bundled model, as ``m`` and ``clc-tiny``.

    Where a request leaves a field of sampling out, their model asks for greedy sampling.
    """
    if find_spec("vllm") is None:
        pytest.skip("needs vLLM")
    quiet = {
        "VLLM_LOGGING_LEVEL": "ERROR",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "GOMP_SPINCOUNT": "3000",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engines.vllm_servers", "--model", resolve_model("clc-tiny"),
         "--served-model-name", "m", "clc-tiny", "--enforce-eager", "--no-enable-chunked-prefill",
         "--max-num-batched-tokens", "8192", "--max-num-seqs", "64", "--disable-log-stats",
         "--kv-cache-memory-bytes", str(1 << 29), "--disable-uvicorn-access-log",
         "--override-generation-config", '{"top_k": 1}'],
        cwd=ROOT, env=os.environ | quiet, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        urls = [line.strip() for line in islice(process.stdout, 2)]
        for url in urls:
            _wait(f"{url}/models", process)
        yield urls
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@pytest.fixture(scope="session")
def vllm_url(_vllm_urls):
    """Give the base URL of a real vLLM server; see ``_vllm_urls``."""
    return _vllm_urls[0]


@pytest.fixture(scope="session")
def vllm_url_with_parser(_vllm_urls):
    """Give the base URL of one that splits thoughts from answers itself."""
    return _vllm_urls[1]


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
        pytest.skip("needs Ray: pip install 'crosslingual-consistency[ray]'")
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
