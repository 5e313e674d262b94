"""Writing a report: the same bytes for the same run, flat memory, and no half reports."""

import dataclasses
import gc
import json
import re
import tracemalloc
from html import unescape

import pytest

from clc.analysis.report import open_sources, write_report
from clc.analysis.report import write as writing_module
from clc.analysis.report.problems import problem_record, problem_row
from clc.errors import ClcError, ConfigurationError, StoreError
from clc.records import Answer, Problem
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from tests.answers.test_recorded import DATA
from tests.engines.scripted import ScriptedEngine

from .conftest import HOSTILE, problems, report, solve

RECORDED = DATA / "recorded"


def data_of(page):
    """The list and the inlined parts of a page."""
    found = re.findall(
        r'<script type="application/json" id="([^"]+)">(.*?)</script>', page.read_text("utf-8"),
        re.DOTALL,
    )  # fmt: skip
    return {name: json.loads(text) for name, text in found}


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(run_folder, page_file, large, tmp_path):
    assert report(run_folder, tmp_path / "report.html").page.read_bytes() == page_file.read_bytes()
    again = report(run_folder, tmp_path / large.page.name, most_inline=10_000)
    assert again.page.read_bytes() == large.page.read_bytes()
    assert sorted(file.read_bytes() for file in again.folder.iterdir()) == sorted(
        file.read_bytes() for file in large.folder.iterdir()
    )
    assert not list(tmp_path.glob(".*"))


def test_the_page_holds_every_problem_and_every_path(run_folder, page_file):
    held = data_of(page_file)
    (run,) = held["report"]["runs"]
    with open_run(run_folder) as store:
        for row, solved in zip(run["problems"], revote(store), strict=True):
            record = held[f"part-{row['part']}"][row["at"]]
            assert {**problem_row(solved), "part": row["part"], "at": row["at"]} == row
            assert record == json.loads(json.dumps(problem_record(solved)))
            texts = [path["text"] for path in record["paths"]]
            assert texts == [path.text for _, path in solved.drawn()]


def test_the_page_holds_every_thought(tmp_path):
    thought = f"Let me see. {HOSTILE}"
    engine = ScriptedEngine(think=lambda request: thought)
    folder = solve(tmp_path / "run", list(problems())[:2], engine)
    page = report(folder, tmp_path / "report.html").page
    for record in data_of(page)["part-0"]:
        assert {(path["thought"], path["closed"]) for path in record["paths"]} == {(thought, True)}
    assert "<script>document.title" not in page.read_text("utf-8")
    assert not any("thought" in path for path in problem_record_of_text(tmp_path)["paths"])


def problem_record_of_text(tmp_path):
    with open_run(solve(tmp_path / "plain", list(problems())[:1], ScriptedEngine())) as store:
        return problem_record(next(revote(store)))


def test_a_place_is_counted_as_javascript_counts(run_folder):
    with open_run(run_folder) as store:
        (solved,) = [one for one in revote(store) if one.problem.id.startswith("hostile")]
    seen = 0
    for path, vote in zip(problem_record(solved)["paths"], solved.votes, strict=True):
        if isinstance(vote.outcome, Answer):
            units = path["text"].encode("utf-16-le")
            start, end = path["span"]
            assert units[2 * start : 2 * end].decode("utf-16-le") == vote.outcome.value
            assert path["span"] != list(vote.outcome.span)  # an emoji stands before it
            seen += 1
    assert seen


def test_markup_of_models_is_nowhere_in_the_page_as_markup(page_file):
    text = page_file.read_text("utf-8")
    assert HOSTILE[:20] not in text
    assert text.count("<script") == 2 + len(data_of(page_file)) - 1
    assert "\u2028" not in text
    assert re.search(r"script-src 'sha256-[^']+';", unescape(text))


def test_texts_over_the_limit_lie_beside_the_page(large, page_file):
    assert large.folder == large.page.with_name("report.data")
    held = data_of(large.page)
    assert set(held) == {"report"}
    assert held["report"]["folder"] == "report.data"
    assert sorted(held["report"]["files"]) == sorted(file.name for file in large.folder.iterdir())
    assert held["report"]["runs"] == data_of(page_file)["report"]["runs"]
    assert "'strict-dynamic'" in unescape(large.page.read_text("utf-8"))
    assert large.page.stat().st_size < 1_000_000 < page_file.stat().st_size


@pytest.mark.slow
def test_a_smaller_report_takes_the_folder_away(run_folder, tmp_path):
    page = tmp_path / "report.html"
    assert report(run_folder, page, most_inline=10_000).folder.is_dir()
    assert report(run_folder, page).folder is None
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.slow
def test_what_others_put_into_the_folder_stays(run_folder, tmp_path):
    page = tmp_path / "report.html"
    folder = report(run_folder, page, most_inline=10_000).folder
    (folder / "notes.txt").write_text("mine")
    report(run_folder, page)
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]


def test_a_report_that_fails_leaves_the_old_one(run_folder, tmp_path, monkeypatch):
    page = tmp_path / "report.html"
    old = report(run_folder, page, most_inline=10_000)
    before = {file: file.read_bytes() for file in (page, *old.folder.iterdir())}
    other = solve(tmp_path / "other", list(problems())[:50])

    def broken(**_):
        yield "<!doctype html>"
        raise KeyboardInterrupt

    monkeypatch.setattr(writing_module, "page", broken)
    with pytest.raises(KeyboardInterrupt):
        report(other, page, most_inline=1_000)
    assert {file: file.read_bytes() for file in before} == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.slow
def test_memory_stays_flat(tmp_path):
    """What is held while problems go by is numbers: their texts are on the disk."""
    run = solve(tmp_path / "run", (_problem(number) for number in range(91)), Wordy())
    held, texts = [], 0

    class Watched:
        def __init__(self, source):
            self.manifest, self._source = source.manifest, source

        def solved(self):
            nonlocal texts
            for one in self._source.solved():
                texts += sum(len(path.text) for _, path in one.drawn())
                yield one
                if len(one.problem.id) == len("p-20") and one.problem.id.endswith("0"):
                    gc.collect()
                    held.append(tracemalloc.get_traced_memory()[0])

    with open_sources(run) as sources:
        watched = {name: Watched(source) for name, source in sources.items()}
        tracemalloc.start()
        try:
            write_report(watched, tmp_path / "report.html", most_inline=100_000)
        finally:
            tracemalloc.stop()
    assert len(held) == 9
    assert max(held[5:]) - max(held[:4]) < writing_module._PART < texts / 3


class Wordy(ScriptedEngine):
    """Says the same as its model, at length."""

    async def complete(self, request):
        done = await super().complete(request)
        return dataclasses.replace(done, text="so it is. " * 300 + done.text)


def _problem(number):
    return Problem(f"p-{number}", f"Wie viele sind {number} und 2?", "de", "7")


def test_a_problem_whose_language_has_no_translation(tmp_path):
    lost = solve(tmp_path / "run", [_problem(1)], ScriptedEngine(lose=_lose))
    with open_run(lost) as store:
        (solved,) = revote(store)
    record = problem_record(solved)
    assert {path.get("abstains") for path in record["paths"]} >= {"engine_failure"}
    assert report(lost, tmp_path / "report.html").problems == 1


def _lose(request):
    return "503" if request.seed % 2 else None


def test_errors(run_folder, tmp_path):
    with pytest.raises(ConfigurationError, match="is not there"), open_sources(tmp_path / "none"):
        pass
    with Store(tmp_path / "empty"):
        pass
    with pytest.raises(ConfigurationError, match="empty: no problem is done"):
        report(tmp_path / "empty", tmp_path / "report.html")
    with pytest.raises(StoreError, match="cannot write the report"):
        report(run_folder, tmp_path / "no" / "such" / "report.html")
    (tmp_path / "report.data").write_text("a file where the folder should be")
    with pytest.raises(StoreError):
        report(run_folder, tmp_path / "report.html", most_inline=10_000)
    assert issubclass(StoreError, ClcError)
    assert StoreError.exit_code == ConfigurationError.exit_code == 2


@pytest.mark.skipif(not RECORDED.is_dir(), reason=f"needs the recorded data in {RECORDED}")
@pytest.mark.slow
def test_recorded_generations(tmp_path):
    (folder := tmp_path / "recorded").mkdir()
    for file in RECORDED.glob("*.clsp.jsonl"):
        (folder / file.name).symlink_to(file)
    made = report(folder, tmp_path / "report.html")
    assert made.problems == 750
    held = data_of(made.page)
    marked = answered = 0
    for part in (value for name, value in held.items() if name.startswith("part-")):
        for record in part:
            for path in record["paths"]:
                answered += "answer" in path
                marked += bool(path.get("span"))
    assert answered > 5000
    assert marked > 0.99 * answered


def test_files_of_others_beside_the_page_stay(run_folder, tmp_path):
    (tmp_path / "page.data").mkdir()
    mine = tmp_path / "page.data" / "app.js"
    mine.write_text("mine")
    report(run_folder, tmp_path / "page.html")
    assert mine.read_text() == "mine"
