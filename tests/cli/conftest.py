"""An endpoint and a file of problems."""

import pytest

from tests.cli.solving import mgsm

from .running import endpoint


@pytest.fixture(scope="session")
def quick():
    with endpoint("--delay", 0) as (url, _):
        yield url


@pytest.fixture
def file(tmp_path):
    return mgsm(tmp_path, 8)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    from tests.analysis.report.conftest import problems, solve

    return solve(tmp_path_factory.mktemp("runs") / "small", list(problems())[:6], paths=4)


@pytest.fixture
def run(small, tmp_path):
    """A run folder to write into."""
    folder = tmp_path / "clc"
    folder.mkdir()
    for file in small.iterdir():
        if file.name in {"run.sqlite", "manifest.json"}:
            (folder / file.name).write_bytes(file.read_bytes())
    return folder
