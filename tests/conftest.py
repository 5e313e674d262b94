"""What every test needs: a translation cache of its own."""

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CLC_CACHE", str(tmp_path_factory.mktemp("cache")))
