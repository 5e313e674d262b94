"""Shared by the tests that run a model."""

import os

import pytest

# Before torch is imported: beside other programs, two OpenMP threads of a tiny model are slower
# than one, and far less steady.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Return the folder of a random model with a window of 512 tokens."""
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from .tiny_random import make_model

    return make_model(tmp_path_factory.mktemp("model") / "tiny")
