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
