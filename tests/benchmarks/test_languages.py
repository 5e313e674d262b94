"""``python -m benchmarks.languages``, over votes that we write."""

import gzip
import json
import random

import pytest
from click.testing import CliRunner

from benchmarks.languages import dawid_skene, main
from clc.analysis.portfolio_rows import PortfolioRow

RATES = {"en": 0.95, "de": 0.8, "es": 0.7, "fr": 0.6, "sw": 0.3}


def rows(count=150):
    rng = random.Random(4)
    for item in range(count):
        for language, rate in RATES.items():
            right = rng.random() < rate
            answer = str(item if right else item + rng.randint(1, 20))
            yield {"model": "m", "condition": "plain", "language": language, "item": item,
                   "answer": answer, "gold": str(item), "characters": 9}  # fmt: skip


def test_both_tables(tmp_path):
    with gzip.open(tmp_path / "votes.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows())
    done = CliRunner().invoke(main, [str(tmp_path)], catch_exceptions=False)
    ranked, widened = (line for line in done.output.splitlines() if line.startswith("m, plain"))
    assert ranked.startswith("m, plain: 5, 150; 1.00 (")
    assert widened.endswith(" of 5.0")
    few = float(widened.rsplit("; ", 1)[1].split(" of ")[0])
    assert 3 <= few < 5


def test_folders_without_three_languages(tmp_path):
    done = CliRunner().invoke(main, [str(tmp_path)])
    assert done.exit_code == 1
    assert "no setting has three languages" in done.output


def test_the_model_of_accuracies_finds_them():
    votes: dict[int, dict[str, list[str | None]]] = {}
    for row in rows(400):
        votes.setdefault(row["item"], {})[row["language"]] = [row["answer"]]
    found = dawid_skene([PortfolioRow(str(item), None, by) for item, by in votes.items()])
    for language, rate in RATES.items():
        assert found[language] == pytest.approx(rate, abs=0.1)
