"""A run goes on with another longest sequence: memory that ran out needs a smaller one."""

import pytest

from clc.engines.chat_options import ChatOptions
from clc.engines.vllm.engine import VllmEngine
from clc.errors import ConfigurationError
from clc.runs.store import Store
from clc.solving.configure import configure
from clc.solving.run import Run

DATASET = {"name": "own"}


def begin(folder, length=None, *, options=None, translator=None, **more):
    engine = VllmEngine("clc-tiny", max_model_len=length, chat_options=options, **more)
    with Store(folder) as store:
        work = Run(configure("clc", paths=6), engine, store, translator)
        work.begin(DATASET)
        return store.manifest(), engine


@pytest.mark.parametrize(("first", "later"), [(None, 512), (512, None), (512, 256), (256, 4096)])
def test_the_fingerprint_stays_that_of_the_first_length(tmp_path, first, later):
    began, engine = begin(tmp_path, first, window=8)
    assert engine.fingerprint == VllmEngine("clc-tiny", max_model_len=first).fingerprint
    again, resumed = begin(tmp_path, later, window=2)
    assert again["identity"] == began["identity"]
    assert resumed.fingerprint == engine.fingerprint
    assert resumed.max_model_len == later
    third, _ = begin(tmp_path, 300)
    assert third["identity"] == began["identity"]


def test_a_run_of_an_older_clc_says_its_length_among_the_options(tmp_path):
    began, _ = begin(tmp_path, 512)
    with Store(tmp_path) as store:
        older = {name: one for name, one in began.items() if name != "max_model_len"}
        store.write_manifest({**older, "options": {"max-model-len": 512}, "seconds": 2.0})
    assert begin(tmp_path, 400)[0]["identity"] == began["identity"]


def test_chat_options_and_a_translator_keep_theirs(tmp_path):
    options = ChatOptions(system="Be brief.")
    began, _ = begin(tmp_path / "options", 512, options=options)
    assert began["identity"]["translator"] == began["identity"]["engine"]
    assert begin(tmp_path / "options", 256, options=options)[0]["identity"] == began["identity"]
    two = tmp_path / "two engines"
    began, _ = begin(
        two, 512, translator=VllmEngine("clc-tiny", dtype="float32", max_model_len=512)
    )
    other = VllmEngine("clc-tiny", dtype="float32", max_model_len=256)
    assert begin(two, 256, translator=other)[0]["identity"] == began["identity"]


def test_what_changes_texts_is_another_run_all_the_same(tmp_path):
    began, _ = begin(tmp_path, 512)
    with Store(tmp_path) as store:
        store.write_manifest({**began, "seconds": 2.0})
    with pytest.raises(ConfigurationError, match="engine: "):
        begin(tmp_path, 256, dtype="float32")
