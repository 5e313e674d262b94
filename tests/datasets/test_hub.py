"""Hub ids, with the ``datasets`` package played by a fake: nothing here needs a network."""

import sys
from types import SimpleNamespace

import pytest

from clc.datasets import Dataset, load_problems
from clc.datasets.hub import HubId, parse_hub_id
from clc.errors import ConfigurationError, DatasetError

ROWS = [{"question": "Wie viele?", "answer": None, "answer_number": 18}]


@pytest.mark.parametrize(
    ("text", "hub"),
    [
        ("juletxara/mgsm:de", HubId("juletxara/mgsm", "de")),
        ("juletxara/mgsm:de:train", HubId("juletxara/mgsm", "de", "train")),
        ("hf://juletxara/mgsm/de:test", HubId("juletxara/mgsm", "de", "test")),
        ("hf://datasets/weitianwen/cmath", HubId("weitianwen/cmath")),
        ("data/mgsm_de.tsv", None),
        ("../mgsm", None),
        ("mgsm", None),
    ],
)
def test_ids(text, hub):
    assert parse_hub_id(text) == hub


def fake(monkeypatch, load):
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load))


def test_rows(monkeypatch):
    seen = []

    def load(path, config, **options):
        seen.append((path, config, options))
        return {"train": [], "test": iter(ROWS)}

    fake(monkeypatch, load)
    (problem,) = load_problems("juletxara/mgsm:de")
    assert seen == [("juletxara/mgsm", "de", {"streaming": True})]
    assert (problem.id, problem.language, problem.gold) == ("mgsm-de-000", "de", "18")
    assert problem.metadata["item"] == "mgsm-000"
    assert Dataset("juletxara/mgsm:de").total is None


def test_other_splits_have_other_ids(monkeypatch):
    fake(monkeypatch, lambda *_, **__: {"train": ROWS, "test": ROWS})
    (problem,) = load_problems("hf://juletxara/mgsm/de:train")
    assert problem.id == "mgsm-train-de-000"
    with pytest.raises(DatasetError, match="no split 'dev'; there is train, test"):
        list(load_problems("hf://juletxara/mgsm/de:dev"))


def test_a_set_that_needs_a_script_is_read_from_its_parquet_copy(monkeypatch):
    def load(_path, _config, *, streaming, revision=None):
        if revision is None:
            raise RuntimeError("Dataset scripts are no longer supported")
        assert revision == "refs/convert/parquet"
        return {"test": ROWS}

    fake(monkeypatch, load)
    assert len(list(load_problems("juletxara/mgsm:de"))) == 1


def test_no_network(monkeypatch):
    def load(*_, **__):
        raise ConnectionError("Couldn't reach the hub\nmore")

    fake(monkeypatch, load)
    with pytest.raises(
        DatasetError, match="gave no data set: Couldn't reach the hub; check the id"
    ):
        list(load_problems("juletxara/mgsm:de"))


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(
        ConfigurationError, match=r"pip install 'crosslingual-consistency\[datasets\]'"
    ):
        load_problems("hf://juletxara/mgsm/de:test")
