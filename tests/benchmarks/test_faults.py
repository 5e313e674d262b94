"""The fault campaign: a few disturbed runs end as if nothing had happened, and a bad one is seen."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Translations that are stored are asked for again.
FORGETFUL = """
import sys
from clc.runs.store import Store
Store.step = lambda store, key: None
from benchmarks.faults import campaign
sys.exit(1 if campaign(range(1, 7)) else 0)
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_disturbed_runs_end_as_undisturbed_ones():
    done = run("-m", "benchmarks.faults", "--runs", "8", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 runs, " in done.stdout
    assert "0 runs went wrong" in done.stdout


@pytest.mark.slow
def test_a_store_that_forgets_is_seen():
    done = run("-c", FORGETFUL)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "stored keys again" in done.stdout
