"""The cost of each path in the store, and runs of an older clc, which have none."""

import sqlite3

import pytest

from clc.errors import StoreError
from clc.records import Step, Usage
from clc.runs.store import Store
from tests.solving.running import problems, run


@pytest.fixture
def older(tmp_path):
    """Give a run folder whose rows have no cost."""
    folder = tmp_path / "run"
    with Store(folder) as store:
        run(problems(3), store)
        store.add_step("s", Step("turn", "de", "Gut.", "stop", Usage(3, 2)))
    connection = sqlite3.connect(folder / "run.sqlite")
    for table in ("paths", "steps"):
        connection.execute(f"ALTER TABLE {table} DROP COLUMN cost")
    connection.commit()
    connection.close()
    return folder


def paths(store):
    return {key: path for one in store.finished() for key, path in one.paths.items()}


def test_a_run_without_costs_is_read_and_gone_on_with(older):
    with Store(older, read_only=True) as store:
        before = paths(store)
        assert before
        assert {path.cost for path in before.values()} == {None}
    with Store(older) as store:
        assert paths(store) == before
        assert store.step("s").cost is None
        assert store.cost() == 0
        step = Step("turn", "de", "Gut.", "stop", Usage(3, 2), cost=0.5)
        store.add_step("t", step)
        assert store.step("t") == step
    with Store(older, read_only=True) as store:
        assert store.step("t") == step
        assert paths(store) == before


@pytest.mark.parametrize("cost", [0.25, "NULL"])
def test_a_cost_that_was_changed_is_damage(older, cost):
    with Store(older) as store:
        known = Step("turn", "de", "Gut.", "stop", Usage(3, 2), cost=0.5)
        store.add_step("t", known)
    connection = sqlite3.connect(older / "run.sqlite")
    connection.execute(f"UPDATE steps SET cost = {cost} WHERE key = 't'")
    connection.commit()
    connection.close()
    with Store(older) as store, pytest.raises(StoreError, match="its checksum differs"):
        store.step("t")
