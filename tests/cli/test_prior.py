"""A learned prior of ``bayes`` in the runs that stop by it."""

import json

import pytest

from clc.analysis.shape_prior import prior_json, read_prior
from clc.voting.shapes import Shape
from tests.cli.solving import DEAD, lines, options

from .running import call


@pytest.fixture
def prior(tmp_path):
    return write_prior(tmp_path / "port.json", Shape(1.0, 0.0, 0.0, 9.0), Shape(0.5, 0.3, 0.2, 4.0))


def write_prior(path, *shapes):
    path.write_text(json.dumps({"prior": prior_json(shapes, 6)}))
    return path


def test_a_run_stops_by_a_learned_prior_and_goes_on_by_it(quick, file, prior, tmp_path):
    out = tmp_path / "run"
    rule = ("--stopping", "bayes", "--prior", prior)
    done = call("solve", file, "--out", out, "--limit", 2, *options(quick, *rule, paths=9))
    assert done.returncode == 0, done.stderr
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["identity"]["stopping"]["prior"] == [list(one) for one in read_prior(prior)]
    assert {row["stop"]["rule"] for row in lines(out) if "stop" in row} <= {"bayes"}
    grown = call("solve", file, "--out", out, *options(quick, *rule, paths=9))
    assert grown.returncode == 0, grown.stderr
    assert len(lines(out)) == 8
    again = call("solve", file, "--out", out, *options(DEAD, *rule, paths=9))
    assert "finished: there is nothing to sample" in again.stderr
    write_prior(prior, *(Shape(1 - n / 100, n / 200, n / 200, 1.0) for n in range(60)))
    other = call("solve", file, "--out", out, *options(DEAD, *rule, paths=9))
    assert other.returncode == 2
    assert "stopping.prior: [[" in other.stderr
    assert max(map(len, other.stderr.splitlines())) < 1000


def test_strategies_are_compared_with_a_learned_prior(quick, file, prior, tmp_path):
    out = tmp_path / "compared"
    done = call("compare", file, "--out", out, "--limit", 1, "--strategies", "clc",
                *options(quick, "--stopping", "bayes", "--prior", prior))  # fmt: skip
    assert done.returncode == 0, done.stderr
