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
