"""Models of the tests, and an environment without keys and proxies."""

import pytest


@pytest.fixture(autouse=True)
def _no_key_and_no_proxy(monkeypatch):
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


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
