"""Files of problems, and runs of them on Ray and on one machine."""

import asyncio
import json
from functools import partial

import orjson

from clc.analysis.export import export
from clc.cluster import solve_on_ray
from clc.datasets import load_problems
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run

from .engines import Logged

SETTINGS: dict = {"languages": ["en", "de", "zh"], "paths": 6}
FILES = ("verdicts.jsonl", "samples_clc.jsonl", "results.json")


def rows(count):
    return [(f"Wie viele sind {n + 20} und {n + 50}?", str(7 + n % 2)) for n in range(count)]


def tsv(folder, count):
    path = folder / "mgsm_de.tsv"
    path.write_text("".join(f"{question}\t{gold}\n" for question, gold in rows(count)))
    return path


def jsonl(folder, count):
    path = folder / "problems.jsonl"
    made = [{"id": f"q{n}", "question": q, "answer": g} for n, (q, g) in enumerate(rows(count))]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in made))
    return path


def parquet(folder, count):
    import pyarrow as pa
    from pyarrow import parquet

    path = folder / "problems.parquet"
    made = [{"id": f"q{n}", "question": q, "answer": g} for n, (q, g) in enumerate(rows(count))]
    parquet.write_table(pa.Table.from_pylist(made), path)
    return path


def on_one_machine(source, out, engine, *, resume=False, **settings):
    with Store(out) as store:
        work = Run(configure("clc", **(SETTINGS | settings)), engine, store)

        async def drain():
            return [verdict async for verdict in work.verdicts(load_problems(source))]

        if not work.begin({"source": source.name}) or not resume:
            asyncio.run(drain())
        export(store)
    return out


def spread(source, out, log, replicas=2, engine=None, *, kind=Logged, **more):
    made = partial(kind, log, **(engine or {}))
    return solve_on_ray(source, out=out, replicas=replicas, engine=made, **(SETTINGS | more))


def check_whole(folder, problems, paths=6):
    """Every problem once, every path of its plan there and no other twice."""
    with open_run(folder) as run:
        solved = list(revote(run))
    keys = [key for one in solved for key in one.plan.keys()]  # noqa: SIM118
    assert len(solved) == len({one.problem.id for one in solved}) == problems
    assert len(keys) == len(set(keys)) == problems * paths
    written = (folder / "verdicts.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in written] == [one.problem.id for one in solved]
