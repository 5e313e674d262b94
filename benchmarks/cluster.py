"""What a cluster costs and carries: one run by ``clc solve`` alone and spread by Ray, no model.

Both read the same JSONL file, draw from the replay engine, store every path and export verdicts,
samples and results; the verdicts must be the same byte for byte. Every run is a process of its own,
the kinds take turns, and the figures are medians::

    python -m benchmarks.cluster                                # 10,000 and 100,000 rows x 4 paths
    python -m benchmarks.cluster --rows 10000 --repeats 5
    python -m benchmarks.cluster --rows 1500 --paths 44 --repeats 3
    python -m benchmarks.cluster --rows 1000000                 # an hour

``ratio`` is the time from the first row read to the last result written over the plain run's. The
start of Ray (``Ray s``) is left out of it, and that of the replicas is in it: ``first s`` is how
long the first verdicts took. ``later`` is the ratio without these, ``and Ray`` the one with Ray's
start. What the start costs does not grow with the rows, so that the target is for the largest run.
``draw MB`` and ``peak MB`` are what the process that was started held at most, before the
export and with it: for Ray, the driver. The second table says what a row costs at each station, for
the arithmetic in docs/cluster.md.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.scale import LANGUAGES, answer, questions
from clc.analysis.export import export
from clc.datasets import dataset_fingerprint, load_problems
from clc.engines.replay import ReplayEngine
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.base import Engine
    from clc.records import Verdict
    from clc.solving.sampler import Counters

Figures = dict[str, float]

TARGET = 1.3  # of the plain run's time, with one replica
PLAIN = "plain"
_BATCH = 512  # problems that the reader hands over at a time, at most
_TABLE = ("ratio", "later", "and Ray", "run", "rows", "all s", "rows/s", "Ray s", "first s",
          "export s", "draw MB", "peak MB")  # fmt: skip
_STATIONS = {
    "solver": "solving and storing, ms of CPU a path (plain)",
    "sqlite": "run.sqlite, bytes a row",
    "reader": "reader alone, rows/s",
    "message": "reader to replica, bytes a row",
    "driver": "driver while it draws, ms of CPU a row",
    "shard": "shards, bytes a row",
    "problems": "problems a shard",
    "known": "resume looks through shards, rows/s",
    "export": "export from shards, rows/s",
}


def main() -> int:
    """Print the tables; 1 where one replica takes more than the target on the largest run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000],
                        help="problems of a run")  # fmt: skip
    parser.add_argument("--paths", type=int, default=4, help="paths of a problem, at most 11")
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=1, help="runs of each kind")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        kind, source, out = given.one
        work = (Path(source), Path(out), given.paths)
        print(json.dumps(plain(*work) if kind == PLAIN else spread(*work, int(kind))))
        return 0
    print(" ".join(f"{name:>9}" for name in _TABLE))
    over = False
    for rows in sorted(given.rows):
        found = compare(rows, given.paths, given.replicas, given.repeats)
        _print_runs(found, rows)
        _print_stations(found, rows)
        over = "1" in found and found["1"]["all"] > TARGET * found[PLAIN]["all"]
    print(f"target: ratio {TARGET} at most with one replica: {'missed' if over else 'met'}")
    return int(over)


def compare(rows: int, paths: int, replicas: Sequence[int], repeats: int) -> dict[str, Figures]:
    """Take turns; return the medians by kind: ``plain``, or the number of replicas.

    Raises:
        SystemExit: two runs came to different verdicts.
    """
    taken: dict[str, list[Figures]] = defaultdict(list)
    digests = set()
    for _ in range(repeats):
        for kind in (PLAIN, *map(str, replicas)):
            with tempfile.TemporaryDirectory() as held:
                source, out = Path(held) / "problems.jsonl", Path(held) / "run"
                write(source, rows)
                figures = _in_a_process(kind, source, out, paths)
                digests.add(_digest(out / "verdicts.jsonl"))
            taken[kind].append(figures)
    if len(digests) > 1:
        raise SystemExit("the same problems came to different verdicts: a fault of clc")
    return {
        kind: {name: median(one[name] for one in many) for name in many[0]}
        for kind, many in taken.items()
    }


def write(source: Path, rows: int) -> None:
    """Write problems with human translations, so that only paths are drawn."""
    with source.open("w", encoding="utf-8") as file:
        for one in questions(rows):
            row: dict[str, Any] = {"id": one.id, "language": one.language, "question": one.question}
            row |= {"answer": one.gold, "translations": dict(one.translations)}
            file.write(json.dumps(row) + "\n")


def plain(source: Path, out: Path, paths: int) -> Figures:
    """Solve as ``clc solve`` does."""
    began, worked = time.perf_counter(), time.process_time()
    with Store(out) as store:

        async def draw() -> None:
            work = Run(configure(**_settings(paths)), ReplayEngine(answer), store)
            work.begin({"fingerprint": dataset_fingerprint(source)})
            async for _ in work.verdicts(load_problems(source)):
                pass

        asyncio.run(draw())
        drawn, worked = time.perf_counter(), time.process_time() - worked
        draw_mb = _peak_mb()
        problems = export(store).problems
        ended = time.perf_counter()
    return {
        "all": ended - began,
        "export": ended - drawn,
        "draw_mb": draw_mb,
        "peak_mb": _peak_mb(),
        "solver": 1000 * worked / (problems * paths),
        "sqlite": (out / "run.sqlite").stat().st_size / problems,
    }


def engine() -> Engine:
    """Make a replica's engine."""
    return ReplayEngine(answer)


def spread(source: Path, out: Path, paths: int, replicas: int) -> Figures:
    """Solve as ``clc solve --cluster ray`` does, then look at each station by itself."""
    from clc.cluster import solve_on_ray
    from clc.cluster.ray_session import ReplicaPool, connected

    times, worked, held = [], [], [0.0]

    def watch(_: Counters, verdicts: Sequence[Verdict]) -> None:
        if verdicts:
            times.append(time.perf_counter())
            worked.append(time.process_time())
            held[0] = _peak_mb()

    started = time.perf_counter()
    with connected(ReplicaPool(replicas)):
        import ray.data  # noqa: F401 - a part of Ray's start

        began = time.perf_counter()
        outcome = solve_on_ray(
            source, out=out, replicas=replicas, engine=engine, watch=watch, **_settings(paths)
        )
        ended = time.perf_counter()
    assert outcome.score is not None  # noqa: S101 - nothing was set aside
    problems = outcome.score.problems
    return {
        "all": ended - began,
        "ray": began - started,
        "first": times[0] - began,
        "export": ended - times[-1],
        "draw_mb": held[0],
        "peak_mb": _peak_mb(),
        "driver": 1000 * (worked[-1] - worked[0]) / problems,
        **_stations(source, out, paths, problems),
    }


def _stations(source: Path, out: Path, paths: int, problems: int) -> Figures:
    """Measure the reader without replicas, and what it does first when a run goes on."""
    from clc.cluster.source import read, read_stored, write_message

    began = time.perf_counter()
    before = read_stored(str(out), paths)
    looked = time.perf_counter()
    none = read_stored(str(out.with_name("none")), paths)
    began_reading, sent = time.perf_counter(), 0
    for message in read(str(source), {}, none, folder=".", most=_BATCH, replicas=1):
        sent += write_message(message).nbytes
    read_all = time.perf_counter()
    if not before.done.all():
        raise SystemExit("a run that ended has problems that are not done: a fault of clc")
    sizes = [file.stat().st_size for file in (out / "shards").iterdir()]
    return {
        "known": problems / (looked - began),
        "reader": problems / (read_all - began_reading),
        "message": sent / problems,
        "shard": sum(sizes) / problems,
        "problems": problems / len(sizes),
    }


def _settings(paths: int) -> dict[str, Any]:
    return {"strategy": "clc", "languages": LANGUAGES[:paths], "paths": paths}


def _in_a_process(kind: str, source: Path, out: Path, paths: int) -> Figures:
    command = [sys.executable, "-m", "benchmarks.cluster", "--paths", str(paths)]
    done = subprocess.run(
        [*command, "--one", kind, str(source), str(out)],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _print_runs(found: Mapping[str, Figures], rows: int) -> None:
    base = found[PLAIN]["all"]
    for kind, one in found.items():
        ratio, ray, first = one["all"] / base, one.get("ray", 0.0), one.get("first", 0.0)
        cells = [
            f"{ratio:.2f}",
            f"{(one['all'] - first) / base:.2f}",
            f"{(one['all'] + ray) / base:.2f}",
            kind if kind == PLAIN else f"x {kind}",
            f"{rows:,}",
            f"{one['all']:.1f}",
            f"{rows / one['all']:,.0f}",
            f"{ray:.1f}",
            f"{first:.1f}",
            f"{one['export']:.1f}",
            f"{one['draw_mb']:.0f}",
            f"{one['peak_mb']:.0f}",
        ]
        print(" ".join(f"{cell:>9}" for cell in cells), flush=True)


def _print_stations(found: Mapping[str, Figures], rows: int) -> None:
    _, *clusters = found.values()
    if not clusters:
        return
    stations = found[PLAIN] | clusters[0] | {"export": rows / clusters[0]["export"]}
    for name, meaning in _STATIONS.items():
        print(f"    {meaning:<48}{stations[name]:>12,.{3 if stations[name] < 10 else 0}f}")


if __name__ == "__main__":
    sys.exit(main())
