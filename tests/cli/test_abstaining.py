"""``--abstain-below`` and ``--abstain-languages`` of ``clc solve``: stored, scored, shown."""

import json

from tests.cli.solving import lines, options

from .running import call


def test_a_run_withholds_and_every_view_of_it_does(quick, file, tmp_path):
    plain, sure = tmp_path / "plain", tmp_path / "sure"
    call("solve", file, "--out", plain, *options(quick))
    done = call("solve", file, "--out", sure, *options(quick, "--abstain-below", "0.99"))
    assert done.returncode == 0, done.stderr
    expected = [
        {
            "answer": row["answer"] if row["agreement"] == 1 else None,
            "correct": row["correct"] and row["agreement"] == 1,
        }
        for row in lines(plain)
    ]
    given = [{name: row[name] for name in ("answer", "correct")} for row in lines(sure)]
    assert given == expected
    withheld = [
        row["details"]["withheld"]["answer"] for row in lines(sure) if row["answer"] is None
    ]
    assert withheld == [row["answer"] for row in lines(plain) if row["agreement"] < 1]
    score = json.loads(call("score", sure, "--json").stdout)
    assert score["withheld"] == len(withheld) > 0
    assert (
        score["risk_coverage"] == json.loads(call("score", plain, "--json").stdout)["risk_coverage"]
    )
    unsure = next(row["id"] for row in lines(sure) if row["answer"] is None)
    shown = call("show", sure, unsure)
    assert "No answer: agreement" in shown.stdout
    assert "The vote's answer, withheld:" in shown.stdout
    again = call("solve", file, "--out", sure, *options(quick))
    assert again.returncode == 2
    assert "abstaining" in again.stderr


def test_a_share_out_of_range_is_refused(quick, file, tmp_path):
    out = tmp_path / "run"
    done = call("solve", file, "--out", out, *options(quick, "--abstain-below", "2"))
    assert done.returncode == 2
    assert "--abstain-below" in done.stderr
    assert not out.exists()


def test_agreement_of_more_languages_than_there_are_is_refused(quick, file, tmp_path):
    out = tmp_path / "run"
    chosen = options(quick, "--abstain-languages", "4")
    done = call("solve", file, "--out", out, *chosen)
    assert done.returncode == 2
    assert "abstain_languages is 4, and 6 paths are in 3 languages" in done.stderr


def test_a_vote_that_gives_no_answer_ends_with_one(tmp_path):
    file = tmp_path / "g.jsonl"
    row = {"id": "a", "language": "en", "response": "Answer: 5", "gold": "5"}
    file.write_text(json.dumps(row) + "\n")
    done = call("vote", file, "--abstain-languages", "2")
    assert done.returncode == 1
    assert "no answer is given: 1 were not sure enough" in done.stderr
