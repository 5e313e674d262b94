"""The cluster's benchmark over a few rows, and what docs/cluster.md says of a folder of shards."""

import json
import re
import subprocess
import sys

import pytest

from benchmarks.cluster import compare, plain, write
from tests.cli.running import ROOT, environment

pytest.importorskip("ray", reason="needs Ray: pip install 'crosslingual-consistency[ray]'")
pytest.importorskip("pyarrow", reason="needs pyarrow: pip install 'crosslingual-consistency[ray]'")

PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
ROWS, PATHS = 60, 4


def measured(kind, source, out, ray_address):
    """Measure in a process of its own, as the benchmark does, but on the Ray of all tests."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cluster", "--paths", str(PATHS),
         "--one", kind, source, out],
        cwd=ROOT, env=environment(RAY_ADDRESS=ray_address),
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def spread(tmp_path_factory, ray_address):
    """A run that a replica has made: (its folder, the figures, the source)."""
    folder = tmp_path_factory.mktemp("cluster")
    source, out = folder / "problems.jsonl", folder / "runs" / "spread"
    write(source, ROWS)
    out.parent.mkdir()
    return out, measured("1", source, out, ray_address), source


def test_the_runs_are_the_same_and_every_figure_is_there(spread, tmp_path):
    out, figures, source = spread
    base = plain(source, tmp_path / "plain", PATHS)
    for name in ("verdicts.jsonl", "samples_clc.jsonl", "results.json"):
        assert (out / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    assert all(value > 0 for value in [*figures.values(), *base.values()])
    assert figures["first"] + figures["export"] < figures["all"]
    assert figures["draw_mb"] <= figures["peak_mb"]


def test_runs_that_differ_are_no_comparison(monkeypatch):
    def one(kind, source, out, paths):
        out.mkdir()
        (out / "verdicts.jsonl").write_text(kind)
        return {"all": 1.0}

    monkeypatch.setattr("benchmarks.cluster._in_a_process", one)
    with pytest.raises(SystemExit, match="different verdicts"):
        compare(1, PATHS, [1], 1)


def test_the_columns_of_a_shard_are_those_of_the_page(spread):
    from pyarrow import dataset

    table = PAGE.partition("| column | |")[2].partition("\n\n")[0]
    told = {
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    schema = dataset.dataset(spread[0] / "shards", format="parquet").schema
    assert set(schema.names) == told


def test_the_snippet_of_the_page(spread, monkeypatch):
    monkeypatch.chdir(spread[0].parents[1])
    (code,) = re.findall(r"(?ms)^```py\n(.*?)^```", PAGE)
    names = {}
    exec(code, names)
    verdicts = [
        json.loads(line) for line in (spread[0] / "verdicts.jsonl").read_text().splitlines()
    ]
    doubtful = {one["id"]: one["answer"] for one in verdicts if one["agreement"] < 0.8}
    found = names["doubtful"].to_pydict()
    assert doubtful
    assert dict(zip(found["id"], found["answer"], strict=True)) == doubtful
    assert names["tokens"] == sum(one["tokens"]["completion"] for one in verdicts)


def test_the_query_of_the_page(spread, monkeypatch):
    import duckdb

    monkeypatch.chdir(spread[0].parents[1])
    (query,) = re.findall(r"(?ms)^```sql\n(.*?)^```", PAGE)
    rows = duckdb.sql(query).fetchall()
    assert [language for language, *_ in rows] == ["de", "en", "es", "fr"]
    assert sum(count for _, count, _ in rows) == ROWS * PATHS
