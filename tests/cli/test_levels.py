"""PolyMath's levels: the accuracy weighted by difficulty, beside the plain one."""

import json

import pytest

from clc.analysis.scores import Scored
from clc.analysis.scoring import score
from clc.api import solve_many
from clc.datasets import load_problems
from clc.records import Verdict
from tests.engines.scripted import ScriptedEngine

from .running import call, endpoint


def scored(number, level, *, right):
    answer = "5" if right else "6"
    verdict = Verdict(f"p{number}", answer, 1, 1, 1.0, False, {answer: {"en": 1}})
    return Scored(f"p{number}", f"p{number}", "en", "5", verdict, level=level)


def test_the_weights_are_1_2_4_8():
    rows = [
        scored(number, level, right=number % 10 < tenths)
        for level, tenths in (("low", 9), ("medium", 6), ("high", 3), ("top", 1))
        for number in range(10)
    ]
    result = score(rows)
    assert result.accuracy.value == pytest.approx(19 / 40)
    assert result.difficulty_weighted == pytest.approx((9 + 2 * 6 + 4 * 3 + 8 * 1) / 150)
    assert list(result.by_level) == ["low", "medium", "high", "top"]
    assert [rate.right for rate in result.by_level.values()] == [9, 6, 3, 1]


def test_levels_that_are_not_there_have_no_weight():
    result = score([scored(0, "low", right=True), scored(1, "top", right=False)])
    assert result.difficulty_weighted == pytest.approx(1 / 9)
    plain = score([scored(0, None, right=True)])
    assert plain.difficulty_weighted is None
    assert "by_level" not in plain.to_json()


def test_vote_over_output_of_polymath(tmp_path):
    for level, answer in (("low", "5"), ("medium", "5"), ("high", "6"), ("top", "6")):
        for code in ("en", "de"):
            file = tmp_path / level / f"{code}.jsonl"
            file.parent.mkdir(exist_ok=True)
            row = {"idx": 0, "question": "2 + 3?", "answer": "5", "thinking_pred": "",
                   "answer_pred": f"Answer: {answer}"}  # fmt: skip
            file.write_text(json.dumps(row) + "\n")
    files = sorted(tmp_path.glob("*/*.jsonl"))
    done = call("vote", *files)
    assert "accuracy weighted by difficulty 20.0%" in " ".join(done.stderr.split())
    assert "accuracy of the vote 50.0%" in " ".join(done.stderr.split())
    result = json.loads(call("vote", *files, "--json").stdout)
    assert result["difficulty_weighted"] == pytest.approx(3 / 15)
    assert result["by_level"]["high"]["right"] == 0


def test_a_run_has_the_levels_of_its_file(tmp_path):
    file = tmp_path / "polymath" / "sw" / "top.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"question": "2 + 3?", "answer": "7"}) + "\n")
    folder = tmp_path / "run"
    list(solve_many(load_problems(file), engine=ScriptedEngine(), store=folder, paths=3,
                    languages=["sw"], cache=False))  # fmt: skip
    result = json.loads(call("score", folder, "--json").stdout)
    assert list(result["by_level"]) == ["top"]
    assert "accuracy weighted by difficulty" in call("score", folder).stdout
    assert call("report", folder).returncode == 0
    assert "Weighted by difficulty" in (folder / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_named_fields_are_part_of_the_run(tmp_path):
    file = tmp_path / "set.csv"
    file.write_text("task,result\nWie viele sind 2 und 3?,7\n")
    with endpoint("--delay", 0) as (url, _):
        options = ["--base-url", url, "--model", "m", "--languages", "de", "--paths", 2, "--out",
                   tmp_path / "run"]  # fmt: skip
        named = ["--field", "question=task", "--field", "answer=result"]
        done = call("solve", file, *options, *named)
        assert done.returncode == 0, done.stderr
        manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
        fields = manifest["identity"]["dataset"]["fields"]
        assert fields == {"question": "task", "answer": "result"}
        done = call("solve", file, *options, "--field", "question=task")
        assert done.returncode == 2
        assert "dataset.fields.answer" in done.stderr
