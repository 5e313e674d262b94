"""One report for all tests: a run of a model that says things which a page must not obey."""

import asyncio
import dataclasses
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from clc.analysis.report import open_sources, write_report
from clc.prompts.templates import Templates
from clc.records import Problem
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.identity import identity
from clc.solving.run import Run
from tests.engines.scripted import ScriptedEngine

BIDI = "\u202e12 = 5 + 7\u202c"
HOSTILE = (
    "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"
    "</script><!-- \x1b[31mred\x1b[0m \x07 " + BIDI + " \u2028 & &amp; \U0001f600"
)
LONG = "x" * 1_000_000 + " the end"
SAID = {
    "bn": "প্রথমে সংখ্যাগুলি যোগ করি।",
    "th": "เราบวกจำนวนทั้งสองก่อน",
    "ja": "まず二つの数を足します。",
    "ur": "پہلے دونوں اعداد جمع کریں۔",
}
QUESTIONS = {
    "de": "Wie viele sind {} und 2?",
    "bn": "{} আর 2 মিলে কত হয়?",
    "th": "{} กับ 2 รวมกันเป็นเท่าไร",
    "ja": "{}と2を足すといくつですか。",
    "ur": "{} اور 2 کل کتنے ہیں؟",
}
LANGUAGES = ["en", "bn", "th", "ja", "ur"]


class Talker(ScriptedEngine):
    """Says a sentence in the language of the question it is asked, before its answer."""

    async def complete(self, request):
        done = await super().complete(request)
        prompt = request.messages[-1]["content"]
        if prompt.startswith("Translate th"):
            return done
        first = next((text for code, text in SAID.items() if QUESTIONS[code][-5:] in prompt), "So.")
        if "HOSTILE" in prompt:
            first = HOSTILE
        if "[English] LONG" in prompt:
            first = LONG
        return dataclasses.replace(done, text=f"{first}\n{done.text}")


def problems():
    for number in range(60):
        code = list(QUESTIONS)[number % len(QUESTIONS)]
        translations = {other: text.format(number) for other, text in QUESTIONS.items()}
        question = translations.pop(code)
        yield Problem(f"sum-{number}", question, code, "7", translations)
    yield Problem("hostile </script>", f"HOSTILE {HOSTILE}", "de", "7")
    yield Problem("long", "LONG 1 + 2?", "de", None)


def solve(folder, source, engine=None, **settings):
    """Make a run folder."""
    chosen: dict = {"languages": LANGUAGES, "paths": 10} | settings
    configuration = configure("clc", **chosen)
    engine = engine or Talker()
    with Store(folder) as store:
        work = Run(configuration, engine, store)

        async def collect():
            return [verdict async for verdict in work.verdicts(source)]

        with ThreadPoolExecutor() as elsewhere:  # Playwright keeps a loop in this thread
            elsewhere.submit(asyncio.run, collect()).result()
        values = identity(
            configuration, Templates(), engine="talker", translator="talker", dataset={}, limit=None
        )
        store.write_manifest({"identity": values, "versions": [], "finished": True, "seconds": 7.5})
    return folder


def report(run, out, **options):
    """Write the report of what ``run`` holds."""
    with open_sources(run) as sources:
        return write_report(sources, out, **options)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    return solve(tmp_path_factory.mktemp("talk"), problems())


@pytest.fixture(scope="session")
def page_file(run_folder, tmp_path_factory):
    return report(run_folder, tmp_path_factory.mktemp("page") / "report.html").page


@pytest.fixture(scope="session")
def large(run_folder, tmp_path_factory):
    """The same report with its texts beside it."""
    return report(
        run_folder, tmp_path_factory.mktemp("large page") / "report.html", most_inline=10_000
    )


def _browser_file():
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium; gone with the module, because its loop lets no other one run."""
    file = _browser_file()
    if file is None:
        pytest.skip("needs Chromium: `make browser` installs it")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=file, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser):
    """Open a page file; what it does that a report must not do fails the test."""
    contexts = []

    def open_page(file: Path, fragment="", **options):
        context = browser.new_context(**({"viewport": {"width": 1200, "height": 800}} | options))
        context.set_default_timeout(120_000)
        page = context.new_page()
        seen = SimpleNamespace(page=page, errors=[], requests=[])
        page.on("console", lambda message: seen.errors.append(message.text))
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        contexts.append((context, seen))
        page.goto(file.as_uri() + fragment)
        settle(page)
        return page

    yield open_page
    for context, seen in contexts:
        context.close()
        assert seen.errors == []
        assert [url for url in seen.requests if not url.startswith(("file:", "data:"))] == []


def settle(page):
    """Wait until what was asked for is drawn."""
    deadline = time.monotonic() + 120
    while not page.evaluate("document.documentElement.dataset.hash === location.hash"):
        assert time.monotonic() < deadline, "the page never drew what was asked for"
        page.wait_for_timeout(10)
