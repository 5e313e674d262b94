"""The page of a report, as Chromium shows it."""

import time
from urllib.parse import quote

import pytest

from clc.analysis.report import open_sources, write_report
from clc.analysis.report.format import with_interval
from clc.analysis.scoring import score_run
from clc.runs.open import open_run
from clc.runs.revote import revote
from tests.analysis.report.looking import choose, ids, press, search, searched, unfold, violations

from .conftest import HOSTILE, LANGUAGES, QUESTIONS, problems, report, settle, solve


def test_the_first_screen_shows_the_results(opened, page_file, run_folder):
    with open_run(run_folder) as run:
        accuracy = score_run(run).accuracy
    page = opened(page_file)
    assert page.locator(".facts dt").first.inner_text() == "Accuracy"
    assert page.locator(".facts .first .value").inner_text() == with_interval(accuracy)
    assert page.locator(".section svg[role=img]").count() >= 3
    assert page.locator(".heat tbody tr").count() == 5
    assert page.locator("#counts").inner_text().startswith("62 problems, ")
    assert len(ids(page)) == 50


def test_the_list_turns_its_pages(opened, page_file):
    page = opened(page_file)
    page.locator(".pager button", has_text="Next page").first.click()
    settle(page)
    assert ids(page)[-1] == "long"
    assert len(ids(page)) == 12
    assert "page=2" in page.url
    assert page.locator(".pager button", has_text="Next page").first.is_disabled()


def test_filters_and_their_counts_agree(opened, page_file):
    page = opened(page_file)
    counts = {}
    for kind in ("wrong", "right", "tied", "odd"):
        choose(page, "show", kind)
        label = page.locator(f"#show option[value={kind}]").inner_text()
        counts[kind] = int(label.rpartition("(")[2].rstrip(")"))
        assert page.locator("#counts").inner_text().startswith(f"{counts[kind]} of 62 problems")
        assert len(ids(page)) == min(counts[kind], 50)
        signs = {"wrong": "✗", "right": "✓"}
        if kind in signs:
            assert set(page.locator("#list .sign [aria-hidden]").all_inner_texts()) == {signs[kind]}
        elif kind == "odd":
            assert all("differs" in text for text in page.locator("#list .id").all_inner_texts())
    assert counts["wrong"] + counts["right"] == 61  # one has no gold
    choose(page, "show", "all")
    choose(page, "agree", "50")
    low = ids(page)
    assert 0 < len(low) < 62
    choose(page, "sort", "agreement")
    shares = [int(text.split()[-2]) for text in page.locator("#list .meter").all_inner_texts()]
    assert shares == sorted(shares)
    assert max(shares) <= 50
    choose(page, "agree", "")
    choose(page, "sort", "")
    choose(page, "language", "th")
    assert set(ids(page)) == {f"sum-{n}" for n in range(60) if n % 5 == 2}


def test_search_finds_ids_questions_and_what_paths_say(opened, page_file):
    page = opened(page_file)
    for text, expected in (
        ("SUM-42", ["sum-42"]),
        ("1 আর 2", [f"sum-{n}" for n in (1, 11, 21, 31, 41, 51)]),
        ("the end", ["long"]),
        ("no such text", []),
    ):
        search(page, text)
        if expected and expected[0].startswith("sum-1"):
            assert set(ids(page)) >= set(expected)
        else:
            assert ids(page) == expected
    assert page.locator("#none").is_visible()
    page.click("#reset")
    settle(page)
    assert len(ids(page)) == 50


@pytest.mark.parametrize("fragment", ["#show=toString", "#show=__proto__", "#page=x&sort=no&run=-"])
def test_a_fragment_that_means_nothing_shows_the_list(opened, page_file, fragment):
    assert len(ids(opened(page_file, fragment))) == 50


def test_paths_without_a_vote_can_be_chosen(opened, page_file, run_folder):
    with open_run(run_folder) as store:
        (one, silent), *_ = [
            (one.problem.id, silent)
            for one in revote(store)
            if (silent := sum(vote.answer is None for vote in one.votes))
        ]
    page = opened(page_file, "#p=" + quote(one))
    page.select_option("select[aria-label='Which paths to show']", "=")
    settle(page)
    assert "&a=" in page.url
    assert page.locator("details.path").count() == silent


def test_the_texts_are_found_whatever_the_name(opened, run_folder, tmp_path):
    made = report(run_folder, tmp_path / "a 50% #1.html", most_inline=0)
    page = opened(made.page, "#p=sum-1")
    page.locator("details.path").first.wait_for()


def test_a_filtered_view_is_a_link(opened, page_file):
    page = opened(page_file)
    choose(page, "show", "wrong")
    choose(page, "language", "ja")
    found = ids(page)
    other = opened(page_file, page.url[page.url.index("#") :])
    assert ids(other) == found
    assert other.input_value("#show") == "wrong"
    assert other.input_value("#language") == "ja"


def test_one_problem_is_a_link(opened, page_file):
    page = opened(page_file, "#p=sum-1")
    assert page.locator("#problem h2").inner_text() == "sum-1"
    assert page.locator("#overview").is_hidden()
    assert page.locator(".asked").inner_text() == QUESTIONS["bn"].format(1)
    assert page.locator(".path").count() == 10
    voted = [int(text) for text in page.locator(".tally > li > span:last-child").all_inner_texts()]
    assert sum(voted) == 10
    marked = page.locator(".path", has=page.locator(".answer:not(.none)"))
    assert marked.locator("mark").all_inner_texts() == marked.locator(".answer").all_inner_texts()
    page.locator("#translations summary").click()
    asked = page.locator("#translations dd").all_inner_texts()
    assert QUESTIONS["ur"].format(1) in asked
    gone = opened(page_file, "#p=" + quote("<b>none"))
    assert gone.locator("#problem").inner_text().endswith("no problem <b>none")


def test_paths_are_filtered_by_answer_and_folded(opened, page_file):
    page = opened(page_file, "#p=sum-3")
    answers = page.locator(".path .answer").all_inner_texts()
    page.locator(".paths-head select").select_option("=7")
    page.wait_for_timeout(50)
    settle(page)
    assert page.locator(".path .answer").all_inner_texts() == ["7"] * answers.count("7")
    assert page.locator(".path[open]").count() == answers.count("7")
    page.click("#unfold")
    assert page.locator(".path[open]").count() == 0
    assert page.locator(".path .where").first.inner_text() == "Answer: 7"


def test_the_keyboard_is_enough(opened, page_file):
    page = opened(page_file)
    press(page, "j")
    press(page, "j")
    press(page, "Enter")
    assert page.locator("#problem h2").inner_text() == "sum-1"
    assert page.evaluate("document.activeElement.tagName") == "H2"
    press(page, "ArrowRight")
    press(page, "j")
    assert page.locator("#problem h2").inner_text() == "sum-3"
    press(page, "k")
    press(page, "ArrowLeft")
    assert page.locator("#problem h2").inner_text() == "sum-1"
    press(page, "Escape")
    assert page.locator("#overview").is_visible()
    assert page.evaluate("document.activeElement.dataset.key") == "sum-1"
    press(page, "/")
    page.keyboard.type("jk")
    searched(page, "jk")
    assert page.input_value("#q") == "jk"
    assert page.locator("#overview").is_visible()


def test_back_leads_back(opened, page_file):
    page = opened(page_file)
    choose(page, "show", "wrong")
    page.locator("#list a").first.click()
    settle(page)
    page.go_back()
    settle(page)
    assert page.locator("#overview").is_visible()
    assert page.input_value("#show") == "wrong"


def test_the_link_is_copied(opened, page_file):
    page = opened(page_file, "#p=sum-1", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#one .copy").click()
    page.wait_for_function("document.getElementById('notice').textContent")
    assert page.locator("#notice").inner_text() == "Link copied"
    assert page.evaluate("navigator.clipboard.readText()") == page.url


@pytest.mark.parametrize("fragment", ["", "#p=sum-1", "#p=long", "#p=hostile+%3C%2Fscript%3E"])
def test_a_narrow_window_is_wide_enough(opened, page_file, fragment):
    page = opened(page_file, fragment, viewport={"width": 400, "height": 700})
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_dark_and_light(opened, page_file):
    def paper(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = opened(page_file), opened(page_file, color_scheme="dark")
    assert paper(light) != paper(dark)
    light.click("#theme")
    assert paper(light) == paper(dark)
    assert light.locator("#theme").inner_text() == "Light"
    # The browser writes what a page keeps in its own time: a page that is loaded later has it.
    deadline = time.monotonic() + 120
    light.reload()
    settle(light)
    while paper(light) != paper(dark):
        assert time.monotonic() < deadline, "the page forgot what was chosen"
        light.reload()
        settle(light)


def test_print(opened, page_file):
    page = opened(page_file)
    page.emulate_media(media="print")
    for hidden in (".filters", "#theme", ".pager", ".copy", ".bar nav"):
        assert page.locator(hidden).first.is_hidden(), hidden
    assert page.locator(".facts").is_visible()
    assert page.locator(".section svg").first.is_visible()
    assert page.locator("#list li").first.is_visible()
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", ["", "#p=sum-4"])
def test_accessibility(opened, page_file, scheme, fragment):
    page = opened(page_file, fragment, color_scheme=scheme, reduced_motion="reduce")
    unfold(page)
    assert violations(page) == []


def test_a_large_report_loads_what_is_looked_at(opened, large, run_folder, tmp_path):
    page = opened(large.page)
    assert len(ids(page)) == 50
    assert page.locator("script[src]").count() == 0
    page.locator("#list a").first.click()
    settle(page)
    assert page.locator(".path").count() == 10
    assert "paths" not in page.locator(".search").text_content()
    same = opened(report(run_folder, tmp_path / "report.html").page, "#p=sum-0")
    assert page.locator("#problem").inner_text() == same.locator("#problem").inner_text()
    for key in ("hostile </script>", "long"):
        page.goto(large.page.as_uri() + "#p=" + quote(key))
        settle(page)
        assert page.locator("#problem h2").inner_text() == key
        assert page.locator(".path").count() == 10
    assert "taken" not in page.title()
    assert HOSTILE[:20] not in page.content()


def test_a_part_that_is_missing_is_named(browser, large, tmp_path):
    alone = tmp_path / "report.html"
    alone.write_bytes(large.page.read_bytes())
    page = browser.new_page()
    page.goto(alone.as_uri() + "#p=sum-0")
    settle(page)
    assert "keep that folder beside the page" in page.locator("[role=alert]").inner_text()
    page.close()


def test_several_runs(opened, run_folder, tmp_path):
    other = solve(tmp_path / "other", problems(), languages=LANGUAGES[:2], paths=4)
    with open_sources(run_folder) as first, open_sources(other) as second:
        written = write_report({"wide": first.popitem()[1], "narrow": second.popitem()[1]},
                            tmp_path / "report.html")  # fmt: skip
    page = opened(written.page)
    assert page.locator("#comparison-head").is_visible()
    assert page.locator("#run-1").is_hidden()
    choose(page, "run", "1")
    assert page.locator("#run-1").is_visible()
    page.locator("#list a").first.click()
    settle(page)
    assert page.locator(".path").count() == 4
    page.locator(".elsewhere a", has_text="wide").click()
    page.wait_for_timeout(50)
    settle(page)
    assert page.locator(".path").count() == 10
    assert page.locator("#run").input_value() == "0"
    assert violations(page) == []
