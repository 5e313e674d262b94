"""Runs to damage."""

import asyncio

import pytest

from tests.runs.damaged import solve


@pytest.fixture(scope="session", params=["finished", "open"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "run"
    asyncio.run(solve(folder, finish=request.param == "finished"))
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    asyncio.run(solve(folder))
    return folder
