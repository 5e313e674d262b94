"""Shared by the tests that run a model."""

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Return the folder of a random model with a window of 512 tokens."""
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from .tiny_random import make_model

    return make_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def thinking(tmp_path_factory):
    """Return the folder of a random thinking model with a window of 512 tokens."""
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from .tiny_random import make_model

    return make_model(tmp_path_factory.mktemp("model") / "thinking", thinking=True)
