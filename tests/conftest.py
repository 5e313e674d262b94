"""What every test needs: a translation cache of its own, and engines that share two cores."""

import os
from pathlib import Path

import pytest

# Before torch and vLLM are imported, here and in the processes that are started: two OpenMP threads
# of a tiny model wait for each other where another program has a core, and one is as fast.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CLC_CACHE", str(tmp_path_factory.mktemp("cache")))
