"""Texts on a report's page: scripts, directions, hostile and long ones."""

import time
from urllib.parse import quote

import pytest

from clc.records import Problem
from tests.analysis.report.looking import press, violations
from tests.engines.scripted import ScriptedEngine

from .conftest import HOSTILE, QUESTIONS, SAID, report, solve

FONTS = {"bn": "Bengali", "th": "Thai", "ja": "CJK", "ur": "Nasta"}


@pytest.mark.parametrize("code", FONTS)
def test_a_script_is_drawn_in_a_font_that_has_it(opened, page_file, code):
    number = list(QUESTIONS).index(code)
    page = opened(page_file, f"#p=sum-{number}")
    client = page.context.new_cdp_session(page)
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument")["root"]["nodeId"]
    for selector in (".asked .text", f".path .text[lang={code}]"):
        node = client.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        used = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        names = " ".join(font["familyName"] for font in used)
        if "Noto" not in names:
            pytest.skip(f"needs Noto fonts, drew with {names}")
        assert FONTS[code] in names, f"{selector}: {names}"
        assert "LastResort" not in names
    text = page.locator(f".path .text[lang={code}]").first.inner_text()
    assert text.splitlines()[0] == SAID[code]


def test_right_to_left_texts_begin_at_the_right(opened, page_file):
    page = opened(page_file, "#p=sum-4")
    where = """([element]) => {
        const range = document.createRange();
        range.setStart(element.firstChild, 0);
        range.setEnd(element.firstChild, 5);
        const box = element.getBoundingClientRect();
        return (range.getBoundingClientRect().left - box.left) / box.width;
    }"""
    assert page.locator(".asked .text").evaluate_all(where) > 0.8
    assert opened(page_file, "#p=sum-0").locator(".asked .text").evaluate_all(where) < 0.1


def test_hostile_texts_stay_in_their_boxes(opened, page_file):
    page = opened(page_file, "#p=" + quote("hostile </script>"))
    title = page.title()
    assert title == "talk0 · clc report"
    assert page.locator("script:not([id])").count() == 1
    assert page.locator("main img, main script").count() == 0
    text = page.locator(".path .text").first
    shown = text.inner_text()
    assert "<script>document.title = 'taken'</script>" in shown
    assert "␛[31mred␛[0m ␇ ⟦U+202E⟧12 = 5 + 7⟦U+202C⟧ ⟦U+2028⟧ & &amp; \U0001f600" in shown
    drawn = page.locator("main").inner_html()
    assert not any(character in drawn for character in "\x1b\x07\u202e\u2028")
    for mark, answer in zip(
        page.locator(".path mark").all_inner_texts(),
        page.locator(".path .answer:not(.none)").all_inner_texts(),
        strict=True,
    ):
        assert mark == answer  # its place is counted in the text as it was, emoji and all
    press(page, "Escape")
    assert page.locator("#counts").inner_text().startswith("62 problems")
    assert page.title() == title


def test_a_thought_is_folded_before_its_text(opened, tmp_path):
    thought = f"Let me see. {HOSTILE}"
    folder = solve(tmp_path / "run", [Problem("p", "1 + 2?", "en", "7")],
                   ScriptedEngine(think=lambda request: thought), languages=["en"], paths=1)  # fmt: skip
    page = opened(report(folder, tmp_path / "report.html").page, "#p=p")
    box = page.locator("details.thought")
    assert box.count() == 1
    assert not page.locator(".thought .text").count()
    box.locator("summary").click()
    page.locator(".thought .text").wait_for()
    shown = page.locator(".thought .text").inner_text()
    assert "Let me see. <script>document.title = 'taken'</script><img" in shown
    assert "␛[31mred␛[0m" in shown
    assert page.title() != "taken"
    assert violations(page) == []


def test_a_text_of_a_megabyte_is_cut(opened, page_file):
    started = time.monotonic()
    page = opened(page_file, "#p=long")
    assert time.monotonic() - started < 100
    box = page.locator(".path .text").first
    assert len(box.inner_text()) < 10_000
    assert box.locator("mark").count() == 1  # the answer, behind a million letters
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200
    box.locator("button").click()
    assert len(box.inner_text()) > 1_000_000
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200
