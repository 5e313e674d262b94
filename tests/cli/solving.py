"""Problems, options and checks of the tests of ``clc solve``."""

import json
import time
from itertools import chain

from clc.analysis.export import verdict_row
from clc.errors import StoreError
from clc.runs.open import open_run
from clc.runs.revote import revote
from clc.runs.store import Store
from tests.solving.running import rows

DEAD = "http://127.0.0.1:9/v1"


def mgsm(folder, count):
    path = folder / "mgsm_de.tsv"
    path.write_text(
        "".join(f"Wie viele sind {n + 20} und {n + 50}?\t{7 + n % 2}\n" for n in range(count))
    )
    return path


def options(url, *more, languages="en,de,zh", paths=6):
    return ["--base-url", url, "--model", "m", "--languages", languages, "--paths", paths, *more]


def lines(folder):
    return [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]


def stored(folder):
    if not (folder / "run.sqlite").exists():
        return {}
    try:
        with Store(folder, read_only=True) as store:
            return rows(store)
    except StoreError as error:
        if "holds no run yet" in str(error):  # the tables are not there yet
            return {}
        raise


def check_whole(folder, problems, paths):
    """No planned path is missing, none is there twice, and the verdicts are those of the store."""
    with open_run(folder) as store:
        solved = list(revote(store))
        keys = list(chain.from_iterable(one.plan.keys() for one in solved))
        assert len(solved) == problems
        assert len(keys) == len(set(keys)) == problems * paths
        assert set(keys) == set(rows(store))
        twice = store._connection.execute(  # type: ignore[attr-defined]
            "SELECT prompt_key, idx FROM paths GROUP BY 1, 2 HAVING count(*) > 1"
        ).fetchall()
        assert twice == []
        again = [verdict_row(one.verdict, gold=one.problem.gold, kind="number") for one in solved]
    assert lines(folder) == json.loads(json.dumps(again))


def wait_for_paths(out, count, seconds=240):
    until = time.monotonic() + seconds
    while len(stored(out)) < count:
        assert time.monotonic() < until
        time.sleep(0.05)
