"""What the tests of all adapters share: a server behind which a scripted model sits."""

import pytest

from tests.cli.running import endpoint

QUESTION = "Tom has 3 apples and buys 4 more. How many apples does Tom have?"
MODEL: dict = {"model": "m", "languages": "en,de,zh", "paths": 3}


def framework(module, extra):
    """Import a framework, or skip with the way to install it."""
    return pytest.importorskip(
        module, reason=f"{module} is not installed: pip install 'crosslingual-consistency[{extra}]'"
    )


@pytest.fixture(scope="module")
def url():
    with endpoint("--delay", 0) as (base_url, _):
        yield base_url
