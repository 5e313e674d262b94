"""The lines of a batch: a wrong one costs itself and no other."""

import tracemalloc

import pytest

from clc.serving import batch_lines
from clc.serving.batch_lines import read_lines

from .batches import row, rows, solve, write
from .test_completions import body

NESTED = "[" * 1000 + "]" * 1000  # deeper than repr goes

WRONG = [
    ("not json", "no JSON: ", None),
    ('{"custom_id": "a", ', "no JSON: ", None),
    ("[1]", r"no JSON object \[1\]", None),
    ("{}", "custom_id is missing; give a text of its own", "custom_id"),
    (row(7), "custom_id must be a text of its own that is not empty, not 7", "custom_id"),
    (row(""), "custom_id must be a text", "custom_id"),
    (row("a", method="GET"), "method must be 'POST', not 'GET'", "method"),
    (row("a", url="/v1/embeddings"), "url must be '/v1/chat/completions', not '/v1/emb", "url"),
    (row("a", body=[1]), r"body must be the request, an object, not \[1\]", "body"),
    ('{"custom_id": "a", "method": "POST"}', "url is missing; give '/v1/chat", "url"),
    (row("a", body("x" * 9, temprature=1)), "unknown parameter 'temprature'", "temprature"),
    (row("a", body("x" * 9, model="gpt")), "there is no model 'gpt'", "model"),
    ("\udcff", "no JSON: ", None),
    (NESTED, r"no JSON object \[\[\[\[\[\.\.\.", None),
    (row("a")[:-1] + f', "method": {NESTED}}}', r"method must be 'POST', not \[\[", "method"),
    (row("a", body("x"))[:-2] + f', "tools": {NESTED}}}}}', "tools is", "tools"),
]


@pytest.mark.parametrize(("wrong", "words", "param"), WRONG)
def test_a_wrong_line_says_where_and_what_and_loses_nothing(tmp_path, wrong, words, param):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    text = f"{row('first')}\n\n{wrong}\n{row('last')}\n"
    source.write_bytes(text.encode(errors="surrogateescape"))
    solve(source, out)
    done = {one["custom_id"]: one for one in rows(out)}
    assert len(rows(out)) == 3
    assert done["first"]["error"] is done["last"]["error"] is None
    (failed,) = [one for one in rows(out) if one["error"]]
    assert failed["error"]["line"] == 3
    with pytest.raises(AssertionError, match=rf"line 3: .*{words}"):
        raise AssertionError(failed["error"]["message"])
    assert failed["response"]["status_code"] in {400, 404}
    assert failed["response"]["body"]["error"]["param"] == param
    assert failed["response"]["body"]["error"]["code"] == failed["error"]["code"]


def test_a_mark_of_byte_order_is_no_fault(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + row("a").encode())
    (line,) = read_lines(source)
    assert line.custom_id == "a"


def vote(**settings):
    return row("a", body("x" * 9, clc=settings))


def plain(**more):
    return row("a", body("What is 3 and 4?", model="scripted", **more))


def odd(text, **more):
    """Write a row whose body has a field ``odd`` with this JSON."""
    return row("a", body("x" * 9, odd="ODD", **more)).replace('"ODD"', text)


POISON = {
    "paths 1e9": (vote(paths=10**9), "1000000000 paths are asked for"),
    "paths 257": (vote(paths=257), "257 paths are asked for"),
    "paths 2^64": (vote(paths=2**64 - 1), "paths"),
    "paths 2^70": (vote(paths=2**70), "clc.paths is"),
    "paths 5000.0": (vote(paths=5000.0), "clc.paths is 5000.0"),
    "paths in a text": (vote(paths="5000"), "clc.paths is '5000'"),
    "paths true": (vote(paths=True), "clc.paths is True"),
    "paths -1": (vote(paths=-1), "clc.paths is -1"),
    "paths null in a list": (vote(paths=[None]), "clc.paths is"),
    "languages": (vote(languages=["en"] * 1000), "1000 languages are asked for"),
    "a language": (vote(languages=["x" * 9999]), "xxx"),
    "n 6e8": (plain(n=600_000_000), "n is 600000000"),
    "n 2^64": (plain(n=2**64 - 1), "n"),
    "n 1e9": (plain(n=1e9), "n is 1000000000.0"),
    "n true": (plain(n=True), "n is True"),
    "n -5": (plain(n=-5), "n is -5"),
    "n in a text": (plain(n="1000"), "n is '1000'"),
    "max_tokens 1e9": (plain(max_tokens=10**9), "max_tokens"),
    "max_tokens 1e9 as a double": (plain(max_tokens=1e9), "max_tokens is 1000000000.0"),
    "max_tokens in all": (plain(n=256, max_tokens=4096), "are 1048576"),
    "max_tokens of a vote": (row("a", body("x" * 9, max_tokens=2**20)), "max_tokens"),
    "seed": (plain(seed=2**63), "seed is"),
    "temperature": (plain(temperature=1e308), "temperature is"),
    "stops": (plain(stop=["a"] * 1000), "stop is"),
    "a long question": (row("a", body("x" * 40_000)), "40000 characters"),
    "long turns": (plain(messages=[{"role": "user", "content": "x" * 300_000}]), "300000 char"),
    "nested": (odd(NESTED), "unknown parameter 'odd'"),
    "nested too deep": (odd("[" * 99_999 + "]" * 99_999), "no JSON"),
    "nested without an end": (odd("[" * 99_999), "no JSON"),
    "nested objects": (odd('{"a":' * 1000 + "1" + "}" * 1000), "unknown parameter"),
    "nested content": (row("a", body("x")).replace('"x"', NESTED), "content"),
    "nested metadata": (row("a", body("x", metadata="M")).replace('"M"', NESTED), "metadata"),
    "an integer of 5000 digits": (odd("7" * 5000), "no JSON"),
    "a double of 5000 digits": (odd("0." + "7" * 5000), "unknown parameter"),
    "a number beyond doubles": (odd("1e999"), "no JSON"),
    "not a number": (odd("NaN"), "no JSON"),
    "a lone surrogate": (row("a", body("\ud800")), "no JSON"),
    "a lone surrogate as a name": (odd('{"\\udfff": 1}'), "no JSON"),
    "a lone surrogate as an id": (row("\ud800"), "no JSON"),
    "NUL": ("\x00", "no JSON"),
    "NUL in the question": (row("a", body("\x00")), None),
    "NUL in the id": (row("a\x00b", body("gpt", model="gpt")), "no model"),
    "not UTF-8": (row("a").replace("custom_id", "custom_id\udcff"), "no JSON"),
    "UTF-16": ("\udcff\udcfe" + "\x00".join(row("a")), "no JSON"),
    "a long id": (row("x" * 99_999, body("x", model="gpt")), "no model"),
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Load the modules and tables of an answer and of a refused language, which take memory."""
    folder = tmp_path_factory.mktemp("loaded")
    solve(write(folder, row("first"), vote(languages=["x" * 99])), folder / "out.jsonl")


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("poison", POISON)
def test_a_poisoned_line_costs_that_line(tmp_path, poison):
    line, words = POISON[poison]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    text = f"{row('first')}\n{line}\n{row('last')}\n"
    source.write_bytes(text.encode(errors="surrogateescape"))
    tracemalloc.start()
    solve(source, out)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50_000_000
    done = {one["custom_id"]: one for one in rows(out)}
    assert len(rows(out)) == 3
    assert done["first"]["error"] is done["last"]["error"] is None
    failed = [one for one in rows(out) if one["error"]]
    assert len(failed) == (words is not None)
    if words is not None:
        assert failed[0]["error"]["message"].startswith("line 2: ")
        assert words in failed[0]["error"]["message"]
        assert len(failed[0]["error"]["message"]) < 1000
        assert failed[0]["response"]["status_code"] in {400, 404}
    batch, answered, engine = solve(source, out)  # nothing is left, however often it is called
    assert (batch, answered, engine.started) == ((3, 3), [], 0)


def test_a_line_without_an_end_costs_that_line(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_lines, "_LINE_BYTES", 10_000)
    long = row("x" * 35_000)
    for ending in ("\n", ""):
        source = write(tmp_path, row("first"), long, row("b"), long + "x" * 5001)
        source.write_text(source.read_text().removesuffix("\n") + ending)
        lines = list(read_lines(source))
        assert [line.number for line in lines] == [1, 2, 3, 4]
        assert [line.custom_id for line in lines] == ["first", None, "b", None]
        assert "longer than 10,000 bytes" in lines[1].body.message
