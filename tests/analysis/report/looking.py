"""What a reader does with a report's page."""

import pytest

from .conftest import settle


def ids(page):
    return page.locator("#list .id bdi").all_inner_texts()


def choose(page, control, value):
    page.select_option(f"#{control}", value)
    settle(page)


def press(page, key):
    page.keyboard.press(key)
    page.wait_for_timeout(50)
    settle(page)


def search(page, text):
    page.fill("#q", text)
    searched(page, text)


def searched(page, text):
    """Wait until the page, which waits for the next letter, has looked for a text."""
    asked = "wanted => (new URLSearchParams(location.hash.slice(1)).get('q') ?? '') === wanted"
    page.wait_for_function(asked, arg=text)
    settle(page)


def unfold(page):
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")


def violations(page):
    """Serious and critical findings of axe-core."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
    found = axe.Axe().run(page).response["violations"]
    return [
        (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
