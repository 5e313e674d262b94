import json
import struct
import subprocess
import sys

import pytest

from clc.engines import models
from clc.engines.fingerprints import model_fingerprint
from clc.engines.hub import hub_revision
from clc.engines.models import resolve_model
from clc.errors import ConfigurationError, EngineError


@pytest.fixture
def folder(tmp_path):
    """Return a folder that looks whole."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    write_weights(folder / "model.safetensors", b"\1" * 64)
    return folder


def write_weights(path, data):
    header = json.dumps(
        {"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)


def test_a_whole_folder_is_itself(folder):
    assert resolve_model(str(folder)) == str(folder)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("config.json", "no config.json"),
        ("tokenizer.json", "no tokenizer"),
        ("model.safetensors", "no weights"),
    ],
)
def test_an_incomplete_folder_names_what_is_missing(folder, missing, named):
    (folder / missing).unlink()
    with pytest.raises(ConfigurationError, match=named) as caught:
        resolve_model(str(folder))
    assert str(folder) in str(caught.value)


def test_weights_may_be_absent_where_dummy_ones_are_loaded(folder):
    (folder / "model.safetensors").unlink()
    assert resolve_model(str(folder), weights=False) == str(folder)


def test_a_missing_shard_is_named(folder):
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ConfigurationError, match="lacks 1 of 2 weight files: model-00002-of-00002"):
        resolve_model(str(folder))


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "two words", ""])
def test_what_is_neither_folder_nor_id_is_refused(name):
    with pytest.raises(ConfigurationError, match="no such folder"):
        resolve_model(name)


def test_a_file_is_refused(folder):
    with pytest.raises(ConfigurationError, match="is a file"):
        resolve_model(str(folder / "model.safetensors"))


def test_a_hub_id_is_itself():
    assert resolve_model("Qwen/Qwen2.5-7B-Instruct") == "Qwen/Qwen2.5-7B-Instruct"


def test_the_bundled_model(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "_BUNDLED_FOLDER", tmp_path)
    assert resolve_model("clc-tiny") == str(tmp_path)
    monkeypatch.setattr(models, "_BUNDLED_FOLDER", tmp_path / "gone")
    with pytest.raises(EngineError, match="bundled model is not in this installation"):
        resolve_model("clc-tiny")


def test_a_fingerprint_follows_contents_not_place(folder, tmp_path):
    before = model_fingerprint(str(folder))
    assert before.startswith("folder@")
    (folder / "README.md").write_text("irrelevant")
    moved = folder.rename(tmp_path / "elsewhere")
    assert model_fingerprint(str(moved)) == before


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "chat_template.jinja"])
def test_a_fingerprint_sees_every_text_file(folder, name):
    before = model_fingerprint(str(folder))
    (folder / name).write_text('{"other": 1}')
    assert model_fingerprint(str(folder)) != before


@pytest.mark.parametrize("size", [64, 10 << 20])
def test_a_fingerprint_sees_retrained_weights(folder, size):
    weights = folder / "model.safetensors"
    write_weights(weights, b"\1" * size)
    before = model_fingerprint(str(folder))
    write_weights(weights, b"\2" * size)
    assert model_fingerprint(str(folder)) != before
    write_weights(weights, b"\1" * size)
    assert model_fingerprint(str(folder)) == before


def test_a_hub_id_is_identified_by_its_snapshot(tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    config = tmp_path / "snapshots" / "abc123" / "config.json"
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *a, **k: str(config))
    assert model_fingerprint("o/m") == "o/m@abc123"


def test_an_id_that_cannot_be_asked_for_says_so(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")

    def offline(*args, **kwargs):
        raise ConnectionError("no route")

    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *a, **k: None)
    monkeypatch.setattr(hub.HfApi, "model_info", offline)
    with pytest.raises(EngineError, match="the Hub cannot be reached"):
        hub_revision("o/m")


def test_engines_import_nothing_heavy():
    code = (
        "import sys, clc.engines.vllm.engine, clc.engines.transformers.engine;"
        "sys.exit(str({'torch', 'vllm', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "set()"
