"""The site builds without a warning, asks nothing of the network, and has all that is public."""

import os
import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec

import pytest

import clc

from .pages import ROOT

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("mkdocs", "mkdocstrings"))), reason="needs the extra docs"
)

_ASSET = re.compile(
    r"""<(?:script|link|img|iframe|source|video|audio)\b[^>]*?(?:src|href)=["']?(?:https?:)?//"""
)


def _documented():
    pages = (ROOT / "docs" / "reference").glob("*.md")
    return [name for page in pages for name in re.findall(r"(?m)^::: (\S+)$", page.read_text())]


def test_all_that_is_public_is_on_one_page():
    homes = clc._MODULE_OF | {"__version__": "clc.version"}
    times = Counter(_documented())
    for name in clc.__all__:
        assert times[f"{homes[name]}.{name}"] == 1, name
    assert max(times.values()) == 1


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.slow
def test_every_public_name_has_an_anchor(site):
    html = "".join(page.read_text() for page in (site / "reference").glob("*.html"))
    for name in _documented():
        assert f'id="{name}"' in html, name


def test_nothing_is_fetched_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        assert not _ASSET.search(page.read_text()), page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheet.read_text())


def test_examples_are_shown_as_code(site):
    html = (site / "reference" / "answers.html").read_text()
    assert "<blockquote>" not in html
    assert "70.000 Euro" in html
