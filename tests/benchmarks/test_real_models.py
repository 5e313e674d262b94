import json

import pytest

from benchmarks.real_models.completeness import read_figures
from benchmarks.real_models.servers import (
    ServerFailedError,
    free_port,
    read_llama_tokens,
    running,
)
from benchmarks.real_models.weights import copy_with_sampling
from clc.api import solve_many
from clc.records import Problem
from tests.engines.scripted import ScriptedEngine

PROBLEMS = [Problem(id=f"q{n}", language="en", question=f"{n} + 3?", gold="7") for n in (4, 5)]


def solve_into(folder, **engine):
    settings = {"languages": ("en", "de"), "paths": 4, "translation_tries": 1}
    solved = solve_many(PROBLEMS, engine=ScriptedEngine(**engine), store=folder, **settings)
    lines = [f"{json.dumps(one.answer)}\n" for one in solved]
    (folder / "verdicts.jsonl").write_text("".join(lines))
    return read_figures(folder)


def test_a_whole_run_is_complete(tmp_path):
    figures = solve_into(tmp_path)
    assert figures.is_complete
    assert (figures.planned, figures.recorded, figures.untranslated) == (8, 8, 0)
    assert figures.steps == 2
    assert len(figures.texts) == 8
    assert figures.usage.completion_tokens > figures.path_usage.completion_tokens > 0
    assert "complete" in figures.row("scripted")


def test_a_lost_path_makes_a_run_incomplete(tmp_path):
    lost = iter(["out of memory"])
    figures = solve_into(
        tmp_path, lose=lambda request: next(lost, None) if "+ 3?" in str(request.messages) else None
    )
    assert not figures.is_complete
    assert (figures.planned, figures.recorded) == (8, 7)
    assert dict(figures.reasons) == {"out of memory": 1}


def test_a_missing_verdict_makes_a_run_incomplete(tmp_path):
    solve_into(tmp_path)
    (tmp_path / "verdicts.jsonl").write_text("{}\n")
    assert not read_figures(tmp_path).is_complete


def test_a_copy_of_a_model_recommends_its_sampling(tmp_path):
    source = tmp_path / "model"
    source.mkdir()
    (source / "generation_config.json").write_text('{"eos_token_id": 2}')
    (source / "config.json").write_text("{}")
    copy_with_sampling(source, tmp_path / "copy", top_k=1)
    values = json.loads((tmp_path / "copy" / "generation_config.json").read_text())
    assert values == {"eos_token_id": 2, "do_sample": True, "top_k": 1}
    assert (tmp_path / "copy" / "config.json").exists()


def test_a_server_that_ends_is_an_error_with_its_last_words(tmp_path):
    url = f"http://127.0.0.1:{free_port()}/health"
    words = ["sh", "-c", "echo no such model; exit 3"]
    with (
        pytest.raises(ServerFailedError, match="no such model"),
        running(words, url, tmp_path / "log"),
    ):
        pass


def test_an_interrupted_request_does_not_count_in_a_log_of_llama_cpp():
    start = "Llama.generate: {} prefix-match hit, remaining {} prompt tokens to eval\n"
    end = "llama_perf_context_print: prompt eval time =  4.15 ms / {:5} tokens ( 27.48 ms per token)\n"
    end += "llama_perf_context_print:        eval time =  6.08 ms / {:5} runs   ( 41.34 ms per token)\n"
    log = end.format(50, 9) + start.format(24, 30) + start.format(24, 16) + end.format(16, 7)
    assert read_llama_tokens(log) == (50 + 40, 9 + 7)
